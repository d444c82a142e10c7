import { beforeAll, describe, expect, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { asError, TENANT, useAdminApi } from './admin-api.test-support.ts'
import { CREATE_INCOMING, FUND } from './operations.test-support.ts'

const PAY_BY_CARD = `mutation ($input: CreateOutgoingPaymentFromIncomingPaymentInput!) {
  createOutgoingPaymentFromIncomingPayment(input: $input) { payment { id state receiveAmount { value } } } }`
const CANCEL = `mutation ($input: CancelOutgoingPaymentInput!) {
  cancelOutgoingPayment(input: $input) { payment { state metadata } } }`
const HIDDEN = ['outgoing_payment.funded', 'outgoing_payment.cancelled']

/** What a terminal's card signed, as the card service passes it on. */
const cardDetails = (requestId: string) => ({
  requestId,
  initiatedAt: '2026-01-31T12:00:00.000Z',
  data: { signature: 'c2ln', payload: { counter: 7, '': [null] } }
})

describe('the Admin API: card payments', () => {
  const { desk, id, ok, refused, query } = useAdminApi()
  let node: TestNode
  let payer: { id: string; url: string }
  let merchant: { id: string; url: string }
  beforeAll(async () => {
    ;({ node } = desk)
    payer = await node.createWalletAddress('cardholder', desk.assetId, 5)
    merchant = await node.createWalletAddress('merchant', desk.assetId, 6)
  })

  /** What the point of sale asks for. */
  async function askAtTerminal(value: string): Promise<{ id: string; url: string }> {
    const { payment } = await ok<{ payment: { id: string; url: string } }>(CREATE_INCOMING, {
      walletAddressId: merchant.id,
      incomingAmount: { value, assetCode: 'USD', assetScale: 2 },
      expiresAt: new Date(node.runtime.clock.nowMs() + 10_000).toISOString(),
      isCardPayment: true,
      senderWalletAddress: payer.url
    })
    return payment
  }

  /** What the card service does with the terminal's request. */
  async function payByCard(incomingPayment: string, requestId = id()): Promise<string> {
    const { payment } = await ok<{ payment: { id: string } }>(PAY_BY_CARD, {
      walletAddressId: payer.id,
      incomingPayment,
      cardDetails: cardDetails(requestId)
    })
    return payment.id
  }

  async function eventsOf(paymentId: string, filter?: object) {
    const { webhookEvents } = await query<{
      webhookEvents: { edges: { node: { type: string; data: Record<string, unknown> } }[] }
    }>(
      `query ($filter: WebhookEventFilter) { webhookEvents(filter: $filter, sortOrder: ASC) {
         edges { node { type data } } } }`,
      filter && { filter }
    )
    return webhookEvents.edges.map((edge) => edge.node).filter(({ data }) => data.id === paymentId)
  }

  it('are paid in full when the wallet funds them: every event of theirs carries the card, funding is an event', async () => {
    const incoming = await askAtTerminal('40')
    const requestId = id()
    const paymentId = await payByCard(incoming.url, requestId)
    const created = await node.told('outgoing_payment.created', paymentId)
    expect(created.data).toMatchObject({
      state: 'FUNDING',
      receiveAmount: { value: '40' },
      cardDetails: cardDetails(requestId)
    })
    await ok(FUND, { outgoingPaymentId: paymentId, idempotencyKey: id() })
    await node.told('outgoing_payment.completed', paymentId)
    await node.told('incoming_payment.completed', incoming.id)

    expect((await eventsOf(paymentId)).map(({ type }) => type)).toEqual([
      'outgoing_payment.created',
      'outgoing_payment.completed'
    ])
    const all = await eventsOf(paymentId, { type: { notIn: [] } })
    expect(all.map(({ type }) => type)).toEqual([
      'outgoing_payment.created',
      'outgoing_payment.funded',
      'outgoing_payment.completed'
    ])
    for (const { data } of all) expect(data.cardDetails).toEqual(cardDetails(requestId))
    expect(all[1]!.data).toMatchObject({ state: 'SENDING', balance: '40', sentAmount: { value: '0' } })
  })

  it('that the wallet cancels say why, and that is an event', async () => {
    const paymentId = await payByCard((await askAtTerminal('10')).url)
    expect(
      await ok(CANCEL, { id: paymentId, reason: 'no', cardPaymentFailureReason: 'invalid_signature' })
    ).toEqual({
      payment: {
        state: 'CANCELLED',
        metadata: { cancellationReason: 'no', cardPaymentFailureReason: 'invalid_signature' }
      }
    })
    const [event] = await eventsOf(paymentId, {
      type: { in: ['outgoing_payment.cancelled'], notIn: ['outgoing_payment.failed'] }
    })
    expect(event?.data).toMatchObject({
      state: 'CANCELLED',
      balance: '0',
      metadata: { cardPaymentFailureReason: 'invalid_signature' },
      cardDetails: { initiatedAt: '2026-01-31T12:00:00.000Z' }
    })
  })

  it('are told apart from others, in both directions', async () => {
    const incoming = await askAtTerminal('5')
    const byCard = await payByCard(incoming.url)
    const initiated = (table: string, of: string) =>
      node.database.knex(table).where({ id: of }).first<{ initiatedBy: string }>('initiatedBy')
    expect(await initiated('incomingPayments', incoming.id)).toEqual({ initiatedBy: 'CARD' })
    expect(await initiated('outgoingPayments', byCard)).toEqual({ initiatedBy: 'CARD' })

    const { payment: plain } = await ok<{ payment: { id: string; url: string } }>(CREATE_INCOMING, {
      walletAddressId: merchant.id,
      isCardPayment: false
    })
    const { payment: outgoing } = await ok<{ payment: { id: string } }>(PAY_BY_CARD, {
      walletAddressId: payer.id,
      incomingPayment: plain.url,
      debitAmount: { value: '5', assetCode: 'USD', assetScale: 2 }
    })
    expect(await initiated('outgoingPayments', outgoing.id)).toEqual({ initiatedBy: 'ADMIN' })
    await ok(CANCEL, { id: outgoing.id, cardPaymentFailureReason: 'invalid_request' })
    expect(await eventsOf(outgoing.id, { type: { in: HIDDEN, notIn: [] } })).toEqual([])

    const listed = async (filter: object) => {
      const found = await query<{
        incomingPayments: { edges: { node: { id: string; senderWalletAddress: string } }[] }
      }>(
        `query ($filter: IncomingPaymentFilter) { incomingPayments(filter: $filter, first: 1) {
           edges { node { id senderWalletAddress } } } }`,
        { filter: { initiatedBy: filter } }
      )
      return found.incomingPayments.edges.map((edge) => edge.node)
    }
    expect(await listed({ in: ['CARD'] })).toEqual([{ id: incoming.id, senderWalletAddress: payer.url }])
    expect(await listed({ notIn: ['CARD'] })).toEqual([{ id: plain.id, senderWalletAddress: null }])
  })

  it('into wallet addresses of a tenant are marked as such by nobody but the operator', async () => {
    const walletAddressUrl = `${node.openPaymentsUrl}/tenant`
    await node.createTenant({ ...TENANT, tenantId: '88888888-8888-4888-8888-888888888888' }, walletAddressUrl)
    const as = { ...TENANT, tenantId: '88888888-8888-4888-8888-888888888888' }
    const { asset } = await ok<{ asset: { id: string } }>(
      `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`,
      { code: 'USD', scale: 2 },
      as
    )
    const { walletAddress } = await ok<{ walletAddress: { id: string } }>(
      `mutation ($input: CreateWalletAddressInput!) {
         createWalletAddress(input: $input) { walletAddress { id } } }`,
      { address: `${walletAddressUrl}/shop`, assetId: asset.id },
      as
    )
    const { payment } = await ok<{ payment: { id: string } }>(
      CREATE_INCOMING,
      { walletAddressId: walletAddress.id, isCardPayment: true, senderWalletAddress: payer.url },
      as
    )
    const { incomingPayment } = await query<{ incomingPayment: { senderWalletAddress: string } }>(
      `query ($id: String!) { incomingPayment(id: $id) { senderWalletAddress } }`,
      { id: payment.id },
      as
    )
    expect(incomingPayment).toEqual({ senderWalletAddress: payer.url })
    expect(
      await query(
        `{ incomingPayments(filter: { initiatedBy: { in: ["CARD"] } }) { edges { node { id } } } }`,
        {},
        as
      )
    ).toEqual({ incomingPayments: { edges: [] } })
  })

  it.each([
    ['at no time', { initiatedAt: 'noon' }, /invalid cardDetails.initiatedAt/],
    ['without a request', { requestId: ' ' }, /invalid cardDetails.requestId/],
    ['with a request id that is endless', { requestId: 'x'.repeat(256) }, /invalid cardDetails.requestId/]
  ])('%s are refused before anything is quoted', async (_, wrong, message) => {
    const incoming = await askAtTerminal('5')
    const error = await refused(PAY_BY_CARD, {
      walletAddressId: payer.id,
      incomingPayment: incoming.url,
      cardDetails: { ...cardDetails('r'), ...wrong }
    })
    expect(error).toMatchObject(asError('BAD_USER_INPUT', expect.stringMatching(message) as string))
    expect(await node.database.knex('quotes').where({ receiver: incoming.url })).toEqual([])
  })
})
