import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { beforeEach, describe, expect, it } from 'vitest'
import type { OutgoingReply } from '../../ilp/index.ts'
import type { StreamMaxMoneyFrame } from '../../ilp/stream/codec.ts'
import { uuidToId } from '../../runtime/index.ts'
import { connectionTagOf } from './connection-totals.ts'
import { createTestPayer } from './connector.test-support.ts'
import { createScene } from './scene.test-support.ts'
import type { Scene } from './scene.test-support.ts'
import { TOTAL_MARGIN_MS } from './steps/deliver.ts'

let clock: Scene['clock']
let node: Scene['node']
let usd: Scene['usd']
let eur: Scene['eur']
let alice: Scene['alice']
let answerOf: Scene['answerOf']
let rejectOf: Scene['rejectOf']

beforeEach(async () => {
  ;({ clock, node, usd, eur, alice, answerOf, rejectOf } = await createScene())
})

/** What an answer says of money on its stream. */
function moneyOf(payer: ReturnType<typeof createTestPayer>, answer: OutgoingReply) {
  const frame = payer.read(answer as never)!.frames.find((one) => 'totalReceived' in one)
  const { totalReceived, receiveMax } = frame as unknown as StreamMaxMoneyFrame
  return { totalReceived: String(totalReceived), receiveMax: String(receiveMax) }
}

/** The nonce at the head of the token in a STREAM address. */
function connectionIdOf(destination: string): string {
  const token = Buffer.from(destination.slice(destination.lastIndexOf('.') + 1), 'base64url')
  return token.subarray(0, 18).toString('base64url')
}

describe('local delivery', () => {
  it('books and fulfills with the total received', async () => {
    const target = await node.addTarget(usd, { receiveMax: 500n })
    const payer = createTestPayer(node, target, clock)
    const answer = await answerOf(node.connector.handle(alice, payer.prepare(120n)))
    expect(answer.type).toBe('fulfill')
    const said = payer.read(answer as never)!
    expect(said.prepareAmount).toBe(120n)
    expect(said.frames).toContainEqual(
      expect.objectContaining({ receiveMax: expect.anything(), totalReceived: expect.anything() })
    )
    expect(await node.balance(target.id)).toBe(120n)
    expect(await node.balance(alice.id)).toBe(880n)
    expect(target).toMatchObject({ received: 120n, booking: 0n })
    expect(await node.pendingCount()).toBe(0)
  })

  it('converts for a target of another asset', async () => {
    const target = await node.addTarget(eur)
    const payer = createTestPayer(node, target, clock)
    const answer = await answerOf(node.connector.handle(alice, payer.prepare(10n)))
    expect(payer.read(answer as never)!.prepareAmount).toBe(910n)
    expect(await node.balance(target.id)).toBe(910n)
    expect(await node.balance(usd.id)).toBe(10_010n)
    await node.audit()
  })

  it('answers a probe with what arrived, authentically, and touches no ledger', async () => {
    node.writer.fault = () => {
      throw new Error('the ledger was asked')
    }
    const target = await node.addTarget(eur)
    const payer = createTestPayer(node, target, clock)
    const reject = await rejectOf(node.connector.handle(alice, payer.prepare(7n, { isProbe: true })))
    expect(reject.code).toBe('F99')
    expect(payer.read(reject)).toMatchObject({ type: 14, prepareAmount: 637n })
    expect(target.booking).toBe(0n)
  })

  it('counts each connection for itself, and tells what the account still takes whoever pays it', async () => {
    const target = await node.addTarget(usd, { receiveMax: 500n })
    const [one, two] = [createTestPayer(node, target, clock), createTestPayer(node, target, clock)]
    const moneyFor = async (payer: typeof one, amount: bigint) =>
      moneyOf(payer, await answerOf(node.connector.handle(alice, payer.prepare(amount))))
    expect(await moneyFor(one, 120n)).toEqual({ totalReceived: '120', receiveMax: '500' })
    expect(await moneyFor(two, 30n)).toEqual({ totalReceived: '30', receiveMax: '380' })
    expect(await moneyFor(one, 50n)).toEqual({ totalReceived: '170', receiveMax: '470' })
    expect(await moneyFor(two, 300n)).toEqual({ totalReceived: '330', receiveMax: '330' })
    // Full: the totals say so on either connection.
    expect(await moneyFor(one, 1n)).toEqual({ totalReceived: '170', receiveMax: '170' })
    expect(await moneyFor(two, 1n)).toEqual({ totalReceived: '330', receiveMax: '330' })
  })

  it('tags the credit with connection and process, in the units that the connection counts', async () => {
    const target = await node.addTarget(eur)
    const payer = createTestPayer(node, target, clock)
    await answerOf(node.connector.handle(alice, payer.prepare(10n)))
    const tag = connectionTagOf(connectionIdOf(payer.destination))
    const [credit, ...others] = await node.ledger.queryTransfers({ userData128: tag, limit: 10 })
    expect(credit).toMatchObject({ creditAccountId: uuidToId(target.id), amount: 910n })
    expect(others).toEqual([])
  })

  it('answers amount 0 with the connection’s total from the ledger, whatever its account’s state', async () => {
    const target = await node.addTarget(usd)
    const [payer, other] = [createTestPayer(node, target, clock), createTestPayer(node, target, clock)]
    await answerOf(node.connector.handle(alice, payer.prepare(77n)))
    await answerOf(node.connector.handle(alice, other.prepare(5n)))
    target.state = 'closed'
    const answer = await answerOf(node.connector.handle(alice, payer.prepare(0n)))
    expect(answer.type).toBe('fulfill')
    expect(moneyOf(payer, answer).totalReceived).toBe('77')
  })

  it('fulfills what is booked even where the total cannot be had, and says nothing of it then', async () => {
    const target = await node.addTarget(usd)
    const payer = createTestPayer(node, target, clock)
    await answerOf(node.connector.handle(alice, payer.prepare(1n)))
    const silent = { ...node.ledger, queryTransfers: () => new Promise<never>(() => undefined) }
    const cache = { shareField: () => new Promise<never>(() => undefined) }
    Object.assign(node.ledger, silent)
    Object.assign(node.cache, cache)
    const pending = node.connector.handle(alice, payer.prepare(2n, { expiresAtMs: clock.nowMs() + 5_000 }))
    await clock.advance(5_000 - TOTAL_MARGIN_MS)
    const answer = await answerOf(pending)
    expect(answer.type).toBe('fulfill')
    expect(payer.read(answer as never)!.frames.filter((frame) => 'totalReceived' in frame)).toEqual([])
    expect(await node.balance(target.id)).toBe(3n)
  })

  it('books nothing on a connection whose credits cannot be read: T00', async () => {
    const payer = createTestPayer(node, await node.addTarget(usd), clock)
    Object.assign(node.ledger, { queryTransfers: async () => Promise.reject(new Error('gone')) })
    expect((await rejectOf(node.connector.handle(alice, payer.prepare(1n)))).code).toBe('T00')
    expect(await node.balance(alice.id)).toBe(1_000n)
    const standard = await answerOf(node.connector.handle(alice, payer.prepare(0n)))
    expect(standard.type).toBe('fulfill')
    expect(payer.read(standard as never)!.frames.filter((frame) => 'totalReceived' in frame)).toEqual([])
  })

  it('waits for a connection’s total no longer than the packet can be booked: R02, and nothing stays held', async () => {
    const target = await node.addTarget(usd)
    const payer = createTestPayer(node, target, clock)
    const { queryTransfers } = node.ledger
    let isSilent = true
    let answerNow = () => {}
    Object.assign(node.ledger, {
      queryTransfers: async (query: never) => {
        if (isSilent) await new Promise<void>((resolve) => (answerNow = resolve))
        return queryTransfers.call(node.ledger, query)
      }
    })
    const pending = node.connector.handle(alice, payer.prepare(5n, { expiresAtMs: clock.nowMs() + 1_000 }))
    await clock.advance(799)
    await expect(answerOf(pending)).rejects.toThrow('not answered yet')
    await clock.advance(1)
    expect((await rejectOf(pending)).code).toBe('R02')
    expect(target).toMatchObject({ booking: 0n, received: 0n })
    isSilent = false
    answerNow()
    expect((await answerOf(node.connector.handle(alice, payer.prepare(3n)))).type).toBe('fulfill')
    expect(await node.balance(target.id)).toBe(3n)
  })

  it('decrypts a packet once', async () => {
    const target = await node.addTarget(usd)
    const payer = createTestPayer(node, target, clock)
    await answerOf(node.connector.handle(alice, payer.prepare(1n)))
    const packets = Array.from({ length: 50 }, () => payer.prepare(2n))
    const { createDecipheriv } = crypto
    let decryptions = 0
    crypto.createDecipheriv = ((...all: Parameters<typeof createDecipheriv>) => {
      decryptions += 1
      return createDecipheriv(...all)
    }) as typeof createDecipheriv
    syncBuiltinESMExports()
    try {
      for (const packet of packets) await answerOf(node.connector.handle(alice, packet))
    } finally {
      crypto.createDecipheriv = createDecipheriv
      syncBuiltinESMExports()
    }
    expect(decryptions).toBe(50)
    expect(await node.balance(target.id)).toBe(101n)
  })

  it('refuses less than the minimum (F99), books nothing', async () => {
    const target = await node.addTarget(usd)
    const payer = createTestPayer(node, target, clock)
    const reject = await rejectOf(node.connector.handle(alice, payer.prepare(9n, { minimum: 10n })))
    expect(reject.code).toBe('F99')
    expect(payer.read(reject)?.prepareAmount).toBe(9n)
    expect(await node.balance(alice.id)).toBe(1_000n)
  })

  it('refuses data that is not authentic: F06', async () => {
    const payer = createTestPayer(node, await node.addTarget(usd), clock)
    const forged = { ...payer.prepare(9n), data: Buffer.alloc(60) }
    expect((await rejectOf(node.connector.handle(alice, forged))).code).toBe('F06')
  })

  it('refuses a closed account (F02, closing the connection) and a full one (F99), probes too', async () => {
    const target = await node.addTarget(usd, { receiveMax: 100n })
    const payer = createTestPayer(node, target, clock)
    target.received = 100n
    const full = await rejectOf(node.connector.handle(alice, payer.prepare(1n)))
    expect(full.code).toBe('F99')
    target.state = 'closed'
    for (const isProbe of [false, true]) {
      const closed = await rejectOf(node.connector.handle(alice, payer.prepare(1n, { isProbe })))
      expect(closed).toMatchObject({
        code: 'F02',
        message: 'destination account is in an incorrect state'
      })
      expect(payer.read(closed)?.type).toBe(14)
    }
  })

  it('releases what it may not book: T04, T03, R02', async () => {
    const target = await node.addTarget(usd)
    const payer = createTestPayer(node, target, clock)
    expect((await rejectOf(node.connector.handle(alice, payer.prepare(1_001n)))).code).toBe('T04')
    node.writer.fault = () => 'busy'
    expect((await rejectOf(node.connector.handle(alice, payer.prepare(1n)))).code).toBe('T03')
    node.writer.fault = () => ({ delayMs: 801 })
    const late = node.connector.handle(alice, payer.prepare(1n, { expiresAtMs: clock.nowMs() + 1_000 }))
    await clock.advance(801)
    expect((await rejectOf(late)).code).toBe('R02')
    expect(
      (await rejectOf(node.connector.handle(alice, payer.prepare(1n, { expiresAtMs: clock.nowMs() + 199 }))))
        .code
    ).toBe('R02')
    expect(target).toMatchObject({ booking: 0n, received: 0n })
    expect(await node.balance(alice.id)).toBe(1_000n)
  })
})
