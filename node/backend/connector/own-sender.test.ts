import { beforeEach, describe, expect, it } from 'vitest'
import { createReject } from '../../ilp/index.ts'
import type { IlpPrepare } from '../../ilp/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import { createTestPayer, fulfillOf } from './connector.test-support.ts'
import { createScene } from './scene.test-support.ts'
import type { Scene } from './scene.test-support.ts'

let clock: Scene['clock']
let transport: Scene['transport']
let node: Scene['node']
let usd: Scene['usd']
let eur: Scene['eur']
let alice: Scene['alice']
let bob: Scene['bob']
let answerOf: Scene['answerOf']
let rejectOf: Scene['rejectOf']
let toBob: Scene['toBob']

beforeEach(async () => {
  ;({ clock, transport, node, usd, eur, alice, bob, answerOf, rejectOf, toBob } = await createScene())
})

describe('senders within the node', () => {
  const own = (fields: Partial<IlpPrepare> = {}, number = 1) => ({
    ...toBob(number, fields),
    isProbe: false,
    minimumDelivered: 90n,
    readDelivered: () => 95n
  })

  it('tags the reservation with payment, epoch and minimum, the post with what was delivered', async () => {
    const id = await node.addAccount(usd, 500n)
    const paymentId = node.random.uuid()
    const send = node.connector.senderFor({
      tenantId: node.tenantId,
      asset: usd,
      account: { id, paymentId, epoch: 3 }
    })
    const pending = send(own())
    await clock.advance(0)
    const tags = { userData128: uuidToId(paymentId), userData32: 3 }
    const [reservation] = await node.ledger.queryTransfers({ accountId: id, pendingOnly: true, limit: 5 })
    expect(reservation).toMatchObject({ ...tags, userData64: 90n, timeoutS: 0, amount: 100n })
    transport.sent[0]!.answer(fulfillOf(1))
    expect((await answerOf(pending)).type).toBe('fulfill')
    const transfers = await node.ledger.queryTransfers({ userData128: uuidToId(paymentId), limit: 5 })
    expect(transfers.find(({ flags }) => flags.postPending)).toMatchObject({ ...tags, userData64: 95n })
    expect(await node.balance(bob.id)).toBe(100n)
  })

  it('go on for a deleted tenant, as what its peers sent before does; nothing more of theirs is taken', async () => {
    const id = await node.addAccount(usd, 500n)
    const account = { id, paymentId: node.random.uuid(), epoch: 1 }
    const send = node.connector.senderFor({ tenantId: node.tenantId, asset: usd, account })
    const before = node.connector.handle(alice, toBob(1))
    await clock.advance(0)
    node.tenant.deletedAt = new Date(clock.nowMs())
    const after = await rejectOf(node.connector.handle(alice, toBob(2)))
    expect(after).toMatchObject({ code: 'F02', message: 'the account was closed' })
    const begun = send(own({}, 3))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(2)
    transport.sent[0]!.answer(fulfillOf(1))
    transport.sent[1]!.answer(fulfillOf(3))
    expect([(await answerOf(before)).type, (await answerOf(begun)).type]).toEqual(['fulfill', 'fulfill'])
    expect(await node.balance(bob.id)).toBe(200n)
  })

  it('uses the conversion that the quote fixed, for that asset only', async () => {
    const id = await node.addAccount(usd, 500n)
    const send = node.connector.senderFor({
      tenantId: node.tenantId,
      asset: usd,
      account: { id, paymentId: node.random.uuid(), epoch: 1 },
      conversion: { assetId: eur.id, ratio: { numerator: 5n, denominator: 2n } }
    })
    void send({ ...own({ destination: 'test.carol.x', amount: 3n }) })
    void send({ ...own({ destination: 'test.bob.x', amount: 3n }, 2) })
    await clock.advance(0)
    expect(transport.sent.map(({ prepare }) => prepare.amount)).toEqual([7n, 3n])
  })

  it('hears of an answer that was lost as a doubt, and the reservation stays', async () => {
    const id = await node.addAccount(usd, 500n)
    const send = node.connector.senderFor({
      tenantId: node.tenantId,
      asset: usd,
      account: { id, paymentId: node.random.uuid(), epoch: 1 }
    })
    const pending = send(own())
    await clock.advance(0)
    transport.sent[0]!.end({ kind: 'lost', code: 'T01', reason: 'reset' })
    expect(await answerOf(pending)).toEqual({ type: 'inDoubt' })
    await clock.advance(3_600_000)
    expect(await node.pendingCount()).toBe(1)
    expect(await node.balance(id)).toBe(400n)
    expect(node.connector.orphans.list()).toMatchObject([{ cause: 'answer_lost', isCertain: false }])
  })

  it('hears of a Reject when its reservation is voided', async () => {
    const id = await node.addAccount(usd, 100n)
    const send = node.connector.senderFor({
      tenantId: node.tenantId,
      asset: usd,
      account: { id, paymentId: node.random.uuid(), epoch: 1 }
    })
    node.writer.fault = ([first]) => (first?.flags?.voidPending ? { delayMs: 500 } : undefined)
    let answered = false
    const pending = send(own()).finally(() => (answered = true))
    await clock.advance(0)
    transport.sent[0]!.answer(createReject('T04', { triggeredBy: 'test.bob' }))
    await clock.advance(499)
    expect(answered).toBe(false)
    await clock.advance(1)
    expect((await rejectOf(pending)).code).toBe('T04')
    expect(await node.balance(id)).toBe(100n)
  })

  it('sends probes without the ledger and without an account', async () => {
    node.writer.fault = () => {
      throw new Error('the ledger was asked')
    }
    const send = node.connector.senderFor({ tenantId: node.tenantId, asset: usd })
    const pending = send({ ...own({ destination: 'test.carol.x', amount: 10n }), isProbe: true })
    await clock.advance(0)
    expect(transport.sent[0]!.prepare.amount).toBe(910n)
    transport.sent[0]!.answer(createReject('F99', { triggeredBy: 'test.carol', data: Buffer.from('x') }))
    expect(await answerOf(pending)).toMatchObject({ code: 'F99', data: Buffer.from('x') })
    expect((await rejectOf(send(own()))).code).toBe('F00')
  })

  it('does not deliver to accounts of this node: F02', async () => {
    const { destination } = createTestPayer(node, await node.addTarget(usd), clock)
    const send = node.connector.senderFor({ tenantId: node.tenantId, asset: usd })
    expect((await rejectOf(send({ ...own({ destination }), isProbe: true }))).code).toBe('F02')
  })
})
