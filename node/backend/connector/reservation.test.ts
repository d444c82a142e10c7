import { beforeEach, describe, expect, it } from 'vitest'
import type { IlpPrepare, OutgoingReply } from '../../ilp/index.ts'
import type { NewTransfer } from '../../ledger/index.ts'
import { createTestNode, fulfillOf } from './connector.test-support.ts'
import type { TestNode } from './connector.test-support.ts'
import { createScriptedTransport } from './faults.test-support.ts'
import type { WriterFault } from './faults.test-support.ts'
import { createScene } from './scene.test-support.ts'
import type { Scene } from './scene.test-support.ts'

// What becomes of a packet whose reservation the ledger answers late, never, or with a refusal.

let scene: Scene
let clock: Scene['clock']
let node: TestNode

beforeEach(async () => {
  scene = await createScene()
  ;({ clock, node } = scene)
})

/** A packet on its way, and what it was answered so far. */
function watch(pending: Promise<OutgoingReply>): { answer: OutgoingReply | undefined } {
  const watched: { answer: OutgoingReply | undefined } = { answer: undefined }
  void pending.then((answer) => (watched.answer = answer))
  return watched
}

const handle = (prepare: IlpPrepare) => watch(node.connector.handle(scene.alice, prepare))
const toCarol = (number: number) => scene.toCarol(number, { expiresAtMs: clock.nowMs() + 6_000 })

const isReservation = ([first]: readonly NewTransfer[]) => first?.flags?.pending === true

/** The first `count` reservations fail. */
function failFirst(count: number, fault: WriterFault): void {
  let left = count
  node.writer.fault = (transfers) => (isReservation(transfers) && left-- > 0 ? fault : undefined)
}

async function expectUntouched(): Promise<void> {
  expect(scene.transport.sent).toEqual([])
  expect(await node.pendingCount()).toBe(0)
  expect(await node.balance(scene.alice.id)).toBe(1_000n)
  expect(await node.balance(scene.carol.id)).toBe(0n)
  expect(node.connector.orphans.list()).toEqual([])
  await node.audit()
}

describe('a ledger that does not answer', () => {
  it('R00 at the outgoing expiry; a reservation that stands after all is not sent, and voided', async () => {
    failFirst(1, { delayMs: 25_000 })
    const packet = handle(toCarol(1))
    await clock.advance(4_999)
    expect(packet.answer).toBeUndefined()
    await clock.advance(1)
    expect(packet.answer).toMatchObject({ code: 'R00', triggeredBy: 'test.acacia' })
    await clock.advance(20_000)
    await expectUntouched()
  })

  it('counts by the clock, even when the timer is late', async () => {
    let lateMs = 0
    node = createTestNode({
      name: 'acacia',
      clock: { ...clock, nowMs: () => clock.nowMs() + lateMs },
      transport: scene.transport
    })
    const usd = await node.addAsset('USD', 2)
    const alice = await node.addPeer('alice', usd, { balance: 1_000n })
    await node.addPeer('bob', usd)
    failFirst(1, { delayMs: 1_000 })
    const packet = watch(node.connector.handle(alice, scene.toBob(1, { expiresAtMs: clock.nowMs() + 6_000 })))
    // The event loop stalled: it is past the expiry when the ledger's answer is looked at, before the timer's turn.
    await clock.advance(999)
    lateMs = 4_500
    await clock.advance(1)
    expect(packet.answer).toMatchObject({ code: 'R00' })
    expect(scene.transport.sent).toEqual([])
    expect(await node.pendingCount()).toBe(0)
    expect(await node.balance(alice.id)).toBe(1_000n)
  })

  it.each(['before', 'after'] as const)(
    'R00 at the outgoing expiry; asked again until it is known, then voided (%s)',
    async (fault) => {
      failFirst(2, { delayMs: 25_000, then: fault })
      const packet = handle(toCarol(1))
      await clock.advance(5_000)
      expect(packet.answer).toMatchObject({ code: 'R00' })
      await clock.advance(55_000)
      await expectUntouched()
    }
  )

  it('refused after the expiry: nothing is left to do', async () => {
    failFirst(1, { delayMs: 25_000 })
    const packet = handle(scene.toCarol(1, { amount: 1_001n, expiresAtMs: clock.nowMs() + 6_000 }))
    await clock.advance(5_000)
    expect(packet.answer).toMatchObject({ code: 'R00' })
    await clock.advance(20_000)
    await expectUntouched()
    expect(node.logs.filter(({ level }) => level >= 50)).toEqual([])
  })

  it('holds on to the condition until it is settled', async () => {
    failFirst(1, { delayMs: 25_000 })
    handle(toCarol(1))
    await clock.advance(5_000)
    const again = handle(toCarol(1))
    await clock.advance(0)
    expect(again.answer).toMatchObject({ code: 'F00' })
    await clock.advance(20_000)
    const later = handle(toCarol(1))
    await clock.advance(0)
    scene.transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(0)
    expect(later.answer).toMatchObject({ type: 'fulfill' })
  })

  it('an own sender hears R00 when its account has the money again, and nothing was sent', async () => {
    const id = await node.addAccount(scene.usd, 100n)
    const send = node.connector.senderFor({
      tenantId: node.tenantId,
      asset: scene.usd,
      account: { id, paymentId: node.random.uuid(), epoch: 1 }
    })
    failFirst(1, { delayMs: 25_000 })
    const packet = watch(
      send({ ...toCarol(1), isProbe: false, minimumDelivered: 1n, readDelivered: () => 1n })
    )
    await clock.advance(24_999)
    expect(packet.answer).toBeUndefined()
    await clock.advance(1)
    expect(packet.answer).toMatchObject({ code: 'R00' })
    expect(await node.balance(id)).toBe(100n)
    await expectUntouched()
  })

  it('does not reserve for what expired while it waited for its batch', async () => {
    const batches: number[] = []
    const createTransfers = node.ledger.createTransfers.bind(node.ledger)
    node.ledger.createTransfers = async (transfers) => {
      batches.push(transfers.length)
      if (batches.length === 1) await clock.sleep(25_000)
      return createTransfers(transfers)
    }
    const first = handle(toCarol(1))
    await clock.advance(0)
    const second = handle(toCarol(2))
    await clock.advance(5_000)
    expect([first.answer, second.answer]).toMatchObject([{ code: 'R00' }, { code: 'R00' }])
    await clock.advance(30_000)
    // The first one's reservation and its void; the second never was in a batch.
    expect(batches).toEqual([2, 2])
    await expectUntouched()
  })
})

describe('a ledger whose answers are lost', () => {
  it.each(['before', 'after'] as const)(
    'T00, nothing is sent, nothing stays reserved (%s)',
    async (fault) => {
      failFirst(2, fault)
      const packet = handle(toCarol(1))
      await clock.advance(0)
      expect(packet.answer).toMatchObject({ code: 'T00' })
      expect(scene.transport.sent).toEqual([])
      await clock.advance(10_000)
      await expectUntouched()
    }
  )

  it('holds on to the condition until it is settled', async () => {
    failFirst(2, 'after')
    handle(toCarol(1))
    await clock.advance(0)
    const again = handle(toCarol(1))
    await clock.advance(0)
    expect(again.answer).toMatchObject({ code: 'F00' })
    await clock.advance(10_000)
    const later = handle(toCarol(1))
    await clock.advance(0)
    scene.transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(0)
    expect(later.answer).toMatchObject({ type: 'fulfill' })
  })

  it('busy: T03', async () => {
    failFirst(1, 'busy')
    const packet = handle(toCarol(1))
    await clock.advance(0)
    expect(packet.answer).toMatchObject({ code: 'T03' })
    await expectUntouched()
  })
})

it('lasts as long as its packet and a minute, and no shorter than the setting, in any ledger', async () => {
  const timeoutFor = async (minReservationTimeoutS: number) => {
    const transport = createScriptedTransport()
    const limits = { minReservationTimeoutS }
    const own = createTestNode({ name: 'acacia', clock, transport, limits })
    const usd = await own.addAsset('USD', 2)
    const alice = await own.addPeer('alice', usd, { balance: 100n })
    await own.addPeer('bob', usd)
    void own.connector.handle(alice, scene.toBob(1, { amount: 5n, expiresAtMs: clock.nowMs() + 6_000 }))
    await clock.advance(0)
    const [pending] = await own.ledger.queryTransfers({ pendingOnly: true, limit: 2 })
    return pending!.timeoutS
  }
  expect(await timeoutFor(5)).toBe(65) // sent on with 5 s
  expect(await timeoutFor(100)).toBe(100)
})
