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
     *
     * `nextDueMs`: when the next delivery to one of these recipients is due, of those that were not due now;
     * undefined when none waits. (Its arrays are subselects: a plan that knew how long they are would seem better
     * than the general one, and be made for each call, which takes three times as long as running it.)
     */
    async claim(
      owner: string,
      lanes: readonly { recipientTenantId: string; free: number }[],
      leaseDeadlineMs: number
    ): Promise<{ claimed: ClaimedDelivery[]; nextDueMs: number | undefined }> {
      const now = new Date(clock.nowMs())
      const deadline = new Date(leaseDeadlineMs)
      const { rows } = await database.knex.raw<{ rows: (ClaimedDelivery & { nextDue: Date | null })[] }>(
        `WITH head AS (
           SELECT due.id, due."recipientTenantId", due."resourceKey"
           FROM unnest((SELECT ?::uuid[]), (SELECT ?::int[])) AS lane ("tenantId", free)
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
         SELECT claimed.*, event.type, event.data, next.due AS "nextDue"
         FROM (
           SELECT min(soon.due) AS due
           FROM unnest((SELECT ?::uuid[])) AS recipient (id)
           CROSS JOIN LATERAL (
             SELECT w."processAt" AS due FROM webhooks w
             WHERE w."recipientTenantId" = recipient.id AND w.state = 'PENDING' AND w."processAt" > ?
             ORDER BY w."processAt" LIMIT 1
           ) soon
         ) next
         LEFT JOIN (claimed JOIN "webhookEvents" event ON event.id = claimed."eventId") ON claimed."isHead"
         ORDER BY event.sequence`,
        [
          lanes.map((lane) => lane.recipientTenantId),
          lanes.map((lane) => lane.free),
          now,
          deadline,
          deadline,
          owner,
          now,
          lanes.map((lane) => lane.recipientTenantId),
          now
        ]
      )
      const claimed = rows.filter((row) => row.id !== null)
      // The statement sees its own leases as they were before: due.
      const dueMs = [rows[0]?.nextDue?.getTime(), claimed.length > 0 ? leaseDeadlineMs : undefined]
      const known = dueMs.filter((ms) => ms !== undefined)
      return { claimed, nextDueMs: known.length === 0 ? undefined : Math.min(...known) }
    },

    /**
     * Writes what became of a delivery, if the lease is still ours, and makes what waits behind it due with
     * it (at once after the end, with the retry otherwise).
     *
     * @returns whether the lease was ours, and whether something waits behind it
     */
    async finish(
      delivery: ClaimedDelivery,
      outcome: {
        state: 'PENDING' | 'DELIVERED' | 'FAILED'
        statusCode: number | undefined
        processAtMs: number
      }
    ): Promise<{ isDone: boolean; hasFollowers: boolean }> {
      const now = new Date(clock.nowMs())
      const processAt = new Date(outcome.processAtMs)
      const { rows } = await database.knex.raw<{ rows: [{ isDone: boolean; hasFollowers: boolean }] }>(
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
           RETURNING w.id
         )
         SELECT EXISTS (SELECT 1 FROM done) AS "isDone", EXISTS (SELECT 1 FROM followers) AS "hasFollowers"`,
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
      return rows[0]
    }
  }
}

export type DeliveryStore = ReturnType<typeof createDeliveryStore>
