import { beforeEach, describe, expect, it } from 'vitest'
import {
  MAX_PACKET_AMOUNT,
  createIldcpRequest,
  createReject,
  decodeAmountTooLarge,
  readIldcpAnswer
} from '../../ilp/index.ts'
import { createTestNode, createTestPayer, fulfillOf, prepareOf, secretOf } from './connector.test-support.ts'
import { createScene } from './scene.test-support.ts'
import type { Scene } from './scene.test-support.ts'
import { pipeline } from './pipeline.ts'

let clock: Scene['clock']
let transport: Scene['transport']
let node: Scene['node']
let usd: Scene['usd']
let eur: Scene['eur']
let alice: Scene['alice']
let bob: Scene['bob']
let carol: Scene['carol']
let answerOf: Scene['answerOf']
let rejectOf: Scene['rejectOf']
let toBob: Scene['toBob']
let toCarol: Scene['toCarol']

beforeEach(async () => {
  ;({ clock, transport, node, usd, eur, alice, bob, carol, answerOf, rejectOf, toBob, toCarol } =
    await createScene())
})

describe('the list of steps', () => {
  it('names each step once, with its clause', () => {
    expect(new Set(pipeline.map(({ name }) => name)).size).toBe(pipeline.length)
    for (const { clause } of pipeline) expect(clause).toMatch(/^RFC \d+, /)
  })
})

describe('before routing', () => {
  it('answers IL-DCP with the address and asset of the link, without any route', async () => {
    const answer = await answerOf(node.connector.handle(alice, createIldcpRequest(clock.nowMs() + 5_000)))
    expect(readIldcpAnswer(answer as never)).toEqual({
      address: 'test.alice',
      assetCode: 'USD',
      assetScale: 2
    })
  })

  it('refuses IL-DCP under another condition (F05) or with money (F00)', async () => {
    const request = createIldcpRequest(clock.nowMs() + 5_000)
    const other = { ...request, executionCondition: secretOf(1).condition }
    expect((await rejectOf(node.connector.handle(alice, other))).code).toBe('F05')
    expect((await rejectOf(node.connector.handle(alice, { ...request, amount: 1n }))).code).toBe('F00')
  })

  it('never forwards another peer. protocol, even where a route matches it (F02)', async () => {
    bob.routes.push('peer')
    const reject = await rejectOf(
      node.connector.handle(alice, prepareOf(clock, 1, { destination: 'peer.route.control' }))
    )
    expect(reject).toMatchObject({ code: 'F02', triggeredBy: 'test.acacia' })
    expect(transport.sent).toEqual([])
  })

  it.each([
    ['acacia', 'g.bob'],
    ['g.acacia', 'test.bob'],
    ['g.acacia', 'test2.bob']
  ])('%s refuses %s (F02)', async (name, destination) => {
    const own = createTestNode({ name, clock, transport })
    const asset = await own.addAsset('USD', 2)
    const sender = await own.addPeer('sender', asset, { balance: 500n })
    await own.addPeer('other', asset, { routes: [destination] })
    expect((await rejectOf(own.connector.handle(sender, prepareOf(clock, 1, { destination })))).code).toBe(
      'F02'
    )
    expect(transport.sent).toEqual([])
  })

  it('refuses a condition that is in flight from the same peer (F00), and takes it again afterwards', async () => {
    const first = node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    expect((await rejectOf(node.connector.handle(alice, toBob(1)))).code).toBe('F00')
    expect(transport.sent).toHaveLength(1)

    node.rates.set('EUR/4>USD/2', { numerator: 1n, denominator: 101n })
    const otherPeer = node.connector.handle(carol, toBob(1))
    expect((await rejectOf(otherPeer)).code).toBe('R01')

    transport.sent[0]!.answer(createReject('F99', { triggeredBy: 'test.bob' }))
    expect((await rejectOf(first)).code).toBe('F99')
    const again = node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    transport.sent[1]!.answer(fulfillOf(1))
    expect((await answerOf(again)).type).toBe('fulfill')
  })

  it('exempts amount 0 from the duplicate check', async () => {
    void node.connector.handle(alice, toBob(1, { amount: 0n }))
    void node.connector.handle(alice, toBob(1, { amount: 0n }))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(2)
  })
})

describe('routing', () => {
  it('has no route: F02', async () => {
    const reject = await rejectOf(
      node.connector.handle(alice, prepareOf(clock, 1, { destination: 'test.nowhere' }))
    )
    expect(reject).toMatchObject({ code: 'F02', message: 'unknown destination account' })
  })

  it('does not send what is ours and nobody’s along a route for everything else: F02; a child has its packets', async () => {
    await node.addPeer('everybody', usd, { staticIlpAddress: 'test.hub', routes: ['test.hub', 'test'] })
    const child = await node.addPeer('child', usd, { routes: ['test.acacia.child'] })
    const via = async (destination: string) => (await node.connector.nextHop(node.tenantId, destination))?.via
    expect(await via('test.elsewhere')).toMatchObject({ name: 'everybody' })
    for (const destination of ['test.acacia', 'test.acacia.nonsense', 'test.acacia.nonsense.x']) {
      expect([destination, await via(destination)]).toEqual([destination, undefined])
    }
    expect(await via('test.acacia.child.x')).toBe(child)
  })

  it('does not send a packet back to where it came from: F02', async () => {
    const back = prepareOf(clock, 1, { destination: 'test.alice.x' })
    expect((await rejectOf(node.connector.handle(alice, back))).code).toBe('F02')
  })

  it('does not take a payment tag for one of another tenant: F02', async () => {
    const target = await node.addTarget(usd, { tenantId: node.random.uuid() })
    const payer = createTestPayer(node, target, clock)
    expect((await rejectOf(node.connector.handle(alice, payer.prepare(10n)))).code).toBe('F02')
  })

  it('tells what a quote converts to: the asset of the next hop, or of the account', async () => {
    const target = await node.addTarget(eur)
    const { destination } = createTestPayer(node, target, clock)
    expect(await node.connector.nextHop(node.tenantId, 'test.bob.x')).toMatchObject({ asset: usd })
    expect(await node.connector.nextHop(node.tenantId, 'test.carol.x')).toMatchObject({ asset: eur })
    expect(await node.connector.nextHop(node.tenantId, destination)).toMatchObject({ asset: eur })
    expect(await node.connector.nextHop(node.tenantId, 'test.nowhere')).toBeUndefined()
  })
})

describe('limits of a peer', () => {
  it('packet amount: F08 says what arrived and what passes', async () => {
    alice.maxPacketAmount = 99n
    const reject = await rejectOf(node.connector.handle(alice, toBob(1)))
    expect(reject.code).toBe('F08')
    expect(decodeAmountTooLarge(reject.data)).toEqual({ receivedAmount: 100n, maximumAmount: 99n })
  })

  it('a packet that its amount per second can never let pass: F08', async () => {
    alice.maxPacketAmount = 500n
    alice.maxAmountPerSecond = 60n
    const reject = await rejectOf(node.connector.handle(alice, toBob(1)))
    expect(decodeAmountTooLarge(reject.data)?.maximumAmount).toBe(60n)
  })

  it('packets per second: T05 until the bucket fills again', async () => {
    alice.maxPacketsPerSecond = 2
    const send = (number: number) =>
      rejectOf(node.connector.handle(alice, prepareOf(clock, number, { destination: 'test.acacia.x' })))
    // F02 for want of a route: it costs us what others cost, and counts.
    expect((await send(1)).code).toBe('F02')
    void node.connector.handle(alice, toBob(2, { amount: 0n }))
    expect((await rejectOf(node.connector.handle(alice, toBob(4, { amount: 0n })))).code).toBe('T05')
    await clock.advance(499)
    expect((await rejectOf(node.connector.handle(alice, toBob(5, { amount: 0n })))).code).toBe('T05')
    await clock.advance(1)
    void node.connector.handle(alice, toBob(6, { amount: 0n }))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(2)
  })

  it('packets in flight: T05 until one is settled', async () => {
    alice.maxPacketsInFlight = 1
    const first = node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    expect((await rejectOf(node.connector.handle(alice, toBob(2)))).code).toBe('T05')
    transport.sent[0]!.answer(fulfillOf(1))
    await answerOf(first)
    void node.connector.handle(alice, toBob(3))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(2)
  })

  it('amount per second: T05 until the bucket fills again', async () => {
    alice.maxAmountPerSecond = 150n
    void node.connector.handle(alice, toBob(1))
    expect((await rejectOf(node.connector.handle(alice, toBob(2)))).code).toBe('T05')
    await clock.advance(334)
    void node.connector.handle(alice, toBob(3))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(2)
  })
})

describe('limits of the node', () => {
  it('packets in flight: T03, also for own senders', async () => {
    node = createTestNode({ name: 'acacia', clock, transport, limits: { maxPacketsInFlight: 1 } })
    usd = await node.addAsset('USD', 2)
    alice = await node.addPeer('alice', usd, { balance: 1_000n })
    await node.addPeer('bob', usd)
    void node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    expect((await rejectOf(node.connector.handle(alice, toBob(2)))).code).toBe('T03')
    const own = node.connector.senderFor({ tenantId: node.tenantId, asset: usd })
    const probe = { ...toBob(3), isProbe: true, minimumDelivered: 0n, readDelivered: () => 0n }
    expect((await rejectOf(own(probe))).code).toBe('T03')
  })

  it('packets that wait for the node itself: T03, and those that wait for their next hop do not count', async () => {
    node = createTestNode({ name: 'acacia', clock, transport, limits: { firstPacketsWaiting: 2 } })
    usd = await node.addAsset('USD', 2)
    alice = await node.addPeer('alice', usd, { balance: 1_000n })
    await node.addPeer('bob', usd)
    const first = [1, 2].map((number) => node.connector.handle(alice, toBob(number)))
    expect((await rejectOf(node.connector.handle(alice, toBob(3)))).code).toBe('T03')
    expect(transport.sent).toHaveLength(2)
    void node.connector.handle(alice, toBob(3))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(3)
    transport.sent[0]!.answer(fulfillOf(1))
    expect((await answerOf(first[0]!)).type).toBe('fulfill')
  })

  it('packets to one next hop: T03', async () => {
    node = createTestNode({ name: 'acacia', clock, transport, limits: { maxPacketsToPeerInFlight: 1 } })
    usd = await node.addAsset('USD', 2)
    alice = await node.addPeer('alice', usd, { balance: 1_000n })
    await node.addPeer('bob', usd)
    await node.addPeer('dave', usd)
    void node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    expect((await rejectOf(node.connector.handle(alice, toBob(2)))).code).toBe('T03')
    expect(await node.pendingCount()).toBe(1)
    void node.connector.handle(alice, prepareOf(clock, 3, { destination: 'test.dave' }))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(2)
  })

  it('refuses new packets while stopping (T03) and lets those in flight end', async () => {
    const first = node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    let stopped = false
    void node.connector.stop().then(() => (stopped = true))
    expect((await rejectOf(node.connector.handle(alice, toBob(2)))).code).toBe('T03')
    expect(stopped).toBe(false)
    transport.sent[0]!.answer(fulfillOf(1))
    expect((await answerOf(first)).type).toBe('fulfill')
    expect(stopped).toBe(true)
  })

  it('stops in bounded time', async () => {
    void node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    let stopped = false
    void node.connector.stop(3_000).then(() => (stopped = true))
    await clock.advance(2_999)
    expect(stopped).toBe(false)
    await clock.advance(1)
    expect(stopped).toBe(true)
  })
})

describe('conversion', () => {
  it('floors the outgoing amount', async () => {
    node.rates.set('USD/2>EUR/4', { numerator: 1n, denominator: 3n })
    void node.connector.handle(alice, toCarol(1))
    await clock.advance(0)
    expect(transport.sent[0]!.prepare.amount).toBe(33n)
    transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(0)
    expect(await node.balance(alice.id)).toBe(900n)
    expect(await node.balance(usd.id)).toBe(10_100n)
    expect(await node.balance(eur.id)).toBe(999_967n)
    expect(await node.balance(carol.id)).toBe(33n)
    await node.audit()
  })

  it('rejects what is worth less than one unit (R01) or too much for a packet (F03)', async () => {
    node.rates.set('USD/2>EUR/4', { numerator: 1n, denominator: 101n })
    expect((await rejectOf(node.connector.handle(alice, toCarol(1)))).code).toBe('R01')
    node.rates.set('USD/2>EUR/4', { numerator: MAX_PACKET_AMOUNT, denominator: 1n })
    expect((await rejectOf(node.connector.handle(alice, toCarol(2)))).code).toBe('F03')
    expect(await node.balance(alice.id)).toBe(1_000n)
    // The largest that a packet carries passes, to where there is not that much: T04.
    node.rates.set('USD/2>EUR/4', { numerator: MAX_PACKET_AMOUNT, denominator: 100n })
    expect((await rejectOf(node.connector.handle(alice, toCarol(3)))).code).toBe('T04')
  })

  it('rejects for want of rates (T00) or of a rate for the pair (F02)', async () => {
    node.rates.clear()
    expect((await rejectOf(node.connector.handle(alice, toCarol(1)))).code).toBe('T00')
    for (const failure of ['InvalidDestinationPrice', 'MissingExchangeRatesUrl'] as const) {
      node.rates.set('USD/2>EUR/4', { failure })
      const reject = await rejectOf(node.connector.handle(alice, toCarol(2)))
      expect(reject).toMatchObject({ code: 'F02', message: `Exchange rate error: ${failure}` })
    }
  })

  it('fetches rates that are not in the cache', async () => {
    node = createTestNode({
      name: 'acacia',
      clock,
      transport,
      override: {
        rates: { cachedRatio: () => undefined, ratio: async () => ({ numerator: 2n, denominator: 1n }) }
      }
    })
    alice = await node.addPeer('alice', await node.addAsset('USD', 2, 0n), { balance: 500n })
    await node.addPeer('carol', await node.addAsset('EUR', 4, 500n))
    void node.connector.handle(alice, toCarol(1))
    await clock.advance(0)
    expect(transport.sent[0]!.prepare.amount).toBe(200n)
  })
})

describe('expiry', () => {
  it('takes a second off, and holds at most 30 s', async () => {
    void node.connector.handle(alice, toBob(1, { expiresAtMs: clock.nowMs() + 12_345 }))
    void node.connector.handle(alice, toBob(2, { expiresAtMs: clock.nowMs() + 3_600_000 }))
    await clock.advance(0)
    expect(transport.sent.map(({ prepare }) => prepare.expiresAtMs - clock.nowMs())).toEqual([11_345, 30_000])
  })

  it.each([
    [-1, 'already expired'],
    [0, 'already expired'],
    [1_999, 'expires too soon']
  ])('R02 with %i ms left', async (leftMs, message) => {
    const reject = await rejectOf(
      node.connector.handle(alice, toBob(1, { expiresAtMs: clock.nowMs() + leftMs }))
    )
    expect(reject.code).toBe('R02')
    expect(reject.message).toContain(message)
  })

  it('forwards with 2000 ms left', async () => {
    void node.connector.handle(alice, toBob(1, { expiresAtMs: clock.nowMs() + 2_000 }))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(1)
  })
})

describe('forwarding', () => {
  it('reserves before sending and posts before the Fulfill goes upstream', async () => {
    const pending = node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    expect(await node.balance(alice.id)).toBe(900n)
    expect(await node.balance(bob.id)).toBe(0n)
    const [reservation] = await node.ledger.queryTransfers({ pendingOnly: true, limit: 10 })
    expect(reservation).toMatchObject({
      amount: 100n,
      timeoutS: 29 + 60,
      userData64: BigInt(clock.nowMs() + 29_000)
    })
    transport.sent[0]!.answer(fulfillOf(1, Buffer.from('data')))
    const answer = await answerOf(pending)
    expect(answer).toMatchObject({ type: 'fulfill', data: Buffer.from('data') })
    expect(await node.balance(bob.id)).toBe(100n)
    expect(await node.pendingCount()).toBe(0)
  })

  it('gives back what was reserved after a Reject, which it passes on as it is', async () => {
    const pending = node.connector.handle(alice, toCarol(1))
    await clock.advance(0)
    const reject = createReject('F99', {
      triggeredBy: 'test.carol.deep',
      message: 'no',
      data: Buffer.from('why')
    })
    transport.sent[0]!.answer(reject)
    expect(await answerOf(pending)).toEqual(reject)
    expect(await node.balance(alice.id)).toBe(1_000n)
    expect(await node.pendingCount()).toBe(0)
  })

  it.each(['T02', 'T05'] as const)('turns %s of the next hop into T03', async (code) => {
    const pending = node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    transport.sent[0]!.answer(createReject(code, { triggeredBy: 'test.bob', message: 'slow down' }))
    expect(await answerOf(pending)).toMatchObject({ code: 'T03', triggeredBy: 'test.acacia' })
  })

  it('voids after a wrong fulfillment: F05', async () => {
    const pending = node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    transport.sent[0]!.answer(fulfillOf(2))
    expect((await rejectOf(pending)).code).toBe('F05')
    expect(await node.balance(alice.id)).toBe(1_000n)
  })

  it("refuses for want of the peer's balance or of the asset's liquidity: T04", async () => {
    const poor = await rejectOf(node.connector.handle(alice, toBob(1, { amount: 1_001n })))
    expect(poor).toMatchObject({ code: 'T04', message: 'insufficient balance' })
    node.rates.set('USD/2>EUR/4', { numerator: 100_000n, denominator: 1n })
    const dry = await rejectOf(node.connector.handle(alice, toCarol(2)))
    expect(dry).toMatchObject({ code: 'T04', message: 'insufficient liquidity' })
    expect(transport.sent).toEqual([])
    expect(await node.balance(alice.id)).toBe(1_000n)
  })

  it('forwards amount 0 without the ledger', async () => {
    node.writer.fault = () => {
      throw new Error('the ledger was asked')
    }
    const pending = node.connector.handle(alice, toCarol(1, { amount: 0n }))
    await clock.advance(0)
    expect(transport.sent[0]!.prepare.amount).toBe(0n)
    transport.sent[0]!.answer(fulfillOf(1))
    expect((await answerOf(pending)).type).toBe('fulfill')
  })

  it('answers an unexpected failure T00 and logs its cause', async () => {
    node = createTestNode({
      name: 'acacia',
      clock,
      transport,
      override: {
        deliveryTargets: {
          resolve: async () => {
            throw new Error('broken')
          }
        }
      }
    })
    usd = await node.addAsset('USD', 2)
    alice = await node.addPeer('alice', usd, { balance: 10n })
    const payer = createTestPayer(node, await node.addTarget(usd), clock)
    const reject = await rejectOf(node.connector.handle(alice, payer.prepare(1n)))
    expect(reject).toMatchObject({ code: 'T00', message: 'unexpected internal error' })
    expect(node.logs.find(({ level }) => level === 50)).toMatchObject({
      step: 'destination',
      err: { message: 'broken' }
    })
  })
})
