import type { Knex } from 'knex'
import type { Clock, Database, Logger, Timer } from '../../runtime/index.ts'
import { Channel, notify } from '../model.ts'
import type { Transaction } from '../model.ts'
import { LeaseLostError } from './errors.ts'
import { TABLE } from './store.ts'
import type { OutgoingPaymentRow } from './store.ts'

/** How long a lease lasts without being renewed. */
export const LEASE_MS = 10_000
export const LEASE_RENEWAL_MS = 3_000
/** Clocks of processes may differ by so much: others wait so much longer before they take a lease over. */
export const CLOCK_SKEW_MS = 5_000

/**
 * The right to work on a payment:
 *
 *   free ──take (epoch + 1)──▶ held ──renew──▶ held ──release, end──▶ free
 *                                │
 *                                └──deadline + skew──▶ free for the next (its holder is dead or paused)
 *
 * `processAt` of a held row is the time at which another may take it, so one index finds both what is due and
 * what was abandoned. `signal` aborts when the lease is lost, or the process stops.
 */
export interface Lease {
  readonly payment: OutgoingPaymentRow
  readonly epoch: number
  readonly signal: AbortSignal
}

export interface Leases {
  /** Takes up to `limit` payments that are due, and tells when the next one will be that was not due now. */
  take(limit: number): Promise<{ taken: Lease[]; nextDueMs: number | undefined }>
  /**
   * Takes a payment that nobody has held yet; undefined where somebody does, or it is not SENDING. Others hear when it
   * would be theirs: all that they have to know of it.
   */
  takeNew(paymentId: string): Promise<Lease | undefined>
  /** Changes the payment's row, as its holder. @throws LeaseLostError when another holds it */
  write(lease: Lease, values: Partial<OutgoingPaymentRow>, trx?: Transaction): Promise<void>
  /** What `write` does, for statements that do more than that: it changes no row when another holds the lease. */
  writing(knex: Knex, lease: Lease, values: Partial<OutgoingPaymentRow>): Knex.QueryBuilder<object, number>
  /** Gives the payment back, to be looked at again at a time. @throws LeaseLostError */
  release(lease: Lease, processAt: Date, values?: Partial<OutgoingPaymentRow>): Promise<void>
  /** Called with the time at which a payment that was released is due: sooner than its lease would have run out. */
  onRelease(handler: (dueMs: number) => void): void
  /** The lease is over: its payment was released or ended. */
  forget(lease: Lease): void
  /** Aborts all leases: their holders stop sending. */
  abort(): void
  stop(): void
}

interface HeldLease extends Lease {
  controller: AbortController
  deadlineMs: number
}

export function createLeases({
  database,
  clock,
  logger,
  ownerId
}: {
  database: Database
  clock: Clock
  logger: Logger
  /** This process: its incarnation. */
  ownerId: string
}): Leases {
  const held = new Set<HeldLease>()
  let released: ((dueMs: number) => void) | undefined
  let timer: Timer | undefined

  function times() {
    const deadlineMs = clock.nowMs() + LEASE_MS
    return { deadlineMs, deadline: new Date(deadlineMs), takeover: new Date(deadlineMs + CLOCK_SKEW_MS) }
  }

  function lose(lease: HeldLease, reason: string): void {
    held.delete(lease)
    logger.warn({ outgoingPaymentId: lease.payment.id, epoch: lease.epoch }, reason)
    lease.controller.abort(new LeaseLostError(reason))
  }

  /** One statement renews all leases of this process. */
  async function renew(): Promise<void> {
    const leases = [...held]
    const { deadlineMs, deadline, takeover } = times()
    try {
      const { rows } = await database.knex.raw<{ rows: { id: string; epoch: number }[] }>(
        `UPDATE "${TABLE}" AS payment SET "leaseDeadline" = ?, "processAt" = ?
         FROM unnest(?::uuid[], ?::integer[]) AS lease (id, epoch)
         WHERE payment.id = lease.id AND payment."leaseEpoch" = lease.epoch
           AND payment.state = 'SENDING' AND payment."leaseOwner" = ?
         RETURNING payment.id, payment."leaseEpoch" AS epoch`,
        [
          deadline,
          takeover,
          leases.map((lease) => lease.payment.id),
          leases.map((lease) => lease.epoch),
          ownerId
        ] as never
      )
      const renewed = new Set(rows.map((row) => `${row.id} ${row.epoch}`))
      for (const lease of leases) {
        if (renewed.has(`${lease.payment.id} ${lease.epoch}`)) lease.deadlineMs = deadlineMs
        else if (held.has(lease)) lose(lease, 'another process holds the lease of a payment')
      }
    } catch (error) {
      logger.warn({ err: error }, 'leases could not be renewed')
    }
  }

  function schedule(): void {
    if (timer || held.size === 0) return
    timer = clock.setTimer(LEASE_RENEWAL_MS, () => {
      const nowMs = clock.nowMs()
      for (const lease of [...held]) {
        if (lease.deadlineMs <= nowMs) lose(lease, 'the lease of a payment ran out')
      }
      timer = undefined
      if (held.size === 0) return
      // The timer is set before the answer comes: a database that hangs must not keep leases alive.
      schedule()
      void renew()
    })
  }

  function hold(payment: OutgoingPaymentRow, deadlineMs: number): HeldLease {
    const controller = new AbortController()
    const lease = { payment, epoch: payment.leaseEpoch, signal: controller.signal, controller, deadlineMs }
    held.add(lease)
    return lease
  }

  function writing(
    knex: Knex,
    lease: Lease,
    values: Partial<OutgoingPaymentRow>
  ): Knex.QueryBuilder<object, number> {
    return knex(TABLE)
      .where({ id: lease.payment.id, leaseEpoch: lease.epoch, state: 'SENDING' })
      .update({ ...values, updatedAt: new Date(clock.nowMs()) })
  }

  async function write(lease: Lease, values: Partial<OutgoingPaymentRow>, trx?: Transaction): Promise<void> {
    const changed = await writing(trx ?? database.knex, lease, values)
    if (changed !== 1) throw leaseLost(lease)
  }

  function forget(lease: Lease): void {
    held.delete(lease as HeldLease)
  }

  return {
    async take(limit) {
      const { deadlineMs, deadline, takeover } = times()
      const now = new Date(clock.nowMs())
      const { rows } = await database.knex.raw<{ rows: (OutgoingPaymentRow & { nextDue: Date | null })[] }>(
        `WITH due AS (
           SELECT id FROM "${TABLE}" WHERE "processAt" <= ? AND state = 'SENDING'
           ORDER BY "processAt" LIMIT ? FOR UPDATE SKIP LOCKED
         ), taken AS (
           UPDATE "${TABLE}" AS payment
           SET "leaseOwner" = ?, "leaseEpoch" = payment."leaseEpoch" + 1, "leaseDeadline" = ?, "processAt" = ?
           FROM due WHERE payment.id = due.id
           RETURNING payment.*
         )
         SELECT taken.*, next.due AS "nextDue"
         FROM (SELECT min("processAt") AS due FROM "${TABLE}" WHERE "processAt" > ?) AS next
         LEFT JOIN taken ON true`,
        [now, limit, ownerId, deadline, takeover, now]
      )
      const nextDueMs = rows[0]?.nextDue?.getTime()
      const taken = rows
        .filter((row) => row.id !== null)
        .map(({ nextDue: _, ...payment }) => hold(payment, deadlineMs))
      schedule()
      // The statement does not see its own leases: another process may take them over then.
      if (taken.length === 0) return { taken, nextDueMs }
      return { taken, nextDueMs: Math.min(nextDueMs ?? Infinity, takeover.getTime()) }
    },
    async takeNew(paymentId) {
      const { deadlineMs, deadline, takeover } = times()
      const { rows } = await database.knex.raw<{ rows: (OutgoingPaymentRow & { told: string })[] }>(
        `WITH taken AS (
           UPDATE "${TABLE}" SET "leaseOwner" = ?, "leaseEpoch" = 1, "leaseDeadline" = ?, "processAt" = ?
           WHERE id = ? AND state = 'SENDING' AND "leaseEpoch" = 0
           RETURNING *
         )
         SELECT taken.*, pg_notify(?, ?) AS told FROM taken`,
        [
          ownerId,
          deadline,
          takeover,
          paymentId,
          Channel.OUTGOING_PAYMENT_DUE,
          `${paymentId} ${takeover.getTime()}`
        ]
      )
      if (rows[0] === undefined) return undefined
      const { told: _, ...payment } = rows[0]
      const lease = hold(payment, deadlineMs)
      schedule()
      return lease
    },
    write,
    writing,
    async release(lease, processAt, values = {}) {
      await database.transaction(async (trx) => {
        await write(lease, { ...values, leaseOwner: null, leaseDeadline: null, processAt }, trx)
        if (processAt.getTime() <= clock.nowMs())
          await notify(trx, Channel.OUTGOING_PAYMENT_DUE, lease.payment.id)
      })
      forget(lease)
      released?.(processAt.getTime())
    },
    onRelease(handler) {
      released = handler
    },
    forget,
    abort() {
      for (const { controller } of held)
        controller.abort(new LeaseLostError('the node stops', { isStopping: true }))
    },
    stop() {
      timer?.cancel()
      held.clear()
    }
  }
}

/** What a holder is told whose write changed no row. */
export function leaseLost({ payment }: Lease): LeaseLostError {
  return new LeaseLostError(`payment ${payment.id} has another holder`)
}
