import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveHttp } from '../../runtime/index.ts'
import type { HttpServer } from '../../runtime/index.ts'
import { loadBackendConfig } from '../config.ts'
import type { TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT, until } from '../testing.ts'
import { createOutbox } from '../webhooks/outbox.ts'
import { asError, TENANT, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'

interface Delivery {
  id: string
  receiver: string
  state: string
  attempts: number
  statusCode: number | null
  lastError: string | null
  processAt: string | null
}
interface Listed {
  id: string
  type: string
  deliveries: Delivery[]
}

const LIST = `query ($filter: WebhookEventFilter, $first: Int) { webhookEvents(filter: $filter, first: $first) {
  edges { node { id type deliveries { id receiver state attempts statusCode lastError processAt updatedAt } } } } }`
const RESEND = `mutation ($input: ResendWebhookEventInput!) {
  resendWebhookEvent(input: $input) { webhookEvent { id deliveries { state attempts } } } }`

describe('the Admin API: webhook events', () => {
  const { desk, id, ok, refused, query } = useAdminApi()
  let node: TestNode
  let receiver: HttpServer
  let status = 500
  const received: string[] = []

  beforeAll(async () => {
    ;({ node } = desk)
    receiver = await serveHttp(node.runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        received.push((JSON.parse(Buffer.concat(chunks).toString()) as { id: string }).id)
        response.writeHead(status).end()
      })
    })
    await ok(
      `mutation ($input: CreateTenantSettingsInput!) { createTenantSettings(input: $input) { settings { key } } }`,
      {
        settings: [
          { key: 'WEBHOOK_URL', value: `http://127.0.0.1:${receiver.address.port}/` },
          { key: 'WEBHOOK_MAX_RETRY', value: '1' }
        ]
      },
      TENANT
    )
  })
  afterAll(() => receiver.stop(0))

  /** Tells the tenant something, and the operator too. */
  function tell(): Promise<string> {
    const { clock, random, logger } = node.runtime
    const config = loadBackendConfig({ ...TEST_ENVIRONMENT, SEND_TENANT_WEBHOOKS_TO_OPERATOR: 'true' })
    return node.database.transaction((trx) =>
      createOutbox({ clock, random, logger, config }).add(trx, {
        type: 'wallet_address.not_found',
        tenantId: TENANT.tenantId,
        data: { walletAddressUrl: 'https://wallet.example/nobody' },
        resource: { kind: 'walletAddressUrl', id: 'https://wallet.example/nobody' }
      })
    )
  }

  async function list(filter: object, as?: typeof TENANT): Promise<Listed[]> {
    const { webhookEvents } = await query<{ webhookEvents: { edges: { node: Listed }[] } }>(
      LIST,
      { filter },
      as
    )
    return webhookEvents.edges.map((edge) => edge.node)
  }

  async function givenUp(): Promise<string> {
    status = 500
    const eventId = await tell()
    await until(async () =>
      (await list({ deliveryState: 'FAILED' }, TENANT)).some((event) => event.id === eventId)
    )
    return eventId
  }

  it('lists what was given up, with attempts and the last answer; a tenant sees what it is sent itself', async () => {
    const eventId = await givenUp()
    const own = (await list({ deliveryState: 'FAILED' }, TENANT)).find((event) => event.id === eventId)
    expect(own?.deliveries).toEqual([
      expect.objectContaining({
        receiver: TENANT.tenantId,
        state: 'FAILED',
        attempts: 1,
        statusCode: 500,
        lastError: null,
        processAt: null
      })
    ])
    await until(async () =>
      (await list({ deliveryState: 'DELIVERED' })).some((event) => event.id === eventId)
    )
    const all = (await list({ deliveryState: 'FAILED' })).find((event) => event.id === eventId)
    expect(all?.deliveries.map(({ state }) => state).toSorted()).toEqual(['DELIVERED', 'FAILED'])
    // The operator's copy was delivered: that is not the tenant's business.
    expect((await list({ deliveryState: 'DELIVERED' }, TENANT)).map((event) => event.id)).not.toContain(
      eventId
    )
  })

  it('tells a tenant what went wrong at its own receiver, not at services of the operator', async () => {
    const eventId = await givenUp()
    const { knex } = node.database
    const problems = async (as?: typeof TENANT) => {
      const event = (await list({ deliveryState: 'FAILED' }, as)).find((one) => one.id === eventId)
      return Object.fromEntries(event!.deliveries.map(({ receiver: to, lastError }) => [to, lastError]))
    }
    const own = () => knex('webhooks').where({ eventId, recipientTenantId: TENANT.tenantId })
    await own().update({ lastError: 'no answer from http://wallet.example/' })
    expect(await problems(TENANT)).toEqual({ [TENANT.tenantId]: 'no answer from http://wallet.example/' })
    await own().update({ receiver: 'point-of-sale', lastError: 'no answer from http://pos.internal/' })
    expect(await problems(TENANT)).toEqual({ 'point-of-sale': null })
    expect(await problems()).toMatchObject({ 'point-of-sale': 'no answer from http://pos.internal/' })
  })

  it('sends again what was given up, under the same id, and nothing that was not', async () => {
    const eventId = await givenUp()
    const before = received.length
    status = 200
    expect(await ok(RESEND, { id: eventId, idempotencyKey: id() }, TENANT)).toMatchObject({
      webhookEvent: { id: eventId, deliveries: [{ attempts: expect.any(Number) as number }] }
    })
    await until(async () =>
      (await list({ deliveryState: 'DELIVERED' }, TENANT)).some((event) => event.id === eventId)
    )
    expect(received.slice(before)).toEqual([eventId])
    const { extensions, message } = await refused(RESEND, { id: eventId }, TENANT)
    expect({ extensions, message }).toMatchObject({
      message: 'No delivery of the webhook event was given up',
      extensions: { code: 'CONFLICT', failure: 'NothingToSendAgain' }
    })
  })

  it('sends one delivery again by its id, though it was delivered', async () => {
    status = 200
    const eventId = await tell()
    let deliveryId = ''
    await until(async () => {
      const event = (await list({ deliveryState: 'DELIVERED' }, TENANT)).find((one) => one.id === eventId)
      deliveryId = event?.deliveries[0]?.id ?? ''
      return deliveryId !== ''
    })
    await ok(RESEND, { id: eventId, deliveryId }, TENANT)
    await until(() => received.filter((one) => one === eventId).length === 2)
  })

  it('refuses unknown events and deliveries, and those of others', async () => {
    const eventId = await givenUp()
    for (const unknown of [UNKNOWN_ID, 'x', '']) {
      expect(await refused(RESEND, { id: unknown })).toMatchObject(
        asError('NOT_FOUND', 'Webhook event not found')
      )
      expect(await refused(RESEND, { id: eventId, deliveryId: unknown }, TENANT)).toMatchObject(
        asError('NOT_FOUND', 'Webhook event has no such delivery')
      )
    }
    const [event] = (await list({ deliveryState: 'DELIVERED' })).filter((one) => one.id === eventId)
    const ofOperator = event?.deliveries.find(({ receiver: to }) => to !== TENANT.tenantId)
    expect(
      await refused(RESEND, { id: eventId, deliveryId: ofOperator?.id ?? UNKNOWN_ID }, TENANT)
    ).toMatchObject(asError('NOT_FOUND', 'Webhook event has no such delivery'))
    await node.database.knex('webhookEvents').where({ id: eventId }).update({ tenantId: OPERATOR_ID })
    expect(await refused(RESEND, { id: eventId }, TENANT)).toMatchObject(
      asError('NOT_FOUND', 'Webhook event not found')
    )
  })

  it('lists the events about one resource of any kind, to whom they belong', async () => {
    const { clock, random, logger } = node.runtime
    const outbox = createOutbox({ clock, random, logger, config: loadBackendConfig(TEST_ENVIRONMENT) })
    const kinds = ['incomingPayment', 'outgoingPayment', 'walletAddress', 'peer', 'asset'] as const
    const written: Record<string, string> = {}
    await node.database.transaction(async (trx) => {
      for (const kind of kinds) {
        const resourceId = id()
        written[resourceId] = await outbox.add(trx, {
          type: 'wallet_address.not_found',
          tenantId: TENANT.tenantId,
          data: { walletAddressUrl: 'https://wallet.example/nobody' },
          resource: { kind, id: resourceId }
        })
      }
    })
    const about = async (ids: string[], as?: typeof TENANT) =>
      (await list({ resourceId: { in: ids } }, as)).map((event) => event.id)
    const resourceIds = Object.keys(written)
    expect(resourceIds).toHaveLength(kinds.length)
    for (const resourceId of resourceIds) {
      for (const as of [undefined, TENANT]) {
        expect(await about([resourceId], as)).toEqual([written[resourceId]])
        expect(await about([resourceId.toUpperCase(), UNKNOWN_ID, 'x'], as)).toEqual([written[resourceId]])
      }
    }
    expect((await about(resourceIds)).toSorted()).toEqual(Object.values(written).toSorted())
    expect(await about([])).toEqual([])
    const [first] = resourceIds
    const filter = { resourceId: { in: [first] }, type: { in: ['peer.liquidity_low'] } }
    expect(await list(filter)).toEqual([])
    await node.database.knex('webhookEvents').where({ id: written[first!] }).update({ tenantId: OPERATOR_ID })
    expect(await about([first!], TENANT)).toEqual([])
    expect(await about([first!])).toEqual([written[first!]])
    const { errors } = await node.admin(LIST, { filter: { resourceId: { notIn: [first] } } })
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
  })

  it('reads the deliveries of a whole page by one statement', async () => {
    for (let count = 0; count < 5; count++) await tell()
    const statements = async (first: number) => {
      const before = node.statementCount()
      await query(LIST, { first }, TENANT)
      return node.statementCount() - before
    }
    await until(async () => (await list({ deliveryState: 'PENDING' })).length === 0)
    expect(await statements(5)).toBe(await statements(1))
  })
})
