import { beforeEach, describe, expect, it } from 'vitest'
import { createTestPayer } from './connector.test-support.ts'
import { createScene } from './scene.test-support.ts'
import type { Scene } from './scene.test-support.ts'

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

  it('answers amount 0 with the total received', async () => {
    const target = await node.addTarget(usd)
    target.received = 77n
    target.state = 'closed'
    const payer = createTestPayer(node, target, clock)
    const answer = await answerOf(node.connector.handle(alice, payer.prepare(0n)))
    expect(answer.type).toBe('fulfill')
    const money = payer.read(answer as never)!.frames.find((frame) => 'totalReceived' in frame)
    expect(String((money as { totalReceived: unknown }).totalReceived)).toBe('77')
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
