import type { HistoryKind } from './regression.ts'
import type { HistoryRun } from './run-history.ts'
import { shrink } from './shrink.ts'
import type { Pass } from './shrink.ts'

/** A kind of history that can be searched: made of seeds, and made smaller. */
export interface SearchKind<H> extends HistoryKind<H> {
  generate(seed: number): H
  readonly passes: readonly Pass<H>[]
  /** Actions and faults. */
  sizeOf(history: H): number
  lastEvents(history: H): Promise<string[]>
  /** What runs may reach, each with what it means. */
  readonly states: Readonly<Record<string, string>>
  /** Shares of all histories that must reach these states, or the search says little. */
  readonly goals: Readonly<Record<string, number>>
}

/** A violation, made small. */
export interface Found<H> {
  seed: number
  violation: { property: string; message: string }
  /** As the seed gave it. */
  original: H
  smallest: H
  /** Of the smallest. */
  run: HistoryRun
  /** Runs that making it small took, and whether more might get it smaller. */
  shrinkRuns: number
  exhausted: boolean
}

/** What a search came to. */
export interface SearchResult<H> {
  runs: number
  found: Found<H>[]
  /** Histories that reached each state. */
  states: Record<string, number>
  payments: Record<string, number>
  worldMs: number
  /** Processor time, in milliseconds. */
  costMs: number
}

export interface SearchOptions {
  seed: number
  /** Histories; more are not begun. */
  runs: number
  /** Checked before each history: true ends the search. */
  isOver(): boolean
  /** Histories at once. */
  jobs: number
  /** Runs that making a violation small may take. */
  shrinkRuns: number
  /** Whether it goes on after a violation. */
  keepGoing: boolean
}

/**
 * Simulated time that a history may take while one is made smaller: where something never ends, each try would take a
 * week of it. All that a history waits for ends within hours (`actions.ts`, `sim/invariants/quiescence.ts`); the smallest
 * one is run without it.
 */
export const SHRINK_LIMIT_MS = 24 * 3_600_000

/** What is told while a search goes on. */
export interface SearchListener<H> {
  progress(soFar: SearchResult<H>): void
  violated(seed: number, violation: { property: string; message: string }): void
  found(found: Found<H>): void
}

/** Runs histories of one seed after the other until it is told to stop, or something is violated; that is made small. */
export async function search<H>(
  kind: SearchKind<H>,
  { seed: first, runs, isOver, jobs, shrinkRuns, keepGoing }: SearchOptions,
  listener: SearchListener<H>
): Promise<SearchResult<H>> {
  const result: SearchResult<H> = {
    runs: 0,
    found: [],
    states: Object.fromEntries(Object.keys(kind.states).map((state) => [state, 0])),
    payments: {},
    worldMs: 0,
    costMs: 0
  }
  let next = first
  const violated: { seed: number; history: H; violation: { property: string; message: string } }[] = []

  async function work(): Promise<void> {
    while (next < first + runs && !isOver() && (keepGoing || violated.length === 0)) {
      const seed = next++
      const history = kind.generate(seed)
      const run = await kind.run(history)
      // What ends a search may end the processes of its runs as well: that says nothing of a history.
      if (run.broken && isOver()) return
      count(result, run)
      if (run.violation) {
        violated.push({ seed, history, violation: run.violation })
        listener.violated(seed, run.violation)
      }
      listener.progress(result)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))

  // By seed: which one another job met first is chance.
  for (const { seed, history, violation } of violated.sort((one, other) => one.seed - other.seed)) {
    const {
      smallest,
      runs: taken,
      exhausted
    } = await shrink(
      history,
      kind.passes,
      async (candidate) =>
        (await kind.run(candidate, { limitMs: SHRINK_LIMIT_MS })).violation?.property === violation.property,
      { maxRuns: isOver() ? 0 : shrinkRuns, jobs, keyOf: (one) => JSON.stringify(kind.toJson(one)) }
    )
    const run = await kind.run(smallest)
    const found = { seed, violation, original: history, smallest, run, shrinkRuns: taken, exhausted }
    result.found.push(found)
    listener.found(found)
  }
  return result
}

function count<H>(result: SearchResult<H>, { states, payments, worldMs, costMs }: HistoryRun): void {
  result.runs += 1
  result.worldMs += worldMs
  result.costMs += costMs
  for (const state of states) result.states[state] = (result.states[state] ?? 0) + 1
  for (const [state, number] of Object.entries(payments))
    result.payments[state] = (result.payments[state] ?? 0) + number
}

/** Goals that were missed, each in words. Of a search too short to tell, none. */
export function missedGoals<H>(kind: SearchKind<H>, { runs, states }: SearchResult<H>): string[] {
  return Object.entries(kind.goals)
    .filter(([state, share]) => (states[state] ?? 0) < share * runs)
    .map(
      ([state, share]) =>
        `${kind.states[state]}: in ${states[state]} of ${runs} histories, at least ${share * 100} % are meant to`
    )
}
