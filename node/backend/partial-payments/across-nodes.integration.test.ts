import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { run, startPeeredNodes } from '../open-payments/two-nodes.test-support.ts'

// What a sender's wallet tells a receiver's, from one node to the other: data in the STREAM packets of a payment,
// encrypted on the wire by STREAM and in both databases by DB_ENCRYPTION_SECRET.

const SAID = 'invoice 7: ünïcödé, and longer than the 255 characters that others keep '.padEnd(600, '.')

describe('a payment that says something to the receiving wallet', () => {
  let network: Awaited<ReturnType<typeof startPeeredNodes>>
  let acacia: TestNode
  let baobab: TestNode
  let alice: string
  let bob: string
  beforeAll(async () => {
    network = await startPeeredNodes(inject('postgresUrl'), {
      ENABLE_PARTIAL_PAYMENT_DECISION: 'true',
      // The wallets below decide at once; none of these tests waits for its end.
      PARTIAL_PAYMENT_DECISION_MAX_WAIT_MS: '15000',
      DB_ENCRYPTION_SECRET: Buffer.alloc(32, 5).toString('base64')
    })
    ;({ acacia, baobab } = network)
    alice = (await acacia.createWalletAddress('alice', network.dollars)).id
    bob = (await baobab.createWalletAddress('bob', network.euros)).id
  })
  afterAll(() => network.stop())

  /** Pays ten euros with data; the wallet at baobab hears it and decides. */
  async function pay(decision: 'confirm' | 'reject', reason?: string) {
    const { payment: incoming } = await run<{ payment: { id: string; url: string } }>(
      baobab,
      'createIncomingPayment',
      'CreateIncomingPaymentInput',
      '{ payment { id url } }',
      { walletAddressId: bob, incomingAmount: { value: '1000', assetCode: 'EUR', assetScale: 2 } }
    )
    const { quote } = await run<{ quote: { id: string } }>(
      acacia,
      'createQuote',
      'CreateQuoteInput',
      '{ quote { id } }',
      { walletAddressId: alice, receiver: incoming.url }
    )
    const { payment } = await run<{ payment: { id: string } }>(
      acacia,
      'createOutgoingPayment',
      'CreateOutgoingPaymentInput',
      '{ payment { id } }',
      { walletAddressId: alice, quoteId: quote.id }
    )
    await run(
      acacia,
      'depositOutgoingPaymentLiquidity',
      'DepositOutgoingPaymentLiquidityInput',
      '{ success }',
      {
        outgoingPaymentId: payment.id,
        dataToTransmit: SAID,
        idempotencyKey: payment.id
      }
    )
    const { data } = await baobab.told('incoming_payment.partial_payment_received', incoming.id)
    expect(data).toMatchObject({ id: incoming.id, dataFromSender: SAID })
    const [name, type] =
      decision === 'confirm'
        ? ['confirmPartialIncomingPayment', 'ConfirmPartialIncomingPaymentInput']
        : ['rejectPartialIncomingPayment', 'RejectPartialIncomingPaymentInput']
    await run(baobab, name!, type!, '{ success }', {
      incomingPaymentId: incoming.id,
      partialIncomingPaymentId: data.partialIncomingPaymentId,
      ...(reason !== undefined && { reason })
    })
    return { incoming, payment }
  }

  it('arrives with its data, which no row of either database shows', async () => {
    const { incoming, payment } = await pay('confirm')
    await acacia.told('outgoing_payment.completed', payment.id)
    await baobab.told('incoming_payment.completed', incoming.id)
    const { rows } = await acacia.database.knex.raw<{ rows: { text: string }[] }>(
      'SELECT row_to_json(p)::text AS text FROM "outgoingPayments" p WHERE id = ?',
      [payment.id]
    )
    const events = await baobab.database.knex.raw<{ rows: { text: string }[] }>(
      `SELECT data::text AS text FROM "webhookEvents" WHERE type = 'incoming_payment.partial_payment_received'`
    )
    for (const { text } of [...rows, ...events.rows]) {
      expect(text).toContain('aes-256-gcm:')
      expect(text).not.toContain('invoice 7')
    }
    expect([rows.length, events.rows.length > 0]).toEqual([1, true])
  })

  it('fails at once where that wallet declines, with its reason', async () => {
    const { incoming, payment } = await pay('reject', 'no such invoice')
    await acacia.told('outgoing_payment.failed', payment.id)
    const { data } = await acacia.admin<{ outgoingPayment: object }>(
      `query ($id: String!) { outgoingPayment(id: $id) { state error sentAmount { value } } }`,
      { id: payment.id }
    )
    expect(data!.outgoingPayment).toEqual({
      state: 'FAILED',
      error: 'no such invoice',
      sentAmount: { value: '0' }
    })
    const there = await baobab.admin<{ incomingPayment: object }>(
      `query ($id: String!) { incomingPayment(id: $id) { state receivedAmount { value } } }`,
      { id: incoming.id }
    )
    expect(there.data!.incomingPayment).toEqual({ state: 'PENDING', receivedAmount: { value: '0' } })
  })
})
