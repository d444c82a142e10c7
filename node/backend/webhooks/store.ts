import type { Clock, Database } from '../../runtime/index.ts'
import type { WebhookEventType } from './model.ts'

/** A delivery that this process holds a lease on. */
export interface ClaimedDelivery {
  id: string
  leaseEpoch: number
  attempts: number
  recipientTenantId: string
  eventId: string
  type: WebhookEventType
  data: Record<string, unknown>
}

/** SQL of deliveries. */
export function createDeliveryStore({ database, clock }: { database: Database; clock: Clock }) {
  return {
    /**
     * Takes leases on due deliveries, at most `free` of a recipient. Only the oldest pending delivery of a
     * recipient and resource is taken; what waits behind it is looked at again when the lease ends.
     */
    async claim(
      owner: string,
      lanes: readonly { recipientTenantId: string; free: number }[],
      leaseDeadlineMs: number
    ): Promise<ClaimedDelivery[]> {
      const now = new Date(clock.nowMs())
      const deadline = new Date(leaseDeadlineMs)
      const { rows } = await database.knex.raw<{ rows: ClaimedDelivery[] }>(
        `WITH head AS (
           SELECT due.id, due."recipientTenantId", due."resourceKey"
           FROM unnest(?::uuid[], ?::int[]) AS lane ("tenantId", free)
           CROSS JOIN LATERAL (
             SELECT id, "recipientTenantId", "resourceKey"
             FROM webhooks w
             WHERE w."recipientTenantId" = lane."tenantId" AND w.state = 'PENDING' AND w."processAt" <= ?
               AND NOT EXISTS (
                 SELECT 1 FROM webhooks earlier
                 WHERE earlier."recipientTenantId" = w."recipientTenantId"
                   AND earlier."resourceKey" = w."resourceKey"
                   AND earlier.sequence < w.sequence AND earlier.state = 'PENDING'
               )
             ORDER BY w."processAt", w.sequence
             LIMIT lane.free
             FOR UPDATE SKIP LOCKED
           ) due
         ), claimed AS (
           UPDATE webhooks w
           SET "processAt" = ?, "leaseDeadline" = ?, "leaseOwner" = ?, "updatedAt" = ?,
               "leaseEpoch" = w."leaseEpoch" + (w.id = head.id)::int
           FROM head
           WHERE w."recipientTenantId" = head."recipientTenantId" AND w."resourceKey" = head."resourceKey"
             AND w.state = 'PENDING'
           RETURNING w.id, w."eventId", w."leaseEpoch", w.attempts, w."recipientTenantId", w.id = head.id AS "isHead"
         )
         SELECT claimed.*, event.type, event.data
         FROM claimed JOIN "webhookEvents" event ON event.id = claimed."eventId"
         WHERE claimed."isHead"
         ORDER BY event.sequence`,
        [
          lanes.map((lane) => lane.recipientTenantId),
          lanes.map((lane) => lane.free),
          now,
          deadline,
          deadline,
          owner,
          now
        ]
      )
      return rows
    },

    /** When the next delivery to one of these recipients is due; undefined when none waits. */
    async nextDueMs(recipientTenantIds: readonly string[]): Promise<number | undefined> {
      const { rows } = await database.knex.raw<{ rows: [{ due: Date | null }] }>(
        `SELECT min(next.due) AS due
         FROM unnest(?::uuid[]) AS recipient (id)
         CROSS JOIN LATERAL (
           SELECT w."processAt" AS due FROM webhooks w
           WHERE w."recipientTenantId" = recipient.id AND w.state = 'PENDING'
             AND NOT EXISTS (
               SELECT 1 FROM webhooks earlier
               WHERE earlier."recipientTenantId" = w."recipientTenantId"
                 AND earlier."resourceKey" = w."resourceKey"
                 AND earlier.sequence < w.sequence AND earlier.state = 'PENDING'
             )
           ORDER BY w."processAt", w.sequence LIMIT 1
         ) next`,
        [[...recipientTenantIds]]
      )
      return rows[0].due?.getTime()
    },

    /**
     * Writes what became of a delivery, if the lease is still ours, and makes what waits behind it due with
     * it (at once after the end, with the retry otherwise).
     */
    async finish(
      delivery: ClaimedDelivery,
      outcome: {
        state: 'PENDING' | 'DELIVERED' | 'FAILED'
        statusCode: number | undefined
        processAtMs: number
      }
    ): Promise<boolean> {
      const now = new Date(clock.nowMs())
      const processAt = new Date(outcome.processAtMs)
      const { rows } = await database.knex.raw<{ rows: [{ done: boolean }] }>(
        `WITH done AS (
           UPDATE webhooks
           SET state = ?, attempts = attempts + 1, "statusCode" = ?, "processAt" = ?, "updatedAt" = ?,
               "leaseOwner" = NULL, "leaseDeadline" = NULL
           WHERE id = ? AND "leaseEpoch" = ? AND state = 'PENDING'
           RETURNING id, "recipientTenantId", "resourceKey"
         ), followers AS (
           UPDATE webhooks w SET "processAt" = ?
           FROM done
           WHERE w."recipientTenantId" = done."recipientTenantId" AND w."resourceKey" = done."resourceKey"
             AND w.state = 'PENDING' AND w.id <> done.id
         )
         SELECT EXISTS (SELECT 1 FROM done) AS done`,
        [
          outcome.state,
          outcome.statusCode ?? null,
          outcome.state === 'PENDING' ? processAt : null,
          now,
          delivery.id,
          delivery.leaseEpoch,
          processAt
        ]
      )
      return rows[0].done
    }
  }
}

export type DeliveryStore = ReturnType<typeof createDeliveryStore>
