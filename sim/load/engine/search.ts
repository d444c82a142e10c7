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
    elapsedMs,
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
  if (
    arrivals.kind === 'rate' &&
    elapsedMs >= TELLING_MS &&
    completedPerSecond < arrivals.perSecond * KEPT_SHARE
  ) {
    broke.push(
      `${Math.round(completedPerSecond * 10) / 10}/s carried of ${Math.round(arrivals.perSecond * 10) / 10}/s`
    )
  }
  return broke
}

/** A stage carries its rate when this much of it came back while it lasted. */
const KEPT_SHARE = 0.95
/** In a shorter stage the calls that were due at its very end are too large a part. */
const TELLING_MS = 5_000

export interface SearchOptions {
  /** What a closed loop carried: the first guess of the highest rate. */
  probedPerSecond: number
  /** Stages of the bisection at most, and of the confirmation. */
  stages: { bisection: number; confirmation: number }
  /** Runs a stage at a rate; answers what it broke. */
  attempt(perSecond: number, name: string): Promise<string[]>
}

export interface SearchResult {
  /** The highest rate that held; undefined when none did. */
  held: number | undefined
  /** The nearest above it that did not. */
  broke: number | undefined
}

/** The bisection ends when the highest rate that held and the lowest that did not are this near. */
const NEAR = 0.1
/** A closed loop that never waits carries a little more than an open one can. */
const FIRST_GUESS = 0.8
const MORE = 1.25
const LESS = 2 / 3
/** From one rate to the next while a limit is confirmed. */
const STEP = 1.05

/**
 * Looks for the highest rate that holds its bounds: by bisection from what a closed loop carried, and then, for a machine
 * is not as fast at every moment, by going up a step after each rate that held and down after each that did not. The
 * limit is the median of the rates that held since the first turn.
 *
 *   probe ──▶ held? ──yes──▶ a quarter more, until one breaks ──┐
 *               │no                                              ├──▶ halve the gap ──▶ step up, step down … ──▶ median
 *               └────▶ a third less, until one holds ────────────┘
 */
export async function searchLimit({
  probedPerSecond,
  stages,
  attempt
}: SearchOptions): Promise<SearchResult> {
  const found = await bisect(probedPerSecond, stages.bisection, attempt)
  if (found.held === undefined) return found
  return confirm(found.held, found.broke, stages.confirmation, attempt)
}

async function bisect(
  probedPerSecond: number,
  most: number,
  attempt: SearchOptions['attempt']
): Promise<SearchResult> {
  let held: number | undefined
  let broke: number | undefined
  let rate = probedPerSecond * FIRST_GUESS
  for (let number = 1; number <= most; number++) {
    const problems = await attempt(rate, `bisection ${number}`)
    if (problems.length === 0) held = Math.max(held ?? 0, rate)
    else broke = Math.min(broke ?? Number.POSITIVE_INFINITY, rate)
    if (held !== undefined && broke !== undefined) {
      if ((broke - held) / broke <= NEAR) break
      rate = (held + broke) / 2
    } else {
      rate = held === undefined ? rate * LESS : rate * MORE
    }
  }
  return { held, broke }
}

async function confirm(
  startPerSecond: number,
  brokeBefore: number | undefined,
  stages: number,
  attempt: SearchOptions['attempt']
): Promise<SearchResult> {
  const tries: { rate: number; isHeld: boolean }[] = []
  let rate = startPerSecond * STEP
  for (let number = 1; number <= stages; number++) {
    const isHeld = (await attempt(rate, `confirmation ${number} of ${stages}`)).length === 0
    tries.push({ rate, isHeld })
    rate = isHeld ? rate * STEP : rate / STEP
  }
  const turn = tries.findIndex(({ isHeld }, index) => index > 0 && isHeld !== tries[index - 1]!.isHeld)
  // From the better of the two that it turned at on; without a turn the last one that held is all there is.
  const counted = turn < 0 ? tries.slice(-1) : tries.slice(turn - 1)
  const heldRates = counted.filter(({ isHeld }) => isHeld).map((each) => each.rate)
  const held = heldRates.length === 0 ? startPerSecond : median(heldRates)
  const above = tries.filter((each) => !each.isHeld && each.rate > held).map((each) => each.rate)
  return { held, broke: above.length === 0 ? brokeBefore : Math.min(...above) }
}

/** The middle one, the lower of two. */
function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor((values.length - 1) / 2)]!
}
