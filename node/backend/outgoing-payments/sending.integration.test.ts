import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { MAX_APPLICATION_DATA_BYTES } from '../../ilp/index.ts'
import { TransferCode } from '../../ledger/index.ts'
import type { NewTransfer } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import { Channel, isFailure } from '../model.ts'
import { until } from '../testing.ts'
import { TENANT_ID } from './payments-ground.test-support.ts'
import { accountBalance, createPaymentsLab } from './payments-lab.test-support.ts'
import type { TestNode } from './node-process.test-support.ts'
import type { PaymentsLab } from './payments-lab.test-support.ts'
import { PATH_LIFETIME_MS } from './sending.ts'

describe('sending an outgoing payment', () => {
  let lab: PaymentsLab
  let node: TestNode

  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
    node = lab.createNode()
    await node.start()
  })
  afterAll(() => lab.close())

  it('quotes the slippage reserve, sends what is needed, and gives the rest back', async () => {
    const url = lab.remote.createPayment({ incomingAmount: 500n })
    const payment = await lab.pay(node, url)
    expect(payment.quote.debitAmount.value).toBe(556n)

    const ended = await lab.ended(payment.id)
    expect(ended).toMatchObject({ state: 'COMPLETED', sentAmountValue: 550n, deliveredAmountValue: 500n })
    expect(lab.remote.received(url)).toBe(500n)
    expect(await accountBalance(lab, payment.id)).toBe(6n)
    const events = await lab.events(payment.id)
    expect(events.map(({ type }) => type)).toEqual(['outgoing_payment.created', 'outgoing_payment.completed'])
    expect(events[1]!.withdrawalAmount).toBe(6n)
    expect(events[1]!.data).toEqual({
      id: payment.id,
      walletAddressId: payment.walletAddressId,
      state: 'COMPLETED',
      receiver: url,
      debitAmount: { value: '556', assetCode: 'USD', assetScale: 2 },
      receiveAmount: { value: '500', assetCode: 'EUR', assetScale: 2 },
      sentAmount: { value: '550', assetCode: 'USD', assetScale: 2 },
      stateAttempts: 0,
      createdAt: payment.createdAt.toISOString(),
      balance: '6'
    })
    expect((await node.outgoingPayments.get(payment.id))?.sentAmount).toBe(550n)
    expect(await lab.audit()).toEqual([])
  })

  it('sends along what the wallet says to the receiver, of any length that a packet carries, whole and once', async () => {
    const url = lab.remote.createPayment({ incomingAmount: 500n })
    const { id } = await lab.create(node, url)
    const dataToTransmit = 'ä€'.repeat(6_000)
    const fund = (data: string) =>
      node.outgoingPayments.fund({ id, tenantId: TENANT_ID, dataToTransmit: data })
    expect(await fund('x'.repeat(MAX_APPLICATION_DATA_BYTES + 1))).toMatchObject({ failure: 'DataTooLong' })
    expect(await fund(dataToTransmit)).toMatchObject({ state: 'SENDING' })
    expect(await lab.ended(id)).toMatchObject({ state: 'COMPLETED', deliveredAmountValue: 500n })
    expect(lab.remote.heard).toEqual([dataToTransmit])
  })

  it('sends a small payment in one packet, after three more where its quote is no longer fresh', async () => {
    const sent: bigint[] = []
    lab.remote.fate = ({ amount }) => {
      sent.push(amount)
      return 'answer'
    }
    const amounts = async (ageMs: number) => {
      const payment = await lab.create(node, lab.remote.createPayment({ incomingAmount: 500n }))
      await lab.clock.advance(ageMs)
      sent.length = 0
      await lab.fund(node, payment)
      expect(await lab.ended(payment.id)).toMatchObject({ state: 'COMPLETED', sentAmountValue: 550n })
      return sent.length
    }
    expect(await amounts(0)).toBe(1)
    expect(await amounts(PATH_LIFETIME_MS)).toBe(1)
    expect(await amounts(PATH_LIFETIME_MS + 1)).toBeLessThanOrEqual(4)
    lab.remote.fate = () => 'answer'
    expect(await lab.audit()).toEqual([])
  })

  it('pays within the node by one chain', async () => {
    const incoming = await lab.createLocalPayment(node, 500n)
    const payment = await lab.pay(node, node.incomingPayments.url(incoming))
    expect(payment.quote).toMatchObject({ method: 'LOCAL', debitAmountMinusFees: 550n })
    expect(await lab.ended(payment.id)).toMatchObject({
      state: 'COMPLETED',
      sentAmountValue: 550n,
      deliveredAmountValue: 500n
    })
    await until(async () => (await node.incomingPayments.get(incoming.id))?.state === 'COMPLETED')
    await until(async () => {
      await lab.passTime()
      return (await lab.events(incoming.id)).length === 2
    })
    const [, completed] = await lab.events(incoming.id)
    expect(completed).toMatchObject({ type: 'incoming_payment.completed', withdrawalAmount: 500n })
    expect(await lab.audit()).toEqual([])
  })

  it('completes 50 payments of many packets at once', async () => {
    lab.remote.maxPacketAmount = 100n
    const payments = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const url = lab.remote.createPayment({ incomingAmount: 1_000n })
        return { url, payment: await lab.pay(node, url) }
      })
    )
    for (const { url, payment } of payments) {
      const ended = await lab.ended(payment.id)
      expect(ended).toMatchObject({ state: 'COMPLETED', error: null })
      expect(lab.remote.received(url)).toBe(1_000n)
      expect(ended.sentAmountValue! <= payment.quote.debitAmountMinusFees).toBe(true)
    }
    lab.remote.maxPacketAmount = undefined
    await lab.clock.advance(PATH_LIFETIME_MS)
    expect(await lab.audit()).toEqual([])
  })

  it('is not funded by a deposit whose id is another transfer’s: it goes on waiting, and can be cancelled', async () => {
    const payment = await lab.create(node, lab.remote.createPayment({ incomingAmount: 500n }))
    const { id } = payment
    const event = await lab.database.knex('webhookEvents').where({ outgoingPaymentId: id }).first('id')
    const squatter: NewTransfer = {
      id: uuidToId(event.id),
      debitAccountId: BigInt(lab.usd.ledger),
      creditAccountId: uuidToId(lab.usd.id),
      amount: payment.quote.debitAmount.value,
      ledger: lab.usd.ledger,
      code: TransferCode.DEPOSIT
    }
    expect(await lab.ledger.createTransfers([squatter])).toEqual(['ok'])
    for (let time = 0; time < 2; time++) {
      const funded = await node.outgoingPayments.fund({ id, tenantId: TENANT_ID })
      expect(funded).toMatchObject({ failure: 'TransferExists' })
      await until(async () => (await lab.row(id)).state === 'FUNDING')
    }
    // As a process left it that died before it saw the deposit's refusal.
    const processAt = new Date(lab.clock.nowMs())
    await lab.database.knex('outgoingPayments').where({ id }).update({ state: 'SENDING', processAt })
    await lab.database.knex.raw('SELECT pg_notify(?, ?)', [Channel.OUTGOING_PAYMENT_DUE, id])
    await until(async () => (await lab.row(id)).leaseEpoch > 0)
    await until(async () => (await lab.row(id)).state === 'FUNDING')
    expect(await node.outgoingPayments.cancel({ id, tenantId: TENANT_ID })).toMatchObject({
      state: 'CANCELLED'
    })
    expect(await accountBalance(lab, id)).toBe(0n)
    expect(await lab.audit()).toEqual([])
  })

  it('lets one of two concurrent fundings win', async () => {
    const quote = await lab.quote(node, lab.remote.createPayment({ incomingAmount: 500n }))
    const input = { tenantId: TENANT_ID, walletAddressId: lab.payer.id, quoteId: quote.id }
    await node.outgoingPayments.create({ ...input, initiatedBy: 'ADMIN' })
    const results = await Promise.all(
      [1, 2].map(() => node.outgoingPayments.fund({ id: quote.id, tenantId: TENANT_ID }))
    )
    expect(results.filter(isFailure)).toMatchObject([{ failure: 'WrongState' }])
    expect(await lab.ended(quote.id)).toMatchObject({ state: 'COMPLETED' })
    expect(isFailure(await node.outgoingPayments.create({ ...input, initiatedBy: 'ADMIN' }))).toBe(true)
    expect(await lab.audit()).toEqual([])
  })

  it.each<[string, NonNullable<PaymentsLab['remote']['lie']>, string, number]>([
    [
      'is in another asset than it was quoted for, at once',
      () => ({ asset: { code: 'XAU', scale: 3 } }),
      'DestinationAssetConflict',
      0
    ],
    ['shows nobody its payment, after its attempts', () => ({ failure: 'InvalidGrant' }), 'Unauthorized', 4],
    [
      'refuses to be asked, after its attempts',
      () => ({ failure: 'InvalidRequest' }),
      'ReceiverUnavailable',
      4
    ]
  ])('fails a payment whose receiver %s, and sends nothing', async (_, lie, error, stateAttempts) => {
    const quote = await lab.quote(node, lab.remote.createPayment({ incomingAmount: 500n }))
    const input = { tenantId: TENANT_ID, walletAddressId: lab.payer.id, quoteId: quote.id }
    await node.outgoingPayments.create({ ...input, initiatedBy: 'ADMIN' })
    lab.remote.lie = lie
    try {
      await node.outgoingPayments.fund({ id: quote.id, tenantId: TENANT_ID })
      await until(async () => {
        await lab.passTime()
        return (await lab.row(quote.id)).state !== 'SENDING'
      })
    } finally {
      lab.remote.lie = undefined
    }
    expect(await lab.row(quote.id)).toMatchObject({
      state: 'FAILED',
      error,
      stateAttempts,
      sentAmountValue: 0n
    })
    expect(await accountBalance(lab, quote.id)).toBe(556n)
  })

  it('completes a payment whose receiver is gone: nothing is sent, all of it is given back', async () => {
    const quote = await lab.quote(node, lab.remote.createPayment({ incomingAmount: 500n }))
    const input = { tenantId: TENANT_ID, walletAddressId: lab.payer.id, quoteId: quote.id }
    await node.outgoingPayments.create({ ...input, initiatedBy: 'ADMIN' })
    lab.remote.lie = () => ({ failure: 'NotFound' })
    try {
      await node.outgoingPayments.fund({ id: quote.id, tenantId: TENANT_ID })
      expect(await lab.ended(quote.id)).toMatchObject({ state: 'COMPLETED', sentAmountValue: 0n })
    } finally {
      lab.remote.lie = undefined
    }
    expect(await accountBalance(lab, quote.id)).toBe(556n)
  })

  it('fails a payment that is funded after its quote expired, and gives all of it back', async () => {
    const quote = await lab.quote(node, lab.remote.createPayment({ incomingAmount: 500n }))
    const input = { tenantId: TENANT_ID, walletAddressId: lab.payer.id, quoteId: quote.id }
    await node.outgoingPayments.create({ ...input, initiatedBy: 'ADMIN' })
    await lab.clock.advance(300_001)
    await node.outgoingPayments.fund({ id: quote.id, tenantId: TENANT_ID })
    expect(await lab.ended(quote.id)).toMatchObject({ state: 'FAILED', error: 'QuoteExpired' })
    expect(await accountBalance(lab, quote.id)).toBe(556n)
    expect((await lab.events(quote.id)).at(-1)).toMatchObject({
      type: 'outgoing_payment.failed',
      withdrawalAmount: 556n
    })
  })

  it('retries what may succeed later, and fails when its attempts are used up', async () => {
    const payment = async () => {
      const quote = await lab.quote(node, lab.remote.createPayment({ incomingAmount: 500n }))
      const input = { tenantId: TENANT_ID, walletAddressId: lab.payer.id, quoteId: quote.id }
      await node.outgoingPayments.create({ ...input, initiatedBy: 'ADMIN' })
      lab.remote.fate = () => 'unavailable'
      await node.outgoingPayments.fund({ id: quote.id, tenantId: TENANT_ID })
      return quote.id
    }
    const healed = await payment()
    await until(async () => {
      await lab.passTime()
      return (await lab.row(healed)).stateAttempts === 1
    })
    lab.remote.fate = () => 'answer'
    expect(await lab.ended(healed, { advance: true })).toMatchObject({ state: 'COMPLETED', stateAttempts: 1 })

    const doomed = await payment()
    await until(async () => {
      await lab.passTime()
      return (await lab.row(doomed)).state !== 'SENDING'
    })
    expect(await lab.row(doomed)).toMatchObject({ state: 'FAILED', stateAttempts: 4, sentAmountValue: 0n })
    lab.remote.fate = () => 'answer'
    expect(await accountBalance(lab, doomed)).toBe(556n)
    expect(await lab.audit()).toEqual([])
  })
})
