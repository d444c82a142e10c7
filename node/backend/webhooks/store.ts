import type { Clock, Database } from '../../runtime/index.ts'
import type { Receiver, WebhookEventType } from './model.ts'
import type { DueLane } from './places.ts'

/** A delivery that this process holds a lease on. */
export interface ClaimedDelivery {
  id: string
  leaseEpoch: number
  leaseDeadlineMs: number
  attempts: number
  /** It was tried before. */
  isRepeat: boolean
  receiver: Receiver
  /** Whose settings hold for it. */
  recipientTenantId: string
  eventId: string
  type: WebhookEventType
  data: Record<string, unknown>
}

/** Deliveries that one statement defers; the others follow with the next. */
export const MAX_DEFERRED = 1_000

/** SQL of deliveries. */
export function createDeliveryStore({ database, clock }: { database: Database; clock: Clock }) {
  return {
    /**
     * The lanes that something is due in, by one look each however many rows wait, and when the next is due.
     * Some of what is due may have to wait behind an earlier one of its resource.
     */
    async look(): Promise<{ due: DueLane[]; nextDueMs: number | undefined }> {
      const now = new Date(clock.nowMs())
      interface LaneRow {
        receiver: Receiver
        isRepeat: boolean
        dueSince: Date | null
        nextDue: Date | null
      }
      const { rows } = await database.knex.raw<{ rows: LaneRow[] }>(
        `WITH RECURSIVE one AS (
           (SELECT receiver FROM webhooks WHERE state = 'PENDING' ORDER BY receiver LIMIT 1)
           UNION ALL
           SELECT (SELECT w.receiver FROM webhooks w
                   WHERE w.state = 'PENDING' AND w.receiver > one.receiver ORDER BY w.receiver LIMIT 1)
           FROM one WHERE one.receiver IS NOT NULL
         )
         SELECT one.receiver, lane."isRepeat",
           (SELECT w."processAt" FROM webhooks w
            WHERE w.receiver = one.receiver AND (w.attempts > 0) = lane."isRepeat" AND w.state = 'PENDING'
              AND w."processAt" <= ?
            ORDER BY w."processAt" LIMIT 1) AS "dueSince",
           (SELECT w."processAt" FROM webhooks w
            WHERE w.receiver = one.receiver AND (w.attempts > 0) = lane."isRepeat" AND w.state = 'PENDING'
              AND w."processAt" > ?
            ORDER BY w."processAt" LIMIT 1) AS "nextDue"
         FROM one CROSS JOIN (VALUES (false), (true)) AS lane ("isRepeat")
         WHERE one.receiver IS NOT NULL`,
        [now, now]
      )
      const due = rows.flatMap(({ receiver, isRepeat, dueSince }) =>
        dueSince === null ? [] : [{ receiver, isRepeat, dueSinceMs: dueSince.getTime() }]
      )
      const nextDueMs = Math.min(...rows.map(({ nextDue }) => nextDue?.getTime() ?? Infinity))
      return { due, nextDueMs: nextDueMs === Infinity ? undefined : nextDueMs }
    },

    /**
     * Takes leases on due deliveries, at most `free` of a lane. Only the oldest pending delivery of a receiver
     * and resource is taken; what waits behind it is looked at again when the lease ends. (The arrays are
     * subselects: a plan that knew how long they are would seem better than the general one, and be made for
     * each call, which takes three times as long as running it.)
     */
    async claim(
      owner: string,
      lanes: readonly (DueLane & { free: number })[],
      leases: { endMs: number; slow: readonly { tenantId: string; endMs: number }[] }
    ): Promise<ClaimedDelivery[]> {
      const now = new Date(clock.nowMs())
      const { rows } = await database.knex.raw<{
        rows: (Omit<ClaimedDelivery, 'leaseDeadlineMs'> & { leaseDeadline: Date })[]
      }>(
        `WITH head AS (
           SELECT due.id, due.receiver, due."resourceKey", coalesce(slow."leaseEnd", ?::timestamptz) AS "leaseEnd"
           FROM unnest((SELECT ?::text[]), (SELECT ?::boolean[]), (SELECT ?::int[])) AS lane (receiver, "isRepeat", free)
           CROSS JOIN LATERAL (
             SELECT id, receiver, "resourceKey", "recipientTenantId"
             FROM webhooks w
             WHERE w.receiver = lane.receiver AND (w.attempts > 0) = lane."isRepeat" AND w.state = 'PENDING'
               AND w."processAt" <= ?
               AND NOT EXISTS (
                 SELECT 1 FROM webhooks earlier
                 WHERE earlier.receiver = w.receiver AND earlier."resourceKey" = w."resourceKey"
                   AND earlier.sequence < w.sequence AND earlier.state = 'PENDING'
               )
             ORDER BY w."processAt", w.sequence
             LIMIT lane.free
             FOR UPDATE SKIP LOCKED
           ) due
           LEFT JOIN unnest((SELECT ?::uuid[]), (SELECT ?::timestamptz[])) AS slow ("tenantId", "leaseEnd")
             ON slow."tenantId" = due."recipientTenantId"
         ), claimed AS (
           UPDATE webhooks w
           SET "processAt" = head."leaseEnd", "leaseDeadline" = head."leaseEnd", "leaseOwner" = ?, "updatedAt" = ?,
               "leaseEpoch" = w."leaseEpoch" + (w.id = head.id)::int
           FROM head
           WHERE w.receiver = head.receiver AND w."resourceKey" = head."resourceKey" AND w.state = 'PENDING'
           RETURNING w.*, w.id = head.id AS "isHead"
         )
         SELECT claimed.id, claimed."eventId", claimed."leaseEpoch", claimed."leaseDeadline", claimed.attempts,
           claimed.attempts > 0 AS "isRepeat", claimed.receiver, claimed."recipientTenantId", event.type, event.data
         FROM claimed JOIN "webhookEvents" event ON event.id = claimed."eventId"
         WHERE claimed."isHead"
         ORDER BY event.sequence`,
        [
          new Date(leases.endMs),
          lanes.map(({ receiver }) => receiver),
          lanes.map(({ isRepeat }) => isRepeat),
          lanes.map(({ free }) => free),
          now,
          leases.slow.map(({ tenantId }) => tenantId),
          leases.slow.map(({ endMs }) => new Date(endMs)),
          owner,
          now
        ]
      )
      return rows.map(({ leaseDeadline, ...row }) => ({ ...row, leaseDeadlineMs: leaseDeadline.getTime() }))
    },

    /**
     * Lets what is due behind a delivery that waits for its next attempt wait as long, so that rounds do not
     * find it again and again. Only behind one without a lease: whose outcome may be on its way, moves its
     * followers itself.
     */
    async defer(receiver: Receiver): Promise<void> {
      const now = new Date(clock.nowMs())
      await database.knex.raw(
        `UPDATE webhooks w SET "processAt" = head."processAt"
         FROM (
           SELECT id, receiver, "resourceKey", sequence FROM webhooks
           WHERE receiver = ? AND attempts = 0 AND state = 'PENDING' AND "processAt" <= ?
           ORDER BY "processAt" LIMIT ?
           FOR UPDATE SKIP LOCKED
         ) due
         CROSS JOIN LATERAL (
           SELECT earlier."processAt", earlier."leaseOwner" FROM webhooks earlier
           WHERE earlier.receiver = due.receiver AND earlier."resourceKey" = due."resourceKey"
             AND earlier.sequence < due.sequence AND earlier.state = 'PENDING'
           ORDER BY earlier.sequence LIMIT 1
         ) head
         WHERE w.id = due.id AND head."leaseOwner" IS NULL AND head."processAt" > ?`,
        [receiver, now, MAX_DEFERRED, now]
      )
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
        problem: string | undefined
        processAtMs: number
      }
    ): Promise<{ isDone: boolean; hasFollowers: boolean }> {
      const now = new Date(clock.nowMs())
      const processAt = new Date(outcome.processAtMs)
      const { rows } = await database.knex.raw<{ rows: [{ isDone: boolean; hasFollowers: boolean }] }>(
        `WITH done AS (
           UPDATE webhooks
           SET state = ?, attempts = attempts + 1, "statusCode" = ?, "lastError" = ?, "processAt" = ?,
               "updatedAt" = ?, "leaseOwner" = NULL, "leaseDeadline" = NULL
           WHERE id = ? AND "leaseEpoch" = ? AND state = 'PENDING'
           RETURNING id, receiver, "resourceKey"
         ), followers AS (
           UPDATE webhooks w SET "processAt" = ?
           FROM done
           WHERE w.receiver = done.receiver AND w."resourceKey" = done."resourceKey"
             AND w.state = 'PENDING' AND w.id <> done.id
           RETURNING w.id
         )
         SELECT EXISTS (SELECT 1 FROM done) AS "isDone", EXISTS (SELECT 1 FROM followers) AS "hasFollowers"`,
        [
          outcome.state,
          outcome.statusCode ?? null,
          outcome.problem ?? null,
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
