import type { Ledger } from '../ledger/index.ts'
import type { Clock, Logger } from '../runtime/index.ts'
import { createDueWorker } from './due-worker.ts'
import type { DueWorker } from './due-worker.ts'

/**
 * Balances that expired reservations hold are freed this often: well within the 10 s after the longest timeout in
 * which a node comes to rest. One statement on an index of what is reserved.
 */
export const LEDGER_SWEEP_MS = 5_000

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
      await ledger.sweepExpired()
      return clock.nowMs() + LEDGER_SWEEP_MS
    }
  })
}
