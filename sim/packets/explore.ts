import fc from 'fast-check'
import { packetHistories } from './arbitrary.ts'
import { packetHistorySize } from './history.ts'
import type { PacketHistory } from './history.ts'
import type { PacketViolation } from './recorder.ts'
import { createPacketLab } from './run.ts'
import type { PacketLab, PacketRun } from './run.ts'

/** Histories that are drawn from one seed. */
export const HISTORIES_PER_SEED = 50
/** Histories that are tried at most to make one that violates something smaller. */
export const DEFAULT_MAX_SHRINK_RUNS = 600
/** Violations after which a search stops. */
const MAX_FOUND = 5

/** A history that violates something, made as small as it gets. */
export interface FoundPacketViolation {
  violation: PacketViolation
  history: PacketHistory
  run: PacketRun
  /** The seed that its first form was drawn from, and how many histories that took in this search. */
  seed: number
  histories: number
  /** Actions and faults before and after. */
  sizes: { found: number; shrunk: number }
  shrinkRuns: number
}

export interface PacketExploration {
  histories: number
  /** Histories in which money moved over a link or into an account; in which a fault struck. */
  moved: number
  faulted: number
  packets: number
  posted: number
  simulatedMs: number
  /** In how many histories a state was reached. */
  states: Map<string, number>
  found: FoundPacketViolation[]
}

export interface ExplorePacketsOptions {
  /** The first seed; each stands for HISTORIES_PER_SEED histories. */
  seed: number
  /** Histories in all; undefined: until stopped. */
  runs?: number
  /** True: no further history. */
  isOver?: () => boolean
  onProgress?: (soFar: PacketExploration) => void
  maxShrinkRuns?: number
  /** Default: 5. */
  maxFound?: number
  /** Default: one with the connectors' own steps. */
  lab?: PacketLab
}

/**
 * Searches for a history of packets and ledgers that violates what must hold, and makes what it finds small. The same
 * seed finds the same.
 */
export async function explorePackets(options: ExplorePacketsOptions): Promise<PacketExploration> {
  const { runs = Infinity, isOver = () => false, onProgress, maxFound = MAX_FOUND } = options
  const { lab = createPacketLab() } = options
  const soFar: PacketExploration = {
    histories: 0,
    moved: 0,
    faulted: 0,
    packets: 0,
    posted: 0,
    simulatedMs: 0,
    states: new Map(),
    found: []
  }
  for (
    let { seed } = options;
    soFar.histories < runs && soFar.found.length < maxFound && !isOver();
    seed += 1
  ) {
    const count = Math.min(HISTORIES_PER_SEED, runs - soFar.histories)
    const found = await searchSeed(lab, seed, count, soFar, options)
    if (found) soFar.found.push(found)
    onProgress?.(soFar)
  }
  return soFar
}

async function searchSeed(
  lab: PacketLab,
  seed: number,
  count: number,
  soFar: PacketExploration,
  { isOver = () => false, maxShrinkRuns = DEFAULT_MAX_SHRINK_RUNS }: ExplorePacketsOptions
): Promise<FoundPacketViolation | undefined> {
  let first: { history: PacketHistory; violation: PacketViolation; histories: number } | undefined
  let best: { history: PacketHistory; run: PacketRun; violation: PacketViolation } | undefined
  let shrinkRuns = 0

  /** The violation of a history, as long as it is of the kind that was found first. */
  async function violationOf(history: PacketHistory): Promise<PacketViolation | undefined> {
    const run = await runOf(lab, history)
    if (first === undefined) tally(soFar, run)
    const violation = run.violations.find(
      ({ property }) => first === undefined || property === first.violation.property
    )
    if (violation) best = { history, run, violation }
    return violation
  }

  await fc.check(
    fc.asyncProperty(packetHistories, async (history) => {
      // Over: what is left of this seed passes unseen.
      if (first === undefined && isOver()) return
      if (first !== undefined && ++shrinkRuns > maxShrinkRuns) return
      const violation = await violationOf(history)
      if (violation === undefined) return
      first ??= { history, violation, histories: soFar.histories }
      throw new Error(violation.message)
    }),
    { seed, numRuns: count }
  )
  if (first === undefined || best === undefined) return undefined
  shrinkRuns += await leaveOut(best.history, async (smaller) => (await violationOf(smaller)) !== undefined)
  return {
    ...best,
    seed,
    histories: first.histories,
    sizes: { found: packetHistorySize(first.history), shrunk: packetHistorySize(best.history) },
    shrinkRuns
  }
}

/** Leaves out, one by one, what the violation does without. Gives how many histories it tried. */
async function leaveOut(
  history: PacketHistory,
  fails: (history: PacketHistory) => Promise<boolean>
): Promise<number> {
  let smallest = history
  let tried = 0
  const attempt = async (smaller: PacketHistory) => {
    tried += 1
    if (await fails(smaller)) smallest = smaller
  }
  for (let index = smallest.faults.length - 1; index >= 0; index -= 1)
    await attempt({ ...smallest, faults: smallest.faults.toSpliced(index, 1) })
  for (let index = smallest.actions.length - 1; index >= 0; index -= 1)
    await attempt({ ...smallest, actions: smallest.actions.toSpliced(index, 1) })
  for (let index = 0; index < smallest.actions.length; index += 1) {
    const action = smallest.actions[index]!
    if (action.do === 'packets' && action.count > 1)
      await attempt({ ...smallest, actions: smallest.actions.with(index, { ...action, count: 1 }) })
  }
  return tried
}

/** A history's run; a world that cannot go on is a violation. */
async function runOf(lab: PacketLab, history: PacketHistory): Promise<PacketRun> {
  try {
    return await lab.run(history)
  } catch (error) {
    const violation = { property: 'the world goes on', message: (error as Error).message }
    return {
      violations: [violation],
      hash: '',
      events: [],
      states: new Map(),
      packets: 0,
      posted: 0,
      faults: 0,
      simulatedMs: 0
    }
  }
}

function tally(soFar: PacketExploration, run: PacketRun): void {
  soFar.histories += 1
  if (run.posted > 0) soFar.moved += 1
  if (run.faults > 0) soFar.faulted += 1
  soFar.packets += run.packets
  soFar.posted += run.posted
  soFar.simulatedMs += run.simulatedMs
  for (const state of run.states.keys()) soFar.states.set(state, (soFar.states.get(state) ?? 0) + 1)
}
