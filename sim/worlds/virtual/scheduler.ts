import { currentOwner, leftBehind, runAs } from './owner.ts'
import type { Owner } from './owner.ts'
import type { EventLog } from './event-log.ts'
import { createTimerHeap } from './timer-heap.ts'
import type { ScheduledEvent } from './timer-heap.ts'

// The real ones, taken before the globals are patched.
const setRealImmediate = globalThis.setImmediate

/** Where every world's time starts. A fixed date: what happens follows from the seed alone. */
export const WORLD_START_MS = Date.UTC(2026, 0, 1)

/** Rounds of the real event loop that bring nothing new before time moves on. */
const QUIET_ROUNDS = 2
/** Rounds of the real event loop at one instant; more means that code polls instead of waiting. */
export const MAX_ROUNDS_PER_INSTANT = 200_000
/** Simulated time that one `run` may take unless told otherwise. */
export const DEFAULT_RUN_LIMIT_MS = 7 * 24 * 3_600_000

export interface Scheduler {
  /** The world's wall-clock time, in milliseconds since the Unix epoch. */
  nowMs(): number
  /**
   * Calls `callback` as code of `owner` (default: whoever asks) after `delayMs`. Events of one due time are
   * called in the order in which they were asked for. An event of `null` is nobody's: no kill drops it.
   */
  after(
    delayMs: number,
    callback: () => void,
    options?: { owner?: Owner | null; logged?: string }
  ): ScheduledEvent
  cancel(event: ScheduledEvent): void
  /** Tells that something happened: time stands still until two rounds of the event loop bring nothing new. */
  touch(): void
  /**
   * Before time moves on, `blocker` says whether it must not: `wait` when something is still under way outside of the
   * simulation, an error when the world is stuck although timers are left.
   */
  addBlocker(blocker: () => 'wait' | Error | undefined): void
  /**
   * Lets the world live until `until` is settled, or true.
   *
   * @throws WorldError when nothing is left to happen, when the limit is reached, or when a blocker says so
   */
  run<T>(until: Promise<T> | (() => boolean), options?: { limitMs?: number }): Promise<T | undefined>
  /** Lets the world live for `byMs`. */
  advance(byMs: number): Promise<void>
  /** Events not called yet. */
  pendingCount(): number
  /**
   * The end of this world: what is under way in it goes on until it stops, and no event is called any more. From then
   * on, whoever asks for one gets an error.
   *
   * @throws WorldError when it does not stop
   */
  end(): Promise<void>
}

/** The world cannot go on: it is stuck, spins, or took longer than it may. */
export class WorldError extends Error {
  override name = 'WorldError'
}

/**
 * Simulated time: a queue of events ordered by due time and sequence. The world runs in turns of the real event loop:
 *
 *      ┌──────────── something happened ◀──────────────┐
 *      ▼                                               │
 *   settling ──two quiet rounds──▶ quiet ──no blocker──▶ next event is called, time is its due time
 *      ▲                            │
 *      └────── blocker: wait ───────┴── blocker: error, or no event left ──▶ the run fails
 */
export function createScheduler(options: { startMs?: number; log: (nowMs: () => number) => EventLog }): {
  scheduler: Scheduler
  log: EventLog
} {
  let timeMs = options.startMs ?? WORLD_START_MS
  let sequence = 0
  let activity = 0
  let running = false
  let ended = false
  const events = createTimerHeap()
  const blockers: (() => 'wait' | Error | undefined)[] = []
  const log = options.log(() => timeMs)

  function run<T>(
    until: Promise<T> | (() => boolean),
    { limitMs = DEFAULT_RUN_LIMIT_MS } = {}
  ): Promise<T | undefined> {
    if (running) return nestedRun(until)
    running = true
    const deadlineMs = timeMs + limitMs
    let outcome: { value: T | undefined } | { error: unknown } | undefined
    let rounds = 0
    let quietRounds = 0
    let seenActivity = activity
    if (typeof until !== 'function') {
      until.then(
        (value) => (outcome ??= { value }),
        (error: unknown) => (outcome ??= { error })
      )
    }

    return new Promise<T | undefined>((resolve, reject) => {
      setRealImmediate(turn)

      function turn(): void {
        try {
          if (!outcome && typeof until === 'function' && until()) outcome = { value: undefined }
          if (outcome) return finish()
          if (settling()) return void setRealImmediate(turn)
          const verdict = firstVerdict()
          if (verdict === 'wait') {
            quietRounds = 0
            rounds = 0
            return void setRealImmediate(turn)
          }
          if (verdict) throw verdict
          callNext()
          setRealImmediate(turn)
        } catch (error) {
          outcome ??= { error }
          finish()
        }
      }

      function finish(): void {
        running = false
        if (outcome && 'error' in outcome) reject(outcome.error as Error)
        else resolve(outcome?.value)
      }
    })

    /** Whether the rounds of the event loop still bring something new. */
    function settling(): boolean {
      rounds += 1
      if (rounds > MAX_ROUNDS_PER_INSTANT) {
        throw new WorldError(
          `the world spins at ${new Date(timeMs).toISOString()}: ${rounds} rounds of the event loop without time moving on; some code polls instead of waiting`
        )
      }
      if (activity !== seenActivity) {
        seenActivity = activity
        quietRounds = 0
        return true
      }
      quietRounds += 1
      const next = events.peek()
      return quietRounds < (next !== undefined && next.dueMs <= timeMs ? 1 : QUIET_ROUNDS)
    }

    function callNext(): void {
      let event = events.pop()
      while (event !== undefined && putOff(event)) event = events.pop()
      if (event === undefined) {
        throw new WorldError(
          `the world is stuck at ${new Date(timeMs).toISOString()}: what the run waits for has not happened, and no timer, message or statement is left that could bring it about`
        )
      }
      if (event.dueMs > deadlineMs) {
        events.push(event)
        throw new WorldError(
          `the run took longer than its limit of ${limitMs} ms of simulated time (now ${new Date(timeMs).toISOString()})`
        )
      }
      if (event.dueMs > timeMs) {
        timeMs = event.dueMs
        rounds = 0
      }
      quietRounds = 0
      activity += 1
      fire(event)
    }
  }

  /** Code inside of a running world may wait for it as well: the world runs already. */
  function nestedRun<T>(until: Promise<T> | (() => boolean)): Promise<T | undefined> {
    if (typeof until !== 'function') return until
    return Promise.reject(new WorldError('the world runs already: wait for a promise instead of a condition'))
  }

  function firstVerdict(): 'wait' | Error | undefined {
    const next = events.peek()
    if (next !== undefined && next.dueMs <= timeMs) return undefined
    for (const blocker of blockers) {
      const verdict = blocker()
      if (verdict !== undefined) return verdict
    }
    return undefined
  }

  /**
   * Whether its owner is paused when it is due. All that is due until the pause ends is called then: in the order in
   * which it was due, and still cancelled by what comes before it.
   */
  function putOff(event: ScheduledEvent): boolean {
    const untilMs = event.owner?.pausedUntilMs
    if (untilMs === undefined || event.dueMs > untilMs || event.heldUntilMs === untilMs) return false
    sequence += 1
    event.sequence = sequence
    event.dueMs = event.heldUntilMs = untilMs
    events.push(event)
    return true
  }

  function fire(event: ScheduledEvent): void {
    if (event.owner?.killed) return
    if (event.logged !== undefined) log.append('timer-fired', event.logged)
    if (event.owner) runAs(event.owner, event.callback)
    else event.callback()
  }

  const scheduler: Scheduler = {
    nowMs: () => timeMs,
    after(delayMs, callback, { owner: givenOwner, logged } = {}) {
      if (ended) throw leftBehind(givenOwner ?? currentOwner())
      const owner = givenOwner === null ? undefined : (givenOwner ?? currentOwner())
      sequence += 1
      activity += 1
      const event: ScheduledEvent = {
        dueMs: timeMs + Math.max(0, delayMs),
        sequence,
        callback,
        owner,
        logged: logged === undefined ? undefined : `${owner?.name ?? '-'} ${logged} #${sequence}`
      }
      if (event.logged !== undefined) log.append('timer-set', `${event.logged} ${event.dueMs}`)
      if (!owner?.killed) events.push(event)
      return event
    },
    cancel(event) {
      if (!events.delete(event)) return
      activity += 1
      if (event.logged !== undefined) log.append('timer-cancelled', event.logged)
    },
    touch() {
      activity += 1
    },
    addBlocker: (blocker) => void blockers.push(blocker),
    run,
    async advance(byMs) {
      await run(new Promise<void>((resolve) => scheduler.after(byMs, resolve)), { limitMs: byMs })
    },
    pendingCount: () => events.size(),
    async end() {
      let seen: number
      let rounds = 0
      do {
        seen = activity
        for (let round = 0; round < QUIET_ROUNDS; round += 1)
          await new Promise((resolve) => setRealImmediate(resolve))
        rounds += QUIET_ROUNDS
        if (rounds > MAX_ROUNDS_PER_INSTANT)
          throw new WorldError('the world has ended, and its code polls on')
      } while (activity !== seen)
      ended = true
    }
  }
  return { scheduler, log }
}
