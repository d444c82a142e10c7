import type { Database } from '../../runtime/index.ts'
import { selectPage } from '../../pagination/index.ts'
import { isUuid } from '../sql.ts'
import { HIDDEN_EVENT_TYPES } from './model.ts'
import type { WebhookDeliveryState, WebhookEvent, WebhookEvents, WebhookEventType } from './model.ts'

interface EventRow {
  id: string
  type: WebhookEventType
  tenantId: string
  data: Record<string, unknown>
  withdrawalAccountId: string | null
  withdrawalAssetId: string | null
  withdrawalAmount: bigint | null
  incomingPaymentId: string | null
  outgoingPaymentId: string | null
  walletAddressId: string | null
  peerId: string | null
  assetId: string | null
  createdAt: Date
}

/** The id of what an event is about, as an index has it: an event names one resource at most. */
const RESOURCE_ID =
  'coalesce("incomingPaymentId", "outgoingPaymentId", "walletAddressId", "peerId", "assetId")'

/** Reading what the outbox wrote. */
export function createWebhookEvents({ database }: { database: Pick<Database, 'knex'> }): WebhookEvents {
  const deliveriesOf = ({ state, tenantId }: { state: WebhookDeliveryState; tenantId?: string }) =>
    database
      .knex('webhooks')
      .select(database.knex.raw('1'))
      .whereRaw('webhooks."eventId" = "webhookEvents".id')
      .where('webhooks.state', state)
      .modify((query) => tenantId !== undefined && query.where('webhooks.recipientTenantId', tenantId))

  return {
    async get(id, tenantId) {
      if (!isUuid(id)) return undefined
      const where = { id, ...(tenantId !== undefined && { tenantId }) }
      const row = await database.knex<EventRow>('webhookEvents').where(where).first()
      return row && toEvent(row)
    },
    async latestEvent({ types, tenantId, ...about }) {
      const row = await database
        .knex<EventRow>('webhookEvents')
        .where({ ...about, ...(tenantId !== undefined && { tenantId }) })
        .whereIn('type', [...types])
        .orderBy('sequence', 'desc')
        .first()
      return row && toEvent(row)
    },
    async page(request, { tenantId, types, resourceIds, delivery }) {
      const notIn = types?.notIn ?? HIDDEN_EVENT_TYPES
      const page = await selectPage<EventRow>(
        'webhookEvents',
        () =>
          database
            .knex('webhookEvents')
            .whereNotIn('type', [...notIn])
            .modify((query) => {
              if (types?.in) query.whereIn('type', [...types.in])
              if (tenantId !== undefined) query.where({ tenantId })
              if (resourceIds)
                query.whereIn(database.knex.raw(RESOURCE_ID) as never, resourceIds.filter(isUuid))
              if (delivery) query.whereExists(deliveriesOf(delivery))
            }),
        request,
        { tenantId }
      )
      return { ...page, rows: page.rows.map(toEvent) }
    }
  }
}

function toEvent(row: EventRow): WebhookEvent {
  const { withdrawalAccountId, withdrawalAssetId, withdrawalAmount } = row
  return {
    id: row.id,
    type: row.type,
    tenantId: row.tenantId,
    data: row.data,
    createdAt: row.createdAt,
    ...(withdrawalAccountId !== null &&
      withdrawalAssetId !== null &&
      withdrawalAmount !== null && {
        withdrawal: { accountId: withdrawalAccountId, assetId: withdrawalAssetId, amount: withdrawalAmount }
      }),
    ...(row.incomingPaymentId !== null && { incomingPaymentId: row.incomingPaymentId }),
    ...(row.outgoingPaymentId !== null && { outgoingPaymentId: row.outgoingPaymentId }),
    ...(row.walletAddressId !== null && { walletAddressId: row.walletAddressId }),
    ...(row.peerId !== null && { peerId: row.peerId }),
    ...(row.assetId !== null && { assetId: row.assetId })
  }
}
