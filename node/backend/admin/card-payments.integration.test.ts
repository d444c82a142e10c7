import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSystemRuntime, serveHttp } from '../../runtime/index.ts'
import type { HttpServer, Runtime } from '../../runtime/index.ts'
import type { TestNode, ToldEvent } from '../open-payments/testing.ts'
import { canonicalJson } from '../webhooks/signature.ts'
import { OPERATOR_ID, until } from '../testing.ts'
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

const SECRET = 'shared with the services'

/** A card service or a point of sale, as the node sees it: it takes events. */
interface EventTaker {
  server: HttpServer
  told: ToldEvent[]
  signatures: (string | undefined)[]
}

async function startEventTaker(runtime: Runtime): Promise<EventTaker> {
  const told: ToldEvent[] = []
  const signatures: (string | undefined)[] = []
  const server = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      told.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as ToldEvent)
      signatures.push(request.headers['rafiki-signature'] as string | undefined)
      response.end()
    })
  })
  return { server, told, signatures }
}

describe('the Admin API: card payments', () => {
  let runtime: Runtime
  let cardService: EventTaker
  let pointOfSale: EventTaker
  beforeAll(async () => {
    runtime = createSystemRuntime({ name: 'services', logLevel: 'silent' })
    cardService = await startEventTaker(runtime)
    pointOfSale = await startEventTaker(runtime)
  })
  const urlOf = ({ server }: EventTaker) => `http://127.0.0.1:${server.address.port}/webhook`
  const { desk, id, ok, refused, query } = useAdminApi(() => ({
    CARD_WEBHOOK_SERVICE_URL: urlOf(cardService),
    POS_WEBHOOK_SERVICE_URL: urlOf(pointOfSale),
    SIGNATURE_SECRET: SECRET
  }))
  afterAll(async () => {
    await cardService.server.stop(0)
    await pointOfSale.server.stop(0)
    runtime.kill()
  })
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

  const tellsOf = ({ told }: EventTaker, resourceId: string) =>
    told.filter(({ data }) => data.id === resourceId)
  const receiversOf = async (type: string, resourceId: string) => {
    const column = type.startsWith('outgoing') ? 'outgoingPaymentId' : 'incomingPaymentId'
    const rows = await node.database
      .knex('webhooks')
      .join('webhookEvents', 'webhookEvents.id', 'webhooks.eventId')
      .where({ type, [column]: resourceId })
      .orderBy('receiver')
      .select<{ receiver: string }[]>('receiver')
    return rows.map(({ receiver }) => receiver)
  }

  it('tell the card service that they are funded or cancelled, the point of sale that they arrived, the wallet the rest', async () => {
    const [incoming, other] = [await askAtTerminal('30'), await askAtTerminal('30')]
    const requestId = id()
    const [paid, cancelled] = [await payByCard(incoming.url, requestId), await payByCard(other.url)]
    await node.told('outgoing_payment.created', paid)
    await ok(FUND, { outgoingPaymentId: paid, idempotencyKey: id() })
    await ok(CANCEL, { id: cancelled, cardPaymentFailureReason: 'invalid_signature' })

    await until(() => tellsOf(cardService, paid).length === 1 && tellsOf(cardService, cancelled).length === 1)
    const [funded] = tellsOf(cardService, paid)
    expect(funded).toMatchObject({
      type: 'outgoing_payment.funded',
      data: { state: 'SENDING', cardDetails: cardDetails(requestId) }
    })
    expect(tellsOf(cardService, cancelled)).toMatchObject([
      {
        type: 'outgoing_payment.cancelled',
        data: { state: 'CANCELLED', metadata: { cardPaymentFailureReason: 'invalid_signature' } }
      }
    ])
    await until(() => tellsOf(pointOfSale, incoming.id).length === 1)
    expect(tellsOf(pointOfSale, incoming.id)).toMatchObject([
      { type: 'incoming_payment.completed', data: { receivedAmount: { value: '30' }, completed: true } }
    ])
    // Each with the one secret, over what it was told.
    const [, timestamp, digest] = /^t=(\d{13}), v1=([0-9a-f]{64})$/.exec(
      cardService.signatures[cardService.told.indexOf(funded!)] ?? ''
    )!
    const signed = `${timestamp}.${canonicalJson(funded!)}`
    expect(digest).toBe(createHmac('sha256', SECRET).update(signed).digest('hex'))

    await node.told('incoming_payment.completed', incoming.id)
    await node.told('outgoing_payment.completed', paid)
    expect(await receiversOf('outgoing_payment.funded', paid)).toEqual(['card-service'])
    expect(await receiversOf('outgoing_payment.cancelled', cancelled)).toEqual(['card-service'])
    expect(await receiversOf('outgoing_payment.created', paid)).toEqual([OPERATOR_ID])
    expect(await receiversOf('incoming_payment.created', incoming.id)).toEqual([OPERATOR_ID])
    expect(await receiversOf('incoming_payment.completed', incoming.id)).toEqual([
      OPERATOR_ID,
      'point-of-sale'
    ])
  })

  it('that expire with money tell the point of sale, and incoming payments of others do not', async () => {
    const { payment: incoming } = await ok<{ payment: { id: string; url: string } }>(CREATE_INCOMING, {
      walletAddressId: merchant.id,
      expiresAt: new Date(node.runtime.clock.nowMs() + 1_200).toISOString(),
      isCardPayment: true
    })
    const { payment: plain } = await ok<{ payment: { id: string; url: string } }>(CREATE_INCOMING, {
      walletAddressId: merchant.id,
      incomingAmount: { value: '2', assetCode: 'USD', assetScale: 2 }
    })
    for (const [of, amounts] of [
      [incoming, { debitAmount: { value: '2', assetCode: 'USD', assetScale: 2 } }],
      [plain, {}]
    ] as const) {
      const input = { walletAddressId: payer.id, incomingPayment: of.url, ...amounts }
      const { payment } = await ok<{ payment: { id: string } }>(PAY_BY_CARD, input)
      await node.told('outgoing_payment.created', payment.id)
      await ok(FUND, { outgoingPaymentId: payment.id, idempotencyKey: id() })
    }
    await until(() => tellsOf(pointOfSale, incoming.id).length === 1)
    expect(tellsOf(pointOfSale, incoming.id)).toMatchObject([
      { type: 'incoming_payment.expired', data: { receivedAmount: { value: '2' } } }
    ])
    await node.told('incoming_payment.completed', plain.id)
    expect(await receiversOf('incoming_payment.completed', plain.id)).toEqual([OPERATOR_ID])
  })

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
