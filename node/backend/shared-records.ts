import type { Cache, Clock, Logger, Timer } from '../runtime/index.ts'

/**
 * How long the cache may take to answer; beyond it counts as silent. What this process itself is late counts not: an
 * answer that came while it had no time to read it is read first.
 */
export const CACHE_ANSWER_MS = 250
/** After the cache failed, it is not tried again for so long. */
export const CACHE_PAUSE_MS = 1_000

/** Records of the cache to which each process writes one field of its own. */
export interface SharedRecords {
  /**
   * Writes this process's field and tells all fields as they were before; undefined where the cache does not answer
   * in time, or did not a moment ago: then it may be written all the same. Never rejects.
   */
  exchange(key: string, value: string): Promise<ReadonlyMap<string, string> | undefined>
}

/** @param silence what is logged when the cache does not answer */
export function createSharedRecords({
  cache,
  clock,
  logger,
  field,
  ttlMs,
  silence
}: {
  cache: Pick<Cache, 'shareField'>
  clock: Clock
  logger: Logger
  field: string
  ttlMs: number
  silence: { event: string; message: string }
}): SharedRecords {
  let restsUntilMs = -Infinity

  async function inTime<T>(work: Promise<T>): Promise<T> {
    let timer: Timer | undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      const giveUp = () => reject(new Error(`the cache did not answer within ${CACHE_ANSWER_MS} ms`))
      // Timers come before sockets: the second one lets these be read in between.
      timer = clock.setTimer(CACHE_ANSWER_MS, () => (timer = clock.setTimer(0, giveUp)))
    })
    try {
      return await Promise.race([work, timeout])
    } finally {
      timer?.cancel()
    }
  }

  return {
    async exchange(key, value) {
      if (clock.monotonicMs() < restsUntilMs) return undefined
      try {
        return await inTime(cache.shareField(key, field, value, ttlMs))
      } catch (error) {
        restsUntilMs = clock.monotonicMs() + CACHE_PAUSE_MS
        logger.warn({ err: error, event: silence.event }, silence.message)
        return undefined
      }
    }
  }
}
