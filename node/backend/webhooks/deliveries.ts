import type { Clock, Database } from '../../runtime/index.ts'
import { Channel, failure } from '../model.ts'
import { isUuid } from '../sql.ts'
import type { Receiver, WebhookDeliveries, WebhookDelivery, WebhookDeliveryState } from './model.ts'

interface DeliveryRow {
  id: string
  eventId: string
  receiver: Receiver
  state: WebhookDeliveryState
  attempts: number
  statusCode: number | null
  lastError: string | null
  processAt: Date | null
  updatedAt: Date
}

const COLUMNS = [
  'id',
  'eventId',
  'receiver',
  'state',
  'attempts',
  'statusCode',
  'lastError',
  'processAt',
  'updatedAt'
]

/** What became of events, and sending them again by hand. */
export function createWebhookDeliveries({
  database,
  clock
}: {
  database: Database
  clock: Clock
}): WebhookDeliveries {
  return {
    async ofEvents(eventIds, tenantId) {
      const rows: DeliveryRow[] = await database
        .knex('webhooks')
        .whereIn('eventId', [...eventIds])
        .modify((query) => tenantId !== undefined && query.where({ recipientTenantId: tenantId }))
        .orderBy('id')
        .select(COLUMNS)
      const found = new Map<string, WebhookDelivery[]>(eventIds.map((id) => [id, []]))
      for (const row of rows) found.get(row.eventId)!.push(toDelivery(row))
      return eventIds.map((id) => found.get(id)!)
    },

    async resend({ eventId, deliveryId, tenantId }) {
      if (!isUuid(eventId)) return failure('UnknownEvent')
      if (deliveryId !== undefined && !isUuid(deliveryId)) return failure('UnknownDelivery')
      const now = new Date(clock.nowMs())
      const { rows } = await database.knex.raw<{ rows: { isKnown: boolean; isSentAgain: boolean }[] }>(
        // A resource of its own: it neither waits for others nor do others wait for it. An outcome of before that is
        // written a second time, for its first answer was lost, is not this one's: a new epoch.
        `WITH known AS (
           SELECT id FROM webhooks
           WHERE "eventId" = ? AND (?::uuid IS NULL OR "recipientTenantId" = ?) AND (?::uuid IS NULL OR id = ?)
         ), again AS (
           UPDATE webhooks
           SET state = 'PENDING', attempts = 0, "processAt" = ?, "updatedAt" = ?, "resourceKey" = 'delivery:' || webhooks.id,
             "leaseEpoch" = "leaseEpoch" + 1
           FROM known
           WHERE webhooks.id = known.id AND (state = 'FAILED' OR ?::uuid IS NOT NULL AND state = 'DELIVERED')
           RETURNING webhooks.id
         )
         SELECT EXISTS (SELECT 1 FROM known) AS "isKnown", EXISTS (SELECT 1 FROM again) AS "isSentAgain",
           (SELECT count(pg_notify(?, id::text)) FROM again)`,
        [
          eventId,
          tenantId ?? null,
          tenantId ?? null,
          deliveryId ?? null,
          deliveryId ?? null,
          now,
          now,
          deliveryId ?? null,
          Channel.WEBHOOK_DUE
        ] as never
      )
      const { isKnown, isSentAgain } = rows[0]!
      if (isSentAgain) return undefined
      return failure(isKnown || deliveryId === undefined ? 'NothingToSendAgain' : 'UnknownDelivery')
    }
  }
}

function toDelivery({ statusCode, lastError, processAt, ...row }: DeliveryRow): WebhookDelivery {
  return {
    ...row,
    ...(statusCode !== null && { statusCode }),
    ...(lastError !== null && { lastError }),
    ...(processAt !== null && row.state === 'PENDING' && { processAt })
  }
}
