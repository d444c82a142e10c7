import type { Ledger } from '../ledger/index.ts'
import type { Clock, Logger } from '../runtime/index.ts'
import { createDueWorker } from './due-worker.ts'
import type { DueWorker } from './due-worker.ts'

/**
 * Balances that expired reservations hold are freed so long after the first of them expired: well within the 10 s
 * after the longest timeout in which a node comes to rest.
 */
export const LEDGER_SWEEP_DELAY_MS = 5_000
/**
 * Looked at least this often for what is reserved, which is the shortest timeout of a packet's reservation: so the end
 * of each is known before it comes. A two-phase withdrawal may have a shorter one, and ends at most this much later.
 */
export const LEDGER_SWEEP_INTERVAL_MS = 60_000

/** Frees what expired: packets of a process that died, two-phase withdrawals that nobody finished. */
export function createLedgerSweep({
  ledger,
  clock,
  logger
}: {
  ledger: Pick<Ledger, 'sweepExpired'>
  clock: Clock
  logger: Logger
}): DueWorker {
  return createDueWorker({
    clock,
    logger,
    name: 'ledger sweep',
    async round() {
      const nextMs = (await ledger.sweepExpired()) ?? Infinity
      return Math.min(nextMs + LEDGER_SWEEP_DELAY_MS, clock.nowMs() + LEDGER_SWEEP_INTERVAL_MS)
    }
  })
}
