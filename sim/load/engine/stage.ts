import type { Clock } from '../../../node/runtime/index.ts'
import { createLatencies, rounded } from '../bench/histogram.ts'
import type { Latencies } from '../bench/histogram.ts'
import { scheduleOf } from './arrivals.ts'
import type { Arrivals, Percentiles, SecondOfStage, StageRecord } from './model.ts'

/** How a call ended. `ok` outcomes count as completed and in the latencies; the others as failed. */
export interface CallOutcome {
  ok: boolean
  /** `fulfilled`, `R02`, `HTTP 503` … */
  name: string
}

export interface StageOptions {
  clock: Pick<Clock, 'monotonicMs' | 'setTimer'>
  name: string
  arrivals: Arrivals
  durationMs: number
  /** Of the run: what `startedAtS` counts from. */
  runStartMs: number
  /** Calls under way at most; what is due beyond is dropped and counted. */
  maxInFlight: number
  counts: boolean
  signal?: AbortSignal
  /** One call; never rejects. */
  call(): Promise<CallOutcome>
  /** About every second, with the rates of the last one. */
  onSecond?(second: SecondOfStage): void
}

/** What a stage counted, before anything is known of what it saturated. */
export type CountedStage = Omit<StageRecord, 'saturation' | 'broke'>

/** Open loops look at the clock this often. */
const SLICE_MS = 1

/**
 * Drives calls for a while and counts what became of them. Open loop: each is made when it is due, whatever became of
 * those before, and its latency counts from then: a slow stretch shows in full (no coordinated omission). Closed loop:
 * each caller makes the next when its last one ended. Resolves when the last call ended.
 */
export async function runStage(options: StageOptions): Promise<CountedStage> {
  const { clock, arrivals, durationMs, signal } = options
  const startMs = clock.monotonicMs()
  const counting = createCounting(options, startMs)
  if (arrivals.kind === 'closed') {
    const endMs = startMs + durationMs
    await Promise.all(
      Array.from({ length: arrivals.callers }, async () => {
        for (let nowMs = startMs; nowMs < endMs && !signal?.aborted; nowMs = clock.monotonicMs()) {
          counting.offer(nowMs)
          counting.settle(await options.call(), nowMs)
        }
      })
    )
  } else {
    await openLoop(options, startMs, counting)
  }
  return counting.stage(clock.monotonicMs() - startMs)
}

function openLoop(
  { clock, arrivals, durationMs, maxInFlight, signal, call }: StageOptions,
  startMs: number,
  counting: Counting
): Promise<void> {
  const schedule = scheduleOf(arrivals as Exclude<Arrivals, { kind: 'closed' }>, durationMs)
  let next = 0
  let inFlight = 0
  let isOver = false
  const { promise, resolve } = Promise.withResolvers<void>()

  function settle(outcome: CallOutcome, dueMs: number): void {
    inFlight -= 1
    counting.settle(outcome, dueMs)
    if (isOver && inFlight === 0) resolve()
  }

  function offer(): void {
    const nowMs = clock.monotonicMs()
    for (; next < schedule.total && !signal?.aborted; next += 1) {
      const dueMs = startMs + schedule.dueMs(next)
      if (dueMs > nowMs) break
      counting.offer(dueMs, nowMs - dueMs)
      if (inFlight >= maxInFlight) {
        counting.drop()
        continue
      }
      inFlight += 1
      void call().then((outcome) => settle(outcome, dueMs))
    }
    if (next < schedule.total && !signal?.aborted) return void clock.setTimer(SLICE_MS, offer)
    isOver = true
    if (inFlight === 0) resolve()
  }

  offer()
  return promise
}

type Counting = ReturnType<typeof createCounting>

interface CountedSecond {
  offered: number
  completed: number
  failed: number
  latencies: Latencies | undefined
}

/** Outcomes that have a name of their own: a message that differs each time is not to fill a report. */
const NAMED_OUTCOMES = 30

/** What `createCounting` must know of a stage. */
export type CountingOptions = Pick<
  StageOptions,
  'name' | 'arrivals' | 'counts' | 'durationMs' | 'runStartMs' | 'onSecond'
> & { clock: Pick<Clock, 'monotonicMs'> }

/** Counts the calls of a stage that began at `startMs`, second by second. */
export function createCounting(
  { clock, name, arrivals, counts, durationMs, runStartMs, onSecond }: CountingOptions,
  startMs: number
) {
  const all = createLatencies()
  const outcomes: Record<string, number> = {}
  const seconds: CountedSecond[] = []
  /** Completed while calls were offered: what a rate is made of. */
  let completedInTime = 0
  let offered = 0
  let completed = 0
  let failed = 0
  let dropped = 0
  let lagMs = 0
  let told = 0

  function secondAt(timeMs: number): CountedSecond {
    const index = Math.max(0, Math.floor((timeMs - startMs) / 1_000))
    while (seconds.length <= index) {
      seconds.push({ offered: 0, completed: 0, failed: 0, latencies: undefined })
    }
    while (told < index) tell(told++)
    return seconds[index]!
  }
  function tell(index: number): void {
    onSecond?.(toRecord(seconds[index]!, index))
  }
  return {
    offer(dueMs: number, late = 0): void {
      offered += 1
      lagMs = Math.max(lagMs, late)
      secondAt(dueMs).offered += 1
    },
    drop(): void {
      dropped += 1
      outcomes.dropped = (outcomes.dropped ?? 0) + 1
    },
    settle({ ok, name: outcome }: CallOutcome, sinceMs: number): void {
      const nowMs = clock.monotonicMs()
      const known = outcome in outcomes || Object.keys(outcomes).length < NAMED_OUTCOMES ? outcome : 'others'
      outcomes[known] = (outcomes[known] ?? 0) + 1
      const second = secondAt(nowMs)
      if (!ok) {
        failed += 1
        second.failed += 1
        return
      }
      completed += 1
      if (nowMs - startMs <= durationMs) completedInTime += 1
      second.completed += 1
      all.record(nowMs - sinceMs)
      second.latencies ??= createLatencies()
      second.latencies.record(nowMs - sinceMs)
    },
    stage(elapsedMs: number): CountedStage {
      return {
        name,
        arrivals,
        counts,
        startedAtS: rounded((startMs - runStartMs) / 1_000),
        elapsedMs: Math.round(elapsedMs),
        offered,
        completed,
        failed,
        dropped,
        completedPerSecond: rounded((completedInTime * 1_000) / Math.max(1, Math.min(elapsedMs, durationMs))),
        latency: percentilesOf(all),
        outcomes,
        generatorLagMs: rounded(lagMs),
        seconds: seconds.map(toRecord)
      }
    }
  }
}

function toRecord({ latencies, ...counts }: CountedSecond, index: number): SecondOfStage {
  const at = (percent: number) => latencies?.percentileMs(percent) ?? 0
  return { atS: index, ...counts, p50Ms: at(50), p95Ms: at(95), p99Ms: at(99) }
}

export function percentilesOf(latencies: Latencies): Percentiles {
  return {
    p50Ms: latencies.percentileMs(50),
    p90Ms: latencies.percentileMs(90),
    p95Ms: latencies.percentileMs(95),
    p99Ms: latencies.percentileMs(99),
    p999Ms: latencies.percentileMs(99.9),
    maxMs: latencies.maxMs()
  }
}
