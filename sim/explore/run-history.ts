import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { VirtualScenarioResult } from '../scenarios/virtual-entry.ts'
import { runInVirtualWorld, VirtualRunError } from '../worlds/virtual/index.ts'
import { lastEventsIn } from '../worlds/virtual/last-events.ts'
import { historyToJson } from './history.ts'
import type { History } from './history.ts'

/** What one run of a history came to. */
export interface HistoryRun {
  violation?: { property: string; message: string }
  /** Its process was ended from outside, or by its limit of time: perhaps by no fault of the history. */
  broken?: boolean
  /** SHA-256 over the whole event log; absent where the world broke. */
  hash?: string
  /** States that were reached, each at most once. */
  states: string[]
  /** What happened, in order, with the world's time. */
  story: string[]
  /** Simulated time, and processor time that it took. */
  worldMs: number
  costMs: number
  /** Payments that were begun, by how they ended. */
  payments: Record<string, number>
}

/** Where histories run: a process each, or a pool that keeps its processes. */
export type WorldRunner = typeof runInVirtualWorld

const ENTRY = path.join(import.meta.dirname, 'entry.ts')
const WALL_LIMIT_MS = 120_000

/**
 * Runs a history in a virtual world. Whatever goes wrong in it is a violation: an invariant, a world that is stuck
 * (liveness), code that throws.
 */
export async function runHistory(
  history: History,
  {
    run = runInVirtualWorld,
    logFile,
    limitMs
  }: { run?: WorldRunner; logFile?: string; limitMs?: number } = {}
): Promise<HistoryRun> {
  try {
    const { result, hash, simulatedMs, wallMs } = await run<VirtualScenarioResult>(
      ENTRY,
      { history: historyToJson(history) },
      {
        seed: String(history.seed),
        wallLimitMs: WALL_LIMIT_MS,
        ...(logFile !== undefined && { logFile }),
        ...(limitMs !== undefined && { limitMs })
      }
    )
    return {
      ...(result.violation && { violation: result.violation }),
      hash,
      states: Object.keys(result.states).filter((state) => result.states[state]! > 0),
      story: result.story,
      worldMs: Math.round(simulatedMs),
      costMs: wallMs,
      payments: result.payments
    }
  } catch (error) {
    if (!(error instanceof VirtualRunError)) throw error
    const property = PROPERTY_OF[error.fault]
    const violation = { property, message: error.message }
    return {
      violation,
      broken: error.fault === 'process',
      states: [],
      story: [],
      worldMs: 0,
      costMs: 0,
      payments: {}
    }
  }
}

const PROPERTY_OF: Record<VirtualRunError['fault'], string> = {
  world: 'liveness',
  scenario: 'nothing throws',
  process: 'a history ends'
}

/** The last messages and statements of a history: a seed has one event log, so it is run again and written down. */
export async function lastEventsOf(
  history: History,
  run: WorldRunner = runInVirtualWorld
): Promise<string[]> {
  const directory = mkdtempSync(path.join(tmpdir(), 'rafiki-lab-'))
  try {
    const logFile = path.join(directory, 'log')
    await runHistory(history, { run, logFile })
    return lastEventsIn(logFile)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
