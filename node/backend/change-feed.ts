import type { Clock, Database, Logger, Timer } from '../runtime/index.ts'
import type { Channel } from './model.ts'

/**
 * Keeps an in-process directory right: it loads everything once, then reads afresh what notifications name,
 * and everything again when some may have been missed. Reads run one after another, so an older one never
 * overwrites a newer.
 */
export interface ChangeFeed {
  /** Listens, then loads everything: nothing is lost in between. */
  start(): Promise<void>
  /** Reads one entry afresh: for the process that changed it, before its call returns. */
  refresh(id: string): Promise<void>
  stop(): Promise<void>
}

/** A notification can be lost (a restarted database, a bug elsewhere): everything is read again this often. */
export const SAFETY_SWEEP_MS = 300_000
/** After a failed read everything is read again, first after this long, then twice as long, up to the limit. */
export const RELOAD_RETRY_MS = 500
export const MAX_RELOAD_RETRY_MS = 30_000

const EVERYTHING = '*'

export function createChangeFeed({
  database,
  clock,
  logger,
  channel,
  loadAll,
  loadOne
}: {
  database: Database
  clock: Clock
  logger: Logger
  channel: Channel
  /** Replaces the directory's content. */
  loadAll(): Promise<void>
  /** Reads one entry afresh; removes it where it is gone. */
  loadOne(id: string): Promise<void>
}): ChangeFeed {
  /** Reads that were asked for and have not started: a second request for the same joins it. */
  const queued = new Map<string, Promise<void>>()
  let tail: Promise<unknown> = Promise.resolve()
  let unlisten: (() => Promise<void>) | undefined
  let timer: Timer | undefined
  let failures = 0
  let stopped = false

  function enqueue(key: string): Promise<void> {
    const waiting = queued.get(key)
    if (waiting) return waiting
    const run = tail.then(async () => {
      queued.delete(key)
      if (stopped) return
      if (key === EVERYTHING) await loadAll()
      else await loadOne(key)
    })
    queued.set(key, run)
    // Whoever asked gets the failure; the next read starts whatever became of this one.
    tail = run.then(
      () => undefined,
      () => undefined
    )
    return run
  }

  function readInBackground(key: string): void {
    enqueue(key).then(
      () => {
        if (key !== EVERYTHING) return
        failures = 0
        schedule(SAFETY_SWEEP_MS)
      },
      (error: unknown) => {
        if (stopped) return
        logger.warn(
          { err: error, channel, key },
          'a changed entry could not be read; everything is read again'
        )
        schedule(Math.min(RELOAD_RETRY_MS * 2 ** failures++, MAX_RELOAD_RETRY_MS))
      }
    )
  }

  function schedule(delayMs: number): void {
    timer?.cancel()
    if (!stopped) timer = clock.setTimer(delayMs, () => readInBackground(EVERYTHING))
  }

  return {
    async start() {
      unlisten = await database.listen(channel, readInBackground, () => readInBackground(EVERYTHING))
      await enqueue(EVERYTHING)
      schedule(SAFETY_SWEEP_MS)
    },
    refresh: enqueue,
    async stop() {
      stopped = true
      timer?.cancel()
      await unlisten?.()
      await tail
    }
  }
}
