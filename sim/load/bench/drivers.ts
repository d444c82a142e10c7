import type { Clock } from '../../../node/runtime/index.ts'
import { createLatencies } from './histogram.ts'
import type { Latencies } from './histogram.ts'

/** What a driver counted over one stretch of time. */
export interface Measurement {
  completed: number
  /** Calls that rejected; they count neither as completed nor in the latencies. */
  failed: number
  /** The first of them, for people. */
  firstFailure: unknown
  /** Open loop: calls that were due while `maxInFlight` were under way, and not made. */
  dropped: number
  /** From the start to the end of the last call. */
  elapsedMs: number
  latencies: Latencies
}

export function emptyMeasurement(): Measurement {
  return {
    completed: 0,
    failed: 0,
    firstFailure: undefined,
    dropped: 0,
    elapsedMs: 0,
    latencies: createLatencies()
  }
}

/** Adds a later stretch of the same thing. */
export function addMeasurement(to: Measurement, from: Measurement): void {
  to.completed += from.completed
  to.failed += from.failed
  to.firstFailure ??= from.firstFailure
  to.dropped += from.dropped
  to.elapsedMs += from.elapsedMs
  to.latencies.add(from.latencies)
}

/** Completed per second of its time. */
export function perSecond({ completed, elapsedMs }: Pick<Measurement, 'completed' | 'elapsedMs'>): number {
  return elapsedMs === 0 ? 0 : Math.round((completed / elapsedMs) * 1_000_000) / 1_000
}

interface DriverOptions {
  clock: Pick<Clock, 'monotonicMs' | 'setTimer'>
  durationMs: number
  signal?: AbortSignal
  /** One unit of work; resolves when it is done. */
  call(caller: number): Promise<unknown>
}

/**
 * Closed loop: `callers` at once, each making its next call when its last one ended. Calls under way at the end are
 * awaited and counted, with the time they take. A caller whose call failed goes on.
 */
export async function closedLoop({
  clock,
  durationMs,
  signal,
  call,
  callers
}: DriverOptions & { callers: number }): Promise<Measurement> {
  const measured = emptyMeasurement()
  const startMs = clock.monotonicMs()
  const endMs = startMs + durationMs
  async function caller(number: number): Promise<void> {
    let beforeMs = clock.monotonicMs()
    while (beforeMs < endMs && !signal?.aborted) {
      const failure = await attempt(call, number)
      const afterMs = clock.monotonicMs()
      settle(measured, failure, afterMs - beforeMs)
      beforeMs = afterMs
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)))
  measured.elapsedMs = clock.monotonicMs() - startMs
  return measured
}

/**
 * Open loop: calls start at `ratePerSecond` whatever becomes of earlier ones, and latency counts from when a call
 * was due, so that a slow stretch shows in full. A call due while `maxInFlight` are under way is dropped, counted.
 */
export async function openLoop({
  clock,
  durationMs,
  signal,
  call,
  ratePerSecond,
  maxInFlight
}: DriverOptions & { ratePerSecond: number; maxInFlight: number }): Promise<Measurement> {
  const measured = emptyMeasurement()
  const startMs = clock.monotonicMs()
  const total = Math.floor((durationMs / 1_000) * ratePerSecond)
  const dueMs = (index: number) => startMs + (index * 1_000) / ratePerSecond
  const underWay = new Set<Promise<void>>()

  let next = 0
  while (next < total && !signal?.aborted) {
    for (; next < total && dueMs(next) <= clock.monotonicMs(); next++) {
      if (underWay.size >= maxInFlight) {
        measured.dropped += 1
        continue
      }
      const sinceMs = dueMs(next)
      const one: Promise<void> = attempt(call, next).then((failure) => {
        settle(measured, failure, clock.monotonicMs() - sinceMs)
        underWay.delete(one)
      })
      underWay.add(one)
    }
    if (next < total) {
      await new Promise<void>((resolve) => clock.setTimer(dueMs(next) - clock.monotonicMs(), resolve))
    }
  }
  await Promise.all(underWay)
  measured.elapsedMs = clock.monotonicMs() - startMs
  return measured
}

/** Undefined when it succeeded, else what it failed with. */
async function attempt(call: DriverOptions['call'], caller: number): Promise<{ error: unknown } | undefined> {
  try {
    await call(caller)
    return undefined
  } catch (error) {
    return { error }
  }
}

function settle(measured: Measurement, failure: { error: unknown } | undefined, latencyMs: number): void {
  if (failure) {
    measured.failed += 1
    measured.firstFailure ??= failure.error
    return
  }
  measured.completed += 1
  measured.latencies.record(latencyMs)
}

/** Something measured for a while, by turns with others. */
export type Phase = (durationMs: number) => Promise<Measurement>

/** About how long a phase runs before the next one's turn, unless `turnMs` says otherwise. */
export const DEFAULT_TURN_MS = 2_000

/**
 * Runs phases by turns (a, b, a, b …) for `seconds` in all, in equal parts unless `weights` says otherwise, so that
 * a slow moment of the machine hits all of them. `onTurn` is told each turn.
 */
export async function byTurns<Name extends string>(
  phases: Readonly<Record<Name, Phase>>,
  {
    seconds,
    turnMs = DEFAULT_TURN_MS,
    weights,
    signal,
    onTurn
  }: {
    seconds: number
    turnMs?: number
    weights?: Readonly<Partial<Record<Name, number>>>
    signal?: AbortSignal
    onTurn?(name: Name, turn: Measurement, round: number, rounds: number): void
  }
): Promise<Record<Name, Measurement>> {
  const names = Object.keys(phases) as Name[]
  const weight = (name: Name) => weights?.[name] ?? 1
  const sum = names.reduce((total, name) => total + weight(name), 0)
  const rounds = Math.max(1, Math.round((seconds * 1_000) / (names.length * turnMs)))
  const totals = Object.fromEntries(names.map((name) => [name, emptyMeasurement()])) as Record<
    Name,
    Measurement
  >
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      signal?.throwIfAborted()
      const turn = await phases[name]((seconds * 1_000 * weight(name)) / sum / rounds)
      addMeasurement(totals[name], turn)
      onTurn?.(name, turn, round, rounds)
    }
  }
  signal?.throwIfAborted()
  return totals
}
