import { beforeEach, describe, expect, it } from 'vitest'
import { createReject } from '../../ilp/index.ts'
import type { IlpPrepare, OutgoingReply } from '../../ilp/index.ts'
import type { NewTransfer } from '../../ledger/index.ts'
import { createManualClock } from '../../runtime/index.ts'
import type { ManualClock } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Peer } from '../peers/model.ts'
import { createTestNode, createTestPayer, fulfillOf, prepareOf } from './connector.test-support.ts'
import type { TestNode, TestTarget } from './connector.test-support.ts'
import { createScriptedTransport } from './faults.test-support.ts'
import type { ScriptedTransport, WriterFault } from './faults.test-support.ts'

let clock: ManualClock
let transport: ScriptedTransport
let node: TestNode
let usd: Asset
let alice: Peer
let carol: Peer

beforeEach(async () => {
  clock = createManualClock()
  transport = createScriptedTransport()
  node = createTestNode({ name: 'acacia', clock, transport })
  usd = await node.addAsset('USD', 2, 10_000n)
  const eur = await node.addAsset('EUR', 2, 10_000n)
  alice = await node.addPeer('alice', usd, { balance: 1_000n })
  carol = await node.addPeer('carol', eur)
  node.rates.set('USD/2>EUR/2', { numerator: 1n, denominator: 1n })
})

/** A packet on its way, and what it was answered so far. */
function handle(prepare: IlpPrepare): { answer: OutgoingReply | undefined } {
  const watched: { answer: OutgoingReply | undefined } = { answer: undefined }
  void node.connector.handle(alice, prepare).then((answer) => (watched.answer = answer))
  return watched
}

const toCarol = (number: number, lifetimeMs = 11_000) =>
  prepareOf(clock, number, { destination: 'test.carol.x', expiresAtMs: clock.nowMs() + lifetimeMs })

const isPost = ([first]: readonly NewTransfer[]) => first?.flags?.postPending === true
const isVoid = ([first]: readonly NewTransfer[]) => first?.flags?.voidPending === true

/** The first `count` submissions that match fail. */
function failFirst(
  count: number,
  matches: (transfers: readonly NewTransfer[]) => boolean,
  fault: WriterFault
): void {
  let left = count
  node.writer.fault = (transfers) => {
    if (left === 0 || !matches(transfers)) return undefined
    left -= 1
    return fault
  }
}

async function expectUntouched(): Promise<void> {
  expect(await node.pendingCount()).toBe(0)
  expect(await node.balance(alice.id)).toBe(1_000n)
  expect(await node.balance(carol.id)).toBe(0n)
  await node.audit()
}

async function expectPosted(): Promise<void> {
  expect(await node.pendingCount()).toBe(0)
  expect(await node.balance(alice.id)).toBe(900n)
  expect(await node.balance(carol.id)).toBe(100n)
  await node.audit()
}

describe('the outgoing expiry', () => {
  it('answers R00 and voids; a later Fulfill is dropped, counted and listed', async () => {
    const packet = handle(toCarol(1))
    await clock.advance(9_999)
    expect(packet.answer).toBeUndefined()
    await clock.advance(1)
    expect(packet.answer).toMatchObject({ code: 'R00', triggeredBy: 'test.acacia' })
    await expectUntouched()
    expect(transport.sent[0]!.giveUpAtMs - clock.nowMs()).toBe(2_000)

    await clock.advance(500)
    transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(0)
    await expectUntouched()
    expect(node.connector.orphans.list()).toEqual([
      {
        cause: 'late_fulfill',
        isCertain: true,
        peerId: carol.id,
        direction: 'downstream',
        condition: toCarol(1).executionCondition.toString('hex'),
        amount: 100n,
        atMs: clock.nowMs()
      }
    ])
    expect(node.connector.orphans.counts()).toEqual({ late_fulfill: 1 })
    expect(node.logs.find(({ event }) => event === 'orphan')).toMatchObject({
      cause: 'late_fulfill',
      peerId: carol.id,
      amount: '100'
    })
  })

  it('a late Reject or a late wrong fulfillment is no orphan, silence may be one', async () => {
    for (const number of [1, 2, 3]) handle(toCarol(number))
    await clock.advance(10_000)
    transport.sent[0]!.answer(createReject('T04', { triggeredBy: 'test.carol' }))
    transport.sent[1]!.answer(fulfillOf(99))
    transport.sent[2]!.end({ kind: 'lost', code: 'T01', reason: 'gave up' })
    await clock.advance(0)
    expect(node.connector.orphans.list()).toMatchObject([{ cause: 'unanswered', isCertain: false }])
    await expectUntouched()
  })

  it('a packet that was still waiting for a connection is no orphan', async () => {
    handle(toCarol(1))
    await clock.advance(10_000)
    transport.sent[0]!.end({ kind: 'notSent', code: 'T01', reason: 'no connection' })
    await clock.advance(0)
    expect(node.connector.orphans.list()).toEqual([])
  })

  it('counts by the clock, even when the timer is late', async () => {
    // An answer that is looked at when the expiry has passed, before the timer had its turn.
    const stalled = createScriptedTransport()
    let nowMs = clock.nowMs()
    node = createTestNode({ name: 'acacia', clock: { ...clock, nowMs: () => nowMs }, transport: stalled })
    usd = await node.addAsset('USD', 2)
    alice = await node.addPeer('alice', usd, { balance: 1_000n })
    await node.addPeer('bob', usd)
    const packet = handle(prepareOf(clock, 1, { destination: 'test.bob', expiresAtMs: nowMs + 11_000 }))
    await clock.advance(0)
    nowMs += 10_000
    stalled.sent[0]!.answer(fulfillOf(1))
    await clock.advance(0)
    expect(packet.answer).toMatchObject({ code: 'R00' })
    expect(node.connector.orphans.counts()).toEqual({ late_fulfill: 1 })
    expect(await node.balance(alice.id)).toBe(1_000n)
  })
})

describe('failures of the transport', () => {
  it('not sent: T01 and void at once', async () => {
    const packet = handle(toCarol(1))
    await clock.advance(0)
    transport.sent[0]!.end({ kind: 'notSent', code: 'T01', reason: 'ECONNREFUSED' })
    await clock.advance(0)
    expect(packet.answer).toMatchObject({ code: 'T01', message: 'ECONNREFUSED' })
    await expectUntouched()
  })

  it('answer lost: T01 at once, reserved until the outgoing expiry, listed', async () => {
    const packet = handle(toCarol(1))
    await clock.advance(4_000)
    transport.sent[0]!.end({ kind: 'lost', code: 'T01', reason: 'ECONNRESET' })
    await clock.advance(0)
    expect(packet.answer).toMatchObject({ code: 'T01' })
    await clock.advance(5_999)
    expect(await node.pendingCount()).toBe(2)
    await clock.advance(1)
    await expectUntouched()
    expect(node.connector.orphans.list()).toMatchObject([{ cause: 'answer_lost', isCertain: false }])
  })

  it('an answer that is no packet is a lost one: T00', async () => {
    const packet = handle(toCarol(1))
    await clock.advance(0)
    transport.sent[0]!.end({ kind: 'answer', bytes: Buffer.from('<html>') })
    await clock.advance(0)
    expect(packet.answer).toMatchObject({ code: 'T00' })
    expect(await node.pendingCount()).toBe(2)
    await clock.advance(10_000)
    await expectUntouched()
  })

  it('a transport that throws is one whose answer was lost', async () => {
    transport.onSend = () => {
      throw new Error('a bug')
    }
    const packet = handle(toCarol(1))
    await clock.advance(10_000)
    expect(packet.answer).toMatchObject({ code: 'T00' })
    await expectUntouched()
  })
})

describe('a ledger whose answers are lost while posting', () => {
  it.each(['before', 'after', 'busy'] as const)(
    'posts again, with the same ids, until it is known (%s)',
    async (fault) => {
      const posts: string[][] = []
      const packet = handle(toCarol(1))
      await clock.advance(0)
      failFirst(3, isPost, fault)
      const told = node.writer.fault
      node.writer.fault = (transfers) => {
        if (isPost(transfers)) posts.push(transfers.map(({ id }) => String(id)))
        return told(transfers)
      }
      transport.sent[0]!.answer(fulfillOf(1))
      await clock.advance(0)
      expect(packet.answer).toBeUndefined()
      await clock.advance(50 + 100 + 200)
      expect(packet.answer).toMatchObject({ type: 'fulfill' })
      expect(posts).toHaveLength(4)
      expect(new Set(posts.map(String)).size).toBe(1)
      await expectPosted()
      expect(node.connector.orphans.list()).toEqual([])
    }
  )

  it('a valid Fulfill is posted after the outgoing expiry and goes upstream before the incoming one', async () => {
    const packet = handle(toCarol(1))
    await clock.advance(9_990)
    failFirst(1, isPost, { delayMs: 900 })
    transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(899)
    expect(packet.answer).toBeUndefined()
    await clock.advance(1)
    expect(packet.answer).toMatchObject({ type: 'fulfill' })
    await expectPosted()
  })

  it('known only after the incoming expiry: R00 then, posted all the same, listed as orphan upstream', async () => {
    const packet = handle(toCarol(1))
    await clock.advance(9_990)
    failFirst(1, isPost, { delayMs: 60_000 })
    transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(1_009)
    expect(packet.answer).toBeUndefined()
    await clock.advance(1)
    expect(packet.answer).toMatchObject({ code: 'R00' })
    expect(node.connector.orphans.list()).toEqual([])
    await clock.advance(60_000)
    await expectPosted()
    expect(node.connector.orphans.list()).toMatchObject([
      { cause: 'posted_after_answer', isCertain: true, direction: 'upstream', peerId: alice.id }
    ])
  })

  it('refused for good: T00, never a Fulfill, listed as orphan downstream', async () => {
    const packet = handle(toCarol(1))
    await clock.advance(0)
    const reservations = await node.ledger.queryTransfers({ pendingOnly: true, limit: 2 })
    for (const { id } of reservations) {
      await node.ledger.createTransfers([
        {
          id: node.random.orderedId(),
          pendingId: id,
          debitAccountId: 0n,
          creditAccountId: 0n,
          amount: 0n,
          ledger: 0,
          code: 0,
          flags: { voidPending: true }
        }
      ])
    }
    transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(0)
    expect(packet.answer).toMatchObject({ code: 'T00' })
    expect(node.connector.orphans.list()).toMatchObject([{ cause: 'post_refused', isCertain: true }])
    expect(node.logs.find(({ event }) => event === 'post_refused')).toBeDefined()
    await expectUntouched()
  })

  it('an own sender waits until it is known, beyond any expiry', async () => {
    const id = await node.addAccount(usd, 500n)
    const send = node.connector.senderFor({
      tenantId: node.tenantId,
      asset: usd,
      account: { id, paymentId: node.random.uuid(), epoch: 1 }
    })
    let answer: OutgoingReply | undefined
    void send({ ...toCarol(1), isProbe: false, minimumDelivered: 1n, readDelivered: () => 1n }).then(
      (reply) => (answer = reply)
    )
    await clock.advance(0)
    failFirst(1, isPost, { delayMs: 120_000 })
    transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(119_999)
    expect(answer).toBeUndefined()
    await clock.advance(1)
    expect(answer).toMatchObject({ type: 'fulfill' })
    expect(await node.balance(id)).toBe(400n)
  })

  it('a stop leaves the doubt to the ledger and to whoever comes after', async () => {
    const packet = handle(toCarol(1))
    await clock.advance(0)
    node.writer.fault = () => 'before'
    transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(0)
    let stopped = false
    void node.connector.stop(100).then(() => (stopped = true))
    await clock.advance(100)
    expect(stopped).toBe(true)
    expect(packet.answer).toMatchObject({ code: 'T03' })
    expect(node.connector.orphans.list()).toMatchObject([{ cause: 'post_abandoned', isCertain: false }])
    expect(await node.pendingCount()).toBe(2)
  })
})

describe('a ledger whose answers are lost while voiding', () => {
  it.each(['before', 'after', 'busy'] as const)('voids again until it is known (%s)', async (fault) => {
    const packet = handle(toCarol(1))
    await clock.advance(0)
    failFirst(4, isVoid, fault)
    transport.sent[0]!.answer(createReject('T04', { triggeredBy: 'test.carol' }))
    await clock.advance(0)
    expect(packet.answer).toMatchObject({ code: 'T04' }) // a peer does not wait for it
    await clock.advance(10_000)
    await expectUntouched()
  })
})

describe('a ledger whose answers are lost during a local booking', () => {
  let target: TestTarget
  const prepare = (lifetimeMs: number) =>
    createTestPayer(node, target, clock).prepare(100n, { expiresAtMs: clock.nowMs() + lifetimeMs })

  beforeEach(async () => {
    target = await node.addTarget(usd)
  })

  it.each(['before', 'after'] as const)(
    'asks again, and fulfills when it is known in time (%s)',
    async (fault) => {
      failFirst(3, () => true, fault)
      const packet = handle(prepare(5_000))
      await clock.advance(1_000)
      expect(packet.answer).toMatchObject({ type: 'fulfill' })
      expect(await node.balance(target.id)).toBe(100n)
      expect(target).toMatchObject({ received: 100n, booking: 0n })
    }
  )

  it('not booked by the expiry: R00, and it can never be booked later', async () => {
    let down = true
    node.writer.fault = () => (down ? 'before' : undefined)
    const packet = handle(prepare(5_000))
    await clock.advance(4_999)
    expect(packet.answer).toBeUndefined()
    await clock.advance(1)
    expect(packet.answer).toMatchObject({ code: 'R00' })
    expect(target.booking).toBe(100n) // not known yet
    down = false
    await clock.advance(10_000)
    expect(target).toMatchObject({ received: 0n, booking: 0n })
    expect(await node.balance(alice.id)).toBe(1_000n)
    expect(await node.pendingCount()).toBe(0)
    expect(node.connector.orphans.list()).toEqual([])
  })

  it('booked, and known only after the expiry: R00, listed as orphan upstream', async () => {
    let first = true
    let down = true
    node.writer.fault = () => {
      if (!first) return down ? 'before' : undefined
      first = false
      return 'after'
    }
    const packet = handle(prepare(5_000))
    await clock.advance(5_000)
    expect(packet.answer).toMatchObject({ code: 'R00' })
    down = false
    await clock.advance(10_000)
    expect(await node.balance(target.id)).toBe(100n)
    expect(target).toMatchObject({ received: 100n, booking: 0n })
    expect(await node.pendingCount()).toBe(0)
    expect(node.connector.orphans.list()).toMatchObject([
      { cause: 'posted_after_answer', direction: 'upstream', peerId: alice.id, amount: 100n }
    ])
  })
})

it('an upstream that is gone changes nothing: the packet is posted', async () => {
  void node.connector.handle(alice, toCarol(1))
  await clock.advance(0)
  transport.sent[0]!.answer(fulfillOf(1))
  await clock.advance(0)
  await expectPosted()
})
