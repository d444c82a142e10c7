import { idToUuid, uuidToId } from '../runtime/index.ts'
import type { Clock, Database, Logger, Random, Timer } from '../runtime/index.ts'

/**
 * A process says that it lives this often, and counts as dead when it has not for the lease and the skew: so what it
 * left is found before the ledger's timeout of a packet's reservation ends it (`reservationMarginS`).
 */
export const INCARNATION_LEASE_MS = 45_000
export const INCARNATION_RENEWAL_MS = 20_000
export const CLOCK_SKEW_MS = 5_000

/**
 * This process among those that share the database. Packets that it reserves carry its id, so that another
 * can void what it leaves behind when it dies.
 */
export interface Incarnation {
  readonly id: bigint
  /**
   * Every dead one that was not forgotten: what it reserved is still to be looked at. None for a lease's length after
   * this process could not renew its own: the others met the same outage, and have still to say that they live.
   */
  dead(): Promise<bigint[]>
  /** No other process has a lease. */
  isAlone(): Promise<boolean>
  /** Nothing of a dead one is left in the ledger. */
  forget(id: bigint): Promise<void>
  /** Registers, before anything is reserved. */
  start(): Promise<void>
  /** Ends the lease: whatever is left behind may be voided at once. */
  stop(): Promise<void>
}

export function createIncarnation({
  database,
  clock,
  random,
  logger
}: {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
}): Incarnation {
  const id = random.orderedId()
  let timer: Timer | undefined
  let renewing: Promise<void> | undefined
  let stopped = false
  /** Until then this process judges nobody. */
  let judgesFromMs = -Infinity

  const deadline = () => new Date(clock.nowMs() + INCARNATION_LEASE_MS)
  const deadSince = () => new Date(clock.nowMs() - CLOCK_SKEW_MS)
  const rows = () => database.knex<{ id: string; leaseDeadline: Date; createdAt: Date }>('incarnations')

  async function register(): Promise<void> {
    await rows()
      .insert({ id: idToUuid(id), leaseDeadline: deadline(), createdAt: new Date(clock.nowMs()) })
      .onConflict('id')
      .merge({ leaseDeadline: deadline() })
  }

  function scheduleRenewal(): void {
    timer = clock.setTimer(INCARNATION_RENEWAL_MS, () => {
      renewing = register()
        .catch((error: unknown) => {
          judgesFromMs = clock.monotonicMs() + INCARNATION_LEASE_MS
          logger.warn({ err: error }, "this process's lease could not be renewed; it will be tried again")
        })
        .then(() => {
          if (!stopped) scheduleRenewal()
        })
    })
  }

  return {
    id,
    async dead() {
      if (clock.monotonicMs() < judgesFromMs) return []
      const found = await rows().where('leaseDeadline', '<', deadSince()).orderBy('id')
      return found.map((row) => uuidToId(row.id)).filter((other) => other !== id)
    },
    async isAlone() {
      const other = await rows()
        .where('leaseDeadline', '>=', deadSince())
        .whereNot({ id: idToUuid(id) })
        .first()
      return other === undefined
    },
    async forget(other) {
      await rows()
        .where({ id: idToUuid(other) })
        .where('leaseDeadline', '<', deadSince())
        .delete()
    },
    async start() {
      await register()
      scheduleRenewal()
    },
    async stop() {
      stopped = true
      timer?.cancel()
      await renewing
      await rows()
        .where({ id: idToUuid(id) })
        .update({ leaseDeadline: new Date(0) })
    }
  }
}
