import type { LoadBounds, StageRecord } from './model.ts'

/** What a stage broke of the bounds, in words; empty: it held. */
export function brokenBounds(
  {
    latency,
    offered,
    completed,
    failed,
    dropped,
    arrivals,
    completedPerSecond
  }: Omit<StageRecord, 'saturation'>,
  bounds: LoadBounds
): string[] {
  const broke: string[] = []
  const wrong = failed + dropped
  if (offered > 0 && wrong / offered > bounds.errorShare) {
    broke.push(`${wrong} of ${offered} failed or were dropped: more than ${bounds.errorShare * 100} %`)
  }
  if (latency.p99Ms > bounds.p99Ms) broke.push(`p99 ${latency.p99Ms} ms: more than ${bounds.p99Ms} ms`)
  if (completed === 0) broke.push('nothing was completed')
  // A rate that latency does not break yet, but is not carried: the backlog grows.
  if (arrivals.kind === 'rate' && completedPerSecond < arrivals.perSecond * KEPT_SHARE) {
    broke.push(
      `${Math.round(completedPerSecond * 10) / 10}/s carried of ${Math.round(arrivals.perSecond * 10) / 10}/s`
    )
  }
  return broke
}

/** A stage carries its rate when this much of it came back while it lasted. */
const KEPT_SHARE = 0.95

export interface SearchOptions {
  /** What a closed loop carried: the first guess of the highest rate. */
  probedPerSecond: number
  /** Stages at most. */
  maxStages: number
  /** Ends when the highest rate that held and the lowest that did not are this near. */
  precision: number
  /** Runs a stage at a rate; answers what it broke. */
  attempt(perSecond: number, name: string): Promise<string[]>
}

export interface SearchResult {
  /** The highest rate that held; undefined when none did. */
  held: number | undefined
  /** The lowest that did not. */
  broke: number | undefined
}

/**
 * Looks for the highest rate that holds its bounds, by bisection from what a closed loop carried. A rate that broke is
 * tried once more before it counts as too much, for one slow moment of the machine is not the limit.
 *
 *   probe ──▶ held? ──yes──▶ a quarter more, until one breaks ──┐
 *               │no                                              ├──▶ halve the gap until it is small
 *               └────▶ a third less, until one holds ────────────┘
 */
export async function searchLimit({
  probedPerSecond,
  maxStages,
  precision,
  attempt
}: SearchOptions): Promise<SearchResult> {
  let held: number | undefined
  let broke: number | undefined
  let rate = probedPerSecond * FIRST_GUESS
  let stages = 0
  const name = () => `${++stages} of at most ${maxStages}`
  while (stages < maxStages) {
    let problems = await attempt(rate, name())
    if (problems.length > 0 && stages < maxStages) problems = await attempt(rate, `${name()}, once more`)
    if (problems.length === 0) held = Math.max(held ?? 0, rate)
    else broke = Math.min(broke ?? Number.POSITIVE_INFINITY, rate)
    if (held !== undefined && broke !== undefined) {
      if ((broke - held) / broke <= precision) break
      rate = (held + broke) / 2
    } else {
      rate = held === undefined ? rate * LESS : rate * MORE
    }
  }
  return { held, broke }
}

/** A closed loop that never waits carries a little more than an open one can. */
const FIRST_GUESS = 0.8
const MORE = 1.25
const LESS = 2 / 3
