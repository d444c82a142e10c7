import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { uuidToId } from '../../runtime/index.ts'
import { TransferCode } from '../../ledger/index.ts'
import { isFailure } from '../model.ts'
import { OPERATOR_ID } from '../testing.ts'
import { TENANT_ID } from '../outgoing-payments/payments-ground.test-support.ts'
import { createPaymentsLab } from '../outgoing-payments/payments-lab.test-support.ts'
import type { TestNode } from '../outgoing-payments/node-process.test-support.ts'
import type { PaymentsLab } from '../outgoing-payments/payments-lab.test-support.ts'
import { until } from '../testing.ts'
import { createApprovals, MAX_AWAITED_APPROVALS } from './approval.ts'

const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999'
const TIMEOUT_MS = 10_000
const SWEEP_MS = 1_000

describe('the wallet’s word on incoming payments', () => {
  let lab: PaymentsLab

  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
  })
  afterAll(() => lab.close())
  afterEach(() => lab.stopNodes())

  async function startNode(needsApproval: boolean): Promise<TestNode> {
    const node = lab.createNode({
      POLL_INCOMING_PAYMENT_CREATED_WEBHOOK: needsApproval,
      INCOMING_PAYMENT_CREATED_POLL_TIMEOUT_MS: TIMEOUT_MS,
      INCOMING_PAYMENT_CREATED_POLL_FREQUENCY_MS: SWEEP_MS
    })
    await node.start()
    return node
  }

  /** Asks for a payment, and gives its id once it is written, which its creation does not answer yet. */
  async function askFor(node: TestNode) {
    const before = await newest(node)
    let isAnswered = false
    const answer = node.incomingPayments
      .create({ tenantId: TENANT_ID, walletAddressId: lab.payee.id, initiatedBy: 'ADMIN' })
      .finally(() => (isAnswered = true))
    await until(async () => (await newest(node)) !== before)
    const id = (await newest(node))!
    return { id, answer, isAnswered: () => isAnswered }
  }

  async function newest(node: TestNode): Promise<string | undefined> {
    const { rows } = await node.incomingPayments.page(
      { first: 1, sortOrder: 'DESC' },
      { tenantId: TENANT_ID }
    )
    return rows[0]?.id
  }

  const isOpenAt = async (node: TestNode, id: string) =>
    !((await node.incomingPayments.targets.resolve(id))?.isClosed ?? true)

  it('is waited for when a payment is created, whichever process it is given to', async () => {
    const [node, other] = [await startNode(true), await startNode(true)]
    const { id, answer, isAnswered } = await askFor(node)
    expect((await lab.events(id)).map(({ type }) => type)).toEqual(['incoming_payment.created'])
    expect(await isOpenAt(node, id)).toBe(false)
    expect(await isOpenAt(other, id)).toBe(false)
    expect(isAnswered()).toBe(false)
    const given = await other.incomingPayments.approve(id, TENANT_ID)
    expect(given).toMatchObject({ id, state: 'PENDING', approvedAt: expect.any(Date) as Date })
    expect(await answer).toMatchObject({ id, state: 'PENDING', approvedAt: expect.any(Date) as Date })
    expect(await isOpenAt(other, id)).toBe(true)
    await until(() => isOpenAt(node, id))
    const payment = (await node.incomingPayments.get(id))!
    expect(node.incomingPayments.paymentMethods(payment)).toHaveLength(1)
  })

  it('is found by the sweep where its notification was lost', async () => {
    const node = await startNode(true)
    const { id, answer, isAnswered } = await askFor(node)
    await lab.database
      .knex('incomingPayments')
      .where({ id })
      .update({ approvedAt: new Date(lab.clock.nowMs()) })
    expect(isAnswered()).toBe(false)
    // Its timer is set once the payment is written: after this test saw it.
    await until(async () => {
      await lab.clock.advance(SWEEP_MS / 10)
      return isAnswered()
    })
    expect(await answer).toMatchObject({ id })
  })

  it('is not performed when the wallet cancels: the payment takes no money at any process', async () => {
    const [node, other] = [await startNode(true), await startNode(true)]
    const { id, answer } = await askFor(node)
    await other.incomingPayments.cancel(id, TENANT_ID, 'unknown account')
    expect(await answer).toEqual({
      failure: 'ActionNotPerformed',
      message: 'the wallet cancelled it: unknown account'
    })
    const payment = (await node.incomingPayments.get(id))!
    expect(payment).toMatchObject({ state: 'PENDING', cancellationReason: 'unknown account' })
    expect(node.incomingPayments.paymentMethods(payment)).toEqual([])
    expect(await isOpenAt(node, id)).toBe(false)
    expect(await isOpenAt(other, id)).toBe(false)
  })

  it('is not performed when the wallet says nothing in time, and can still be given', async () => {
    const node = await startNode(true)
    const { id, answer } = await askFor(node)
    await lab.clock.advance(TIMEOUT_MS)
    expect(await answer).toEqual({
      failure: 'ActionNotPerformed',
      message: `the wallet did not approve it within ${TIMEOUT_MS} ms`
    })
    expect(node.incomingPayments.paymentMethods((await node.incomingPayments.get(id))!)).toEqual([])
    expect(await isOpenAt(node, id)).toBe(false)
    await node.incomingPayments.approve(id, TENANT_ID)
    expect(await isOpenAt(node, id)).toBe(true)
  })

  it('is given once: of approvals and cancellations that race one kind wins, and repeated it changes nothing', async () => {
    const [node, other] = [await startNode(false), await startNode(false)]
    for (let round = 0; round < 12; round++) {
      const { id } = await lab.createLocalPayment(node)
      const words = (await Promise.all([
        node.incomingPayments.approve(id, TENANT_ID),
        other.incomingPayments.cancel(id, TENANT_ID),
        other.incomingPayments.approve(id, TENANT_ID),
        node.incomingPayments.cancel(id, TENANT_ID)
      ])) as object[]
      const payment = (await node.incomingPayments.get(id))!
      const isApproved = payment.approvedAt !== undefined
      expect(isApproved).toBe(payment.cancelledAt === undefined)
      for (const [index, word] of words.entries()) {
        const isSame = (index % 2 === 0) === isApproved
        expect(word).toMatchObject(isSame ? { id, state: 'PENDING' } : { failure: 'AlreadyActioned' })
      }
    }
  })

  it('is only given on a payment of the tenant that is PENDING', async () => {
    const node = await startNode(false)
    const { id } = await lab.createLocalPayment(node)
    for (const [of, tenantId] of [
      [UNKNOWN_ID, TENANT_ID],
      ['no id', TENANT_ID],
      [id, OPERATOR_ID === TENANT_ID ? UNKNOWN_ID : OPERATOR_ID]
    ] as const) {
      expect(await node.incomingPayments.approve(of, tenantId)).toMatchObject({ failure: 'UnknownPayment' })
      expect(await node.incomingPayments.cancel(of, tenantId)).toMatchObject({ failure: 'UnknownPayment' })
    }
    await node.incomingPayments.complete(id)
    expect(await node.incomingPayments.approve(id, TENANT_ID)).toMatchObject({ failure: 'WrongState' })
    expect(await node.incomingPayments.cancel(id, TENANT_ID)).toMatchObject({ failure: 'WrongState' })
  })

  it('loses no money that was being booked when the wallet cancelled', async () => {
    const node = await startNode(false)
    const { id, expiresAt } = await lab.createLocalPayment(node)
    const target = (await node.incomingPayments.targets.resolve(id))!
    expect(target.admit(7n)).toBe('admitted')
    expect(isFailure((await node.incomingPayments.cancel(id, TENANT_ID)) as object)).toBe(false)
    expect(target.admit(1n)).toBe('closed')
    const [booked] = await lab.ledger.createTransfers([
      {
        id: lab.test.random.orderedId(),
        debitAccountId: uuidToId(lab.eur.id),
        creditAccountId: uuidToId(id),
        amount: 7n,
        ledger: lab.eur.ledger,
        code: TransferCode.TRANSFER
      }
    ])
    expect(booked).toBe('ok')
    target.posted(7n)
    await lab.clock.advance(expiresAt.getTime() - lab.clock.nowMs())
    await until(async () => {
      await lab.passTime()
      return (await lab.events(id)).length === 2
    })
    expect((await lab.events(id))[1]).toMatchObject({
      type: 'incoming_payment.expired',
      withdrawalAmount: 7n
    })
  })

  it('is waited for by so many creations at most', async () => {
    const { database, clock, test } = lab
    const approvals = createApprovals({
      database,
      clock,
      logger: test.logger,
      config: { ...test.config, POLL_INCOMING_PAYMENT_CREATED_WEBHOOK: true }
    })
    const written = () => Promise.resolve()
    const waiting = Array.from({ length: MAX_AWAITED_APPROVALS }, (_, index) => {
      expect(approvals.refuseWaiting()).toBeUndefined()
      return approvals.whenApproved(`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`, written)
    })
    expect(approvals.refuseWaiting()).toMatchObject({ failure: 'ActionNotPerformed' })
    approvals.stop()
    for (const answer of await Promise.all(waiting))
      expect(answer).toMatchObject({ failure: 'ActionNotPerformed' })
    expect(approvals.refuseWaiting()).toBeUndefined()
  })
})
