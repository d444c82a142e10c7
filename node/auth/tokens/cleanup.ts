import type { Timer } from '../../runtime/index.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { deleteExpiredTokens, findFirstExpiry } from './store.ts'

/** Tokens that one statement deletes at most. */
export const CLEANUP_BATCH_SIZE = 1_000
/** After a failed clean-up the next one comes after this long, then twice as long, up to the limit. */
export const CLEANUP_RETRY_MS = 1_000
export const MAX_CLEANUP_RETRY_MS = 300_000
/** A clean-up never follows another sooner: tokens that expire one by one are deleted together. */
export const MIN_CLEANUP_INTERVAL_MS = 60_000

const DAY_MS = 86_400_000

export interface TokenCleanup {
  start(): void
  stop(): Promise<void>
}

/**
 * Deletes access tokens `ACCESS_TOKEN_DELETION_DAYS` after they expired. It does not poll: one timer waits for
 * the token that is due first, and no longer than a token that does not exist yet could need.
 */
export function createTokenCleanup({ config, clock, logger, database }: AuthDependencies): TokenCleanup {
  const keptMs = config.ACCESS_TOKEN_DELETION_DAYS * DAY_MS
  let timer: Timer | undefined
  let running: Promise<void> = Promise.resolve()
  let failures = 0
  let stopped = false

  async function cleanUp(): Promise<void> {
    try {
      const nextMs = await deleteDue()
      failures = 0
      schedule(nextMs)
    } catch (error) {
      if (stopped) return
      logger.warn({ err: error }, 'expired access tokens could not be deleted; it is tried again')
      schedule(Math.min(CLEANUP_RETRY_MS * 2 ** failures++, MAX_CLEANUP_RETRY_MS))
    }
  }

  /** Gives the time until the next clean-up. */
  async function deleteDue(): Promise<number> {
    for (;;) {
      const deleted = await deleteExpiredTokens(
        database.knex,
        new Date(clock.nowMs() - keptMs),
        CLEANUP_BATCH_SIZE
      )
      if (deleted > 0) logger.debug({ deleted }, 'expired access tokens were deleted')
      if (deleted < CLEANUP_BATCH_SIZE || stopped) break
    }
    const newTokenMs = config.ACCESS_TOKEN_EXPIRY_SECONDS * 1000 + keptMs
    const first = await findFirstExpiry(database.knex)
    const firstMs = first === undefined ? newTokenMs : first.getTime() + keptMs - clock.nowMs()
    return Math.max(MIN_CLEANUP_INTERVAL_MS, Math.min(firstMs, newTokenMs))
  }

  function schedule(delayMs: number): void {
    if (stopped) return
    timer = clock.setTimer(delayMs, () => {
      running = cleanUp()
    })
  }

  return {
    start() {
      if (config.DATABASE_CLEANUP_WORKERS > 0) running = cleanUp()
    },
    async stop() {
      stopped = true
      timer?.cancel()
      await running
    }
  }
}
