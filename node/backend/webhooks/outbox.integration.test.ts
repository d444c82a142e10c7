import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { BackendConfig } from '../config.ts'
import { createTestBackend, OPERATOR_ID } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { CARD_SERVICE, POINT_OF_SALE } from './model.ts'
import type { NewWebhookEvent } from './model.ts'
import { createOutbox } from './outbox.ts'

const PAYMENT = '01900000-0000-7000-8000-00000000bbbb'
const TENANT = '01900000-0000-7000-8000-000000000003'
const SERVICES = {
  CARD_WEBHOOK_SERVICE_URL: 'http://localhost:1/card',
  POS_WEBHOOK_SERVICE_URL: 'http://localhost:1/pos'
}

describe('the outbox', () => {
  let backend: TestBackend

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
    await backend.database.knex('tenants').insert(
      [OPERATOR_ID, TENANT].map((id) => ({
        id,
        apiSecret: 'x',
        createdAt: new Date(),
        updatedAt: new Date()
      }))
    )
  })
  afterAll(() => backend.close())
  afterEach(() => backend.database.knex('webhookEvents').delete())

  /** Who an event is sent to, whose settings hold there, and what was warned of. */
  async function sentTo(
    event: Partial<NewWebhookEvent>,
    config: Partial<BackendConfig> = {}
  ): Promise<{ receivers: Record<string, string>; warnings: string[] }> {
    const warnings: string[] = []
    const logger = { ...backend.logger, warn: (_: unknown, message: string) => warnings.push(message) }
    const outbox = createOutbox({
      ...backend,
      logger: logger as never,
      config: { ...backend.config, ...config }
    })
    const eventId = await backend.database.transaction((trx) =>
      outbox.add(trx, {
        type: 'incoming_payment.completed',
        tenantId: TENANT,
        data: {},
        resource: { kind: 'incomingPayment', id: PAYMENT },
        ...event
      })
    )
    const rows = await backend.database
      .knex<{ eventId: string; receiver: string; recipientTenantId: string }>('webhooks')
      .where({ eventId })
      .orderBy('id')
    return {
      receivers: Object.fromEntries(rows.map((row) => [row.receiver, row.recipientTenantId])),
      warnings
    }
  }

  it('sends an event to its tenant, and to the operator as well with SEND_TENANT_WEBHOOKS_TO_OPERATOR', async () => {
    expect((await sentTo({})).receivers).toEqual({ [TENANT]: TENANT })
    const config = { SEND_TENANT_WEBHOOKS_TO_OPERATOR: true }
    expect((await sentTo({}, config)).receivers).toEqual({ [TENANT]: TENANT, [OPERATOR_ID]: OPERATOR_ID })
    expect((await sentTo({ tenantId: OPERATOR_ID }, config)).receivers).toEqual({
      [OPERATOR_ID]: OPERATOR_ID
    })
  })

  it.each(['outgoing_payment.funded', 'outgoing_payment.cancelled'] as const)(
    'sends %s to the card service alone, to nobody with a warning where it has no URL',
    async (type) => {
      const config = { ...SERVICES, SEND_TENANT_WEBHOOKS_TO_OPERATOR: true }
      expect(await sentTo({ type }, config)).toEqual({ receivers: { [CARD_SERVICE]: TENANT }, warnings: [] })
      expect(await sentTo({ type })).toEqual({
        receivers: {},
        warnings: ['an event is not sent: CARD_WEBHOOK_SERVICE_URL is not set']
      })
    }
  )

  it('sends what a terminal waits for to the point of sale as well, with a warning where it has no URL', async () => {
    const event = { alsoToPointOfSale: true }
    expect(await sentTo(event, SERVICES)).toEqual({
      receivers: { [TENANT]: TENANT, [POINT_OF_SALE]: TENANT },
      warnings: []
    })
    expect(await sentTo(event)).toEqual({
      receivers: { [TENANT]: TENANT },
      warnings: ['an event is not sent: POS_WEBHOOK_SERVICE_URL is not set']
    })
    expect((await sentTo({}, SERVICES)).receivers).toEqual({ [TENANT]: TENANT })
  })
})
