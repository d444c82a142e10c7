import type { Clock, Logger, Timer } from '../runtime/index.ts'
import type { Ledger } from './model.ts'

/** How long the balances of an expired reservation may stay held: seldom matters, for most are voided at once. */
export const DEFAULT_SWEEP_INTERVAL_MS = 60_000

export interface ExpirySweeper {
  /** Ends after the sweep that is under way. */
  stop(): Promise<void>
}

/**
 * Frees what expired, once at the start and then at an interval: reservations that a dead process left behind.
 * A sweep that fails is logged and made up for by the next.
 */
export function startExpirySweeper({
  ledger,
  clock,
  logger,
  intervalMs = DEFAULT_SWEEP_INTERVAL_MS
}: {
  ledger: Pick<Ledger, 'sweepExpired'>
  clock: Pick<Clock, 'setTimer'>
  logger: Logger
  intervalMs?: number
}): ExpirySweeper {
  let stopped = false
  let timer: Timer | undefined
  let sweeping = sweep()

  async function sweep(): Promise<void> {
    try {
      await ledger.sweepExpired()
    } catch (error) {
      logger.error({ err: error }, 'expired reservations could not be freed; the next sweep tries again')
    }
    if (stopped) return
    timer = clock.setTimer(intervalMs, () => {
      sweeping = sweep()
    })
  }

  return {
    async stop() {
      stopped = true
      timer?.cancel()
      await sweeping
    }
  }
}
