import { idToUuid, uuidToId } from '../runtime/index.ts'
import type { Clock, Database, Logger, Random, Timer } from '../runtime/index.ts'

/** A process says that it lives this often, and counts as dead when it has not for the lease and the skew. */
export const INCARNATION_LEASE_MS = 90_000
export const INCARNATION_RENEWAL_MS = 30_000
export const CLOCK_SKEW_MS = 5_000

/**
 * This process among those that share the database. Packets that it reserves carry its id, so that another
 * can void what it leaves behind when it dies.
 */
export interface Incarnation {
  readonly id: bigint
  /** True when the process is known to have ended, or has not renewed its lease, or was forgotten. */
  isDead(id: bigint): Promise<boolean>
  /** Every dead one that was not forgotten: what it reserved is still to be looked at. */
  dead(): Promise<bigint[]>
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
          logger.warn({ err: error }, "this process's lease could not be renewed; it will be tried again")
        })
        .then(() => {
          if (!stopped) scheduleRenewal()
        })
    })
  }

  return {
    id,
    async isDead(other) {
      if (other === id) return false
      const row = await rows()
        .where({ id: idToUuid(other) })
        .first()
      return row === undefined || row.leaseDeadline < deadSince()
    },
    async dead() {
      const found = await rows().where('leaseDeadline', '<', deadSince()).orderBy('id')
      return found.map((row) => uuidToId(row.id)).filter((other) => other !== id)
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
