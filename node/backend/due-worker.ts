import type { Clock, Logger, Timer } from '../runtime/index.ts'

/**
 * Runs a worker's rounds without polling: when woken, and when the next row is due. A round never overlaps
 * another; wake-ups during a round lead to one more. A slow sweep covers a notification that got lost.
 */
export interface DueWorker {
  wake(): void
  /** Something is due at this time: cheaper than `wake`, which costs a round at once. */
  wakeAt(atMs: number): void
  /** Starts with a round. */
  start(): void
  /** No further round; resolves when the running one ended. */
  stop(): Promise<void>
}

/** Rows are looked for this often, whatever notifications say. */
export const WORKER_SWEEP_MS = 60_000
/** After a failed round, first after this long, then twice as long, up to the limit. */
export const ROUND_RETRY_MS = 250
export const MAX_ROUND_RETRY_MS = 30_000

export function createDueWorker({
  clock,
  logger,
  name,
  round
}: {
  clock: Clock
  logger: Logger
  name: string
  /** Does what is due; answers when the next thing is (milliseconds since the epoch), if anything waits. */
  round(): Promise<number | undefined>
}): DueWorker {
  let running: Promise<void> | undefined
  let wokenAgain = false
  let stopped = true
  let timer: Timer | undefined
  /** When the timer fires. */
  let timerMs = Infinity
  /** The earliest time that `wakeAt` named during a round. */
  let namedMs = Infinity
  let failures = 0

  function arm(atMs: number): void {
    timer?.cancel()
    timerMs = atMs
    timer = clock.setTimer(Math.max(0, atMs - clock.nowMs()), wake)
  }

  function wake(): void {
    if (stopped) return
    if (running) {
      wokenAgain = true
      return
    }
    timer?.cancel()
    timerMs = Infinity
    namedMs = Infinity
    wokenAgain = false
    running = round()
      .then(
        (nextDueMs) => {
          failures = 0
          return Math.min(nextDueMs ?? Infinity, clock.nowMs() + WORKER_SWEEP_MS)
        },
        (error: unknown) => {
          logger.warn({ err: error, worker: name }, 'a round of a worker failed and will be repeated')
          return clock.nowMs() + Math.min(ROUND_RETRY_MS * 2 ** failures++, MAX_ROUND_RETRY_MS)
        }
      )
      .then((atMs) => {
        running = undefined
        if (stopped) return
        if (wokenAgain && failures === 0) wake()
        else arm(failures > 0 ? atMs : Math.min(atMs, namedMs))
      })
  }

  return {
    wake,
    wakeAt(atMs) {
      if (stopped) return
      if (running) namedMs = Math.min(namedMs, atMs)
      else if (atMs < timerMs) arm(atMs)
    },
    start() {
      stopped = false
      wake()
    },
    async stop() {
      stopped = true
      timer?.cancel()
      await running
    }
  }
}
