import { beforeAll, describe, expect, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID } from '../testing.ts'
import { asError, TENANT, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'
import {
  SET_FEE,
  WITHDRAW_INCOMING,
  WITHDRAW_OUTGOING,
  FUND,
  CREATE_INCOMING,
  CREATE_QUOTE,
  MUTATIONS
} from './operations.test-support.ts'

describe('the Admin API: payments and their events', () => {
  const { desk, id, ok, refused, query } = useAdminApi()
  let node: TestNode
  let assetId: string
  beforeAll(() => {
    ;({ node, assetId } = desk)
  })

  describe('payments', () => {
    interface Payment {
      payment: { id: string; url: string }
    }
    let payer: string
    let payee: string

    beforeAll(async () => {
      payer = (await node.createWalletAddress('payer', assetId, 5)).id
      payee = (await node.createWalletAddress('payee', assetId, 6)).id
    })

    const createIncoming = (input: object = {}) =>
      ok<Payment>(CREATE_INCOMING, { walletAddressId: payee, ...input })
    const amount = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })

    it('in part are confirmed or rejected while they are open', async () => {
      const CONFIRM = `mutation ($input: ConfirmPartialIncomingPaymentInput!) {
        confirmPartialIncomingPayment(input: $input) { success } }`
      const REJECT = `mutation ($input: RejectPartialIncomingPaymentInput!) {
        rejectPartialIncomingPayment(input: $input) { success } }`
      const { payment } = await createIncoming()
      const input = { incomingPaymentId: payment.id, partialIncomingPaymentId: id() }
      expect(await ok(CONFIRM, input)).toEqual({ success: true })
      expect(await ok(REJECT, { ...input, reason: 'not this one' })).toEqual({ success: true })
      expect(await refused(CONFIRM, input, TENANT)).toMatchObject(asError('NOT_FOUND', 'unknown payment'))
      await ok(
        `mutation ($input: CompleteReceiverInput!) { completeReceiver(input: $input) { receiver { id } } }`,
        { incomingPaymentUrl: payment.url }
      )
      expect(await refused(REJECT, input)).toMatchObject(asError('BAD_USER_INPUT', 'invalid state'))
    })

    it('go from receiver to withdrawal, each withdrawal once', async () => {
      const { receiver } = await ok<{ receiver: { id: string } }>(
        `mutation ($input: CreateReceiverInput!) { createReceiver(input: $input) {
           receiver { id walletAddressUrl completed incomingAmount { value } receivedAmount { value } expiresAt metadata } } }`,
        {
          walletAddressUrl: `${node.openPaymentsUrl}/payee`,
          incomingAmount: amount('250'),
          metadata: { a: [1, { b: null }] }
        }
      )
      expect(receiver).toMatchObject({
        walletAddressUrl: `${node.openPaymentsUrl}/payee`,
        completed: false,
        incomingAmount: { value: '250' },
        receivedAmount: { value: '0' },
        metadata: { a: [1, { b: null }] }
      })
      await ok(SET_FEE, { assetId, type: 'SENDING', fee: { fixed: '3', basisPoints: 100 } })
      const { quote } = await ok<{ quote: { id: string } }>(
        `mutation ($input: CreateQuoteInput!) { createQuote(input: $input) {
           quote { id debitAmount { value } receiveAmount { value } estimatedExchangeRate tenantId receiver } } }`,
        { walletAddressId: payer, receiver: receiver.id }
      )
      expect(quote).toMatchObject({
        debitAmount: { value: '256' },
        receiveAmount: { value: '250' },
        estimatedExchangeRate: 1,
        tenantId: OPERATOR_ID,
        receiver: receiver.id
      })
      const { payment } = await ok<Payment>(
        `mutation ($input: CreateOutgoingPaymentInput!) { createOutgoingPayment(input: $input) {
           payment { id state quote { id } } } }`,
        { walletAddressId: payer, quoteId: quote.id }
      )
      expect(payment).toMatchObject({ id: quote.id, state: 'FUNDING', quote: { id: quote.id } })

      const outgoing = { outgoingPaymentId: payment.id, timeoutSeconds: '0' }
      expect(await refused(WITHDRAW_OUTGOING, { ...outgoing, idempotencyKey: id() })).toMatchObject(
        asError('NOT_FOUND', 'Unknown outgoing payment')
      )
      await node.told('outgoing_payment.created', payment.id)
      await ok(FUND, { outgoingPaymentId: payment.id, idempotencyKey: id() })
      const again = await refused(FUND, { outgoingPaymentId: payment.id, idempotencyKey: id() })
      expect(['DUPLICATE', 'CONFLICT']).toContain(again.extensions.code)
      await node.told('outgoing_payment.completed', payment.id)
      const incomingId = receiver.id.slice(-36)
      await node.told('incoming_payment.completed', incomingId)

      expect(
        await query(
          `query ($in: String!, $out: String!) {
             incomingPayment(id: $in) { state liquidity receivedAmount { value } url }
             outgoingPayment(id: $out) { state liquidity sentAmount { value } debitAmount { value } error } }`,
          { in: incomingId, out: payment.id }
        )
      ).toEqual({
        incomingPayment: {
          state: 'COMPLETED',
          liquidity: '250',
          receivedAmount: { value: '250' },
          url: receiver.id
        },
        outgoingPayment: {
          state: 'COMPLETED',
          liquidity: '6',
          sentAmount: { value: '250' },
          debitAmount: { value: '256' },
          error: null
        }
      })

      const incoming = { incomingPaymentId: incomingId, timeoutSeconds: '0' }
      for (const [mutation, input] of [
        [WITHDRAW_INCOMING, incoming],
        [WITHDRAW_OUTGOING, outgoing]
      ] as const) {
        expect(await ok(mutation, { ...input, idempotencyKey: id() })).toEqual({ success: true })
        expect(await refused(mutation, { ...input, idempotencyKey: id() })).toMatchObject(
          asError('DUPLICATE', 'Transfer already exists')
        )
      }
      expect(
        await query(
          `query ($in: String!, $out: String!) {
             incomingPayment(id: $in) { liquidity receivedAmount { value } }
             outgoingPayment(id: $out) { liquidity sentAmount { value } } }`,
          { in: incomingId, out: payment.id }
        )
      ).toEqual({
        incomingPayment: { liquidity: '0', receivedAmount: { value: '250' } },
        outgoingPayment: { liquidity: '0', sentAmount: { value: '250' } }
      })
    })

    it('into a wallet address are listed, with their metadata replaced', async () => {
      const { payment } = await createIncoming({
        metadata: { old: true },
        senderWalletAddress: 'https://a.example/x',
        expiresAt: new Date(Date.now() + 60_000).toISOString()
      })
      await ok(
        `mutation ($input: UpdateIncomingPaymentInput!) { updateIncomingPayment(input: $input) { payment { id } } }`,
        { id: payment.id, metadata: { new: true } }
      )
      const listed = await query(
        `query ($filter: IncomingPaymentFilter) { incomingPayments(filter: $filter, first: 1) {
           edges { node { id url state metadata senderWalletAddress incomingAmount { value } liquidity client } } } }`,
        { filter: { initiatedBy: { in: ['ADMIN'], notIn: ['CARD'] } } }
      )
      expect(listed).toEqual({
        incomingPayments: {
          edges: [
            {
              node: {
                id: payment.id,
                url: `${node.openPaymentsUrl}/${OPERATOR_ID}/incoming-payments/${payment.id}`,
                state: 'PENDING',
                metadata: { new: true },
                senderWalletAddress: 'https://a.example/x',
                incomingAmount: null,
                liquidity: null,
                client: null
              }
            }
          ]
        }
      })
      const none = await query(
        `{ incomingPayments(filter: { initiatedBy: { notIn: ["ADMIN", "OPEN_PAYMENTS"] } }) { edges { node { id } } } }`
      )
      expect(none).toEqual({ incomingPayments: { edges: [] } })
    })

    it('out of a wallet address are created from an incoming payment, listed by state, and cancelled', async () => {
      const { payment: incoming } = await createIncoming()
      const { payment } = await ok<Payment>(
        `mutation ($input: CreateOutgoingPaymentFromIncomingPaymentInput!) {
           createOutgoingPaymentFromIncomingPayment(input: $input) { payment { id } } }`,
        { walletAddressId: payer, incomingPayment: incoming.url, debitAmount: amount('30') }
      )
      const cancel = `mutation ($input: CancelOutgoingPaymentInput!) {
        cancelOutgoingPayment(input: $input) { payment { state metadata } } }`
      const list = (state: string) =>
        query<{ outgoingPayments: { edges: { node: { id: string } }[] } }>(
          `query ($filter: OutgoingPaymentFilter) { outgoingPayments(filter: $filter) { edges { node { id } } } }`,
          { filter: { state: { in: [state] }, receiver: { in: [incoming.url] } } }
        )
      expect((await list('FUNDING')).outgoingPayments.edges).toEqual([{ node: { id: payment.id } }])
      expect(await refused(cancel, { id: payment.id }, TENANT)).toMatchObject(
        asError('NOT_FOUND', 'unknown payment')
      )
      expect(await ok(cancel, { id: payment.id, reason: 'no money' })).toEqual({
        payment: { state: 'CANCELLED', metadata: { cancellationReason: 'no money' } }
      })
      expect(await refused(cancel, { id: payment.id })).toMatchObject(asError('CONFLICT', 'wrong state'))
      expect((await list('CANCELLED')).outgoingPayments.edges).toEqual([{ node: { id: payment.id } }])
    })

    it('that are completed take no more', async () => {
      const { payment } = await createIncoming()
      const complete = `mutation ($input: CompleteReceiverInput!) {
        completeReceiver(input: $input) { receiver { id completed } } }`
      expect(await ok(complete, { incomingPaymentUrl: payment.url })).toEqual({
        receiver: { id: payment.url, completed: true }
      })
      expect(await refused(complete, { incomingPaymentUrl: payment.url })).toMatchObject(
        asError('BAD_USER_INPUT', 'invalid remote incoming payment request')
      )
      expect(
        await query(`query ($id: String!) { receiver(id: $id) { completed } }`, { id: payment.url })
      ).toEqual({
        receiver: { completed: true }
      })
    })

    it('that would deliver nothing say what would do', async () => {
      const { payment } = await createIncoming()
      const error = await refused(CREATE_QUOTE, {
        walletAddressId: payer,
        receiver: payment.url,
        debitAmount: amount('3')
      })
      expect(error).toMatchObject({
        message: 'non-positive receive amount',
        extensions: {
          code: 'BAD_USER_INPUT',
          failure: 'NonPositiveReceiveAmount',
          details: { minSendAmount: { value: '5', assetCode: 'USD', assetScale: 2 } }
        }
      })
      // A fee that no amount pays: what would do cannot be written.
      const fee = (fixed: string) => ({ type: 'SENDING', fee: { fixed, basisPoints: 100 } })
      await ok(SET_FEE, { assetId: desk.assetId, ...fee('18446744073709551615') })
      const beyond = await refused(CREATE_QUOTE, {
        walletAddressId: payer,
        receiver: payment.url,
        debitAmount: amount('3')
      })
      expect(beyond.extensions).toMatchObject({ failure: 'NonPositiveReceiveAmount' })
      expect(JSON.stringify(beyond)).not.toContain('minSendAmount')
      await ok(SET_FEE, { assetId: desk.assetId, ...fee('3') })
    })

    it.each<[string, string, () => object, string, string]>([
      [
        'into an unknown wallet address',
        'CREATE_INCOMING',
        () => ({ walletAddressId: UNKNOWN_ID }),
        'NOT_FOUND',
        'unknown wallet address'
      ],
      [
        'of another asset',
        'CREATE_INCOMING',
        () => ({ walletAddressId: payee, incomingAmount: { ...amount('1'), assetCode: 'EUR' } }),
        'BAD_USER_INPUT',
        'invalid amount'
      ],
      [
        'that are over',
        'CREATE_INCOMING',
        () => ({ walletAddressId: payee, expiresAt: '2020-01-01T00:00:00Z' }),
        'BAD_USER_INPUT',
        'invalid expiresAt'
      ],
      [
        'at no time',
        'CREATE_INCOMING',
        () => ({ walletAddressId: payee, expiresAt: 'tomorrow' }),
        'BAD_USER_INPUT',
        'invalid expiresAt: a time in ISO 8601 is needed, such as 2030-01-31T12:00:00Z'
      ],
      [
        'to nobody',
        'CREATE_QUOTE',
        () => ({ walletAddressId: payer, receiver: 'https://localhost:1/x/incoming-payments/1' }),
        'BAD_USER_INPUT',
        'invalid receiver'
      ],
      [
        'from nobody',
        'CREATE_QUOTE',
        () => ({ walletAddressId: UNKNOWN_ID, receiver: 'https://localhost:1/x/incoming-payments/1' }),
        'NOT_FOUND',
        'unknown wallet address'
      ],
      [
        'from an unknown quote',
        'CREATE_OUTGOING',
        () => ({ walletAddressId: payer, quoteId: UNKNOWN_ID }),
        'NOT_FOUND',
        'unknown quote'
      ],
      [
        'from a quote id that is none',
        'CREATE_OUTGOING',
        () => ({ walletAddressId: payer, quoteId: 'x' }),
        'NOT_FOUND',
        'unknown quote'
      ]
    ])('are refused %s', async (_, mutation, input, code, message) => {
      const error = await refused(MUTATIONS[mutation]!, input())
      expect(error).toMatchObject(asError(code, message))
    })

    it.each([
      ['incomingPayment', 'payment does not exist'],
      ['outgoingPayment', 'payment does not exist'],
      ['quote', 'quote does not exist'],
      ['asset', 'Asset not found'],
      ['peer', 'unknown peer'],
      ['walletAddress', 'unknown wallet address'],
      ['receiver', 'receiver does not exist'],
      ['tenant', 'tenant does not exist']
    ])('an unknown %s is not found', async (operation, message) => {
      for (const unknown of [UNKNOWN_ID, 'x']) {
        const { errors } = await node.admin(`query ($id: String!) { ${operation}(id: $id) { id } }`, {
          id: unknown
        })
        expect(errors).toMatchObject([asError('NOT_FOUND', message)])
      }
    })
  })

  it('lists webhook events by type', async () => {
    const listed = await query<{ webhookEvents: { edges: { node: { type: string; data: object } }[] } }>(
      `{ webhookEvents(filter: { type: { in: ["outgoing_payment.completed"] } }) {
           edges { node { id type data tenant { id } createdAt } } } }`
    )
    expect(listed.webhookEvents.edges).toHaveLength(1)
    expect(listed.webhookEvents.edges[0]?.node).toMatchObject({
      type: 'outgoing_payment.completed',
      data: { state: 'COMPLETED' },
      tenant: { id: OPERATOR_ID }
    })
  })
})
