import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { firstDifference } from '../worlds/virtual/first-difference.ts'
import { lastEventsIn } from '../worlds/virtual/last-events.ts'
import { runInVirtualWorld, VirtualRunError } from '../worlds/virtual/spawn.ts'
import { VIOLATION_TIMELINE_ROWS } from '../reports/timeline.ts'
import type { Timeline } from '../reports/timeline.ts'
import type { VirtualRunResult } from '../worlds/virtual/spawn.ts'
import type { ServerAddress } from '../worlds/interleave/server.ts'
import type { Kill } from '../worlds/local/kills.ts'
import type { Servers } from '../worlds/local/servers.ts'
import { startLocalNetwork } from '../worlds/local/world.ts'
import type { LocalLedger, LocalNetwork } from '../worlds/local/world.ts'
import type { OnStep } from '../networks/raise.ts'
import { loadScenario } from './catalogue.ts'
import type { Catalogue } from './catalogue.ts'
import { runScenario } from './run-scenario.ts'
import type { ScenarioOutcome } from './run-scenario.ts'
import { PropertyViolation } from './scenario.ts'
import { reasonOf } from './silence.ts'
import type { RunWorld, WorldName } from './scenario.ts'
import type { VirtualScenarioArgs, VirtualScenarioResult } from './virtual-entry.ts'

/** One run of one scenario: what it came to, and what it took. Plain JSON. */
export interface RunRecord extends ScenarioOutcome {
  scenario: string
  world: RunWorld
  seed: number
  /** SHA-256 over the whole history: of runs in simulated time. */
  hash?: string
  events?: number
  statements?: VirtualScenarioResult['statements']
  ledgerChecks?: number
  packets?: number
  /** Time of the world that passed, and processor time that it took; in the local world the time on the wall. */
  worldMs: number
  costMs: number
  startCostMs?: number
  /** In the local world: each `kill -9`, and what it interrupted. */
  kills?: readonly Kill[]
  /** With a violation: the last events of the history; in the local world what the laboratory's actors logged last. */
  lastEvents?: string[]
  /** What went between nodes, and balances: where it was asked for, and with a violation. */
  timeline?: Timeline
}

/** Where virtual runs happen: a process each, or a pool that keeps its processes. */
type WorldRunner = typeof runInVirtualWorld

/** A scenario's own code threw: nothing is known of the nodes. */
export class ScenarioFailedError extends Error {
  override name = 'ScenarioFailedError'
}

const ENTRY = path.join(import.meta.dirname, 'virtual-entry.ts')
/** Of what a local world logs. */
const LAST_LINES = 30
const SHOWN_CHARACTERS = 240
const WALL_LIMIT_MS = 300_000

/** A scenario and a seed in simulated time. */
interface Simulated {
  name: string
  file: string
  seed: number
  /** Of an interleave world. */
  server: ServerAddress | undefined
}

/**
 * Runs a scenario in the virtual world, or on a real PostgreSQL in an interleave world.
 *
 * @param options.run where: a process for each run unless given
 * @param options.server the PostgreSQL of an interleave world
 * @param options.twice runs the seed twice and compares the histories
 * @param options.timelineRows keeps what a report shows of the run, so many messages at most
 * @throws ScenarioFailedError when the scenario's own code throws
 */
export async function runVirtual(
  catalogue: Catalogue,
  name: string,
  seed: number,
  {
    twice,
    timelineRows,
    server,
    run = runInVirtualWorld
  }: { twice: boolean; timelineRows?: number; server?: ServerAddress; run?: WorldRunner }
): Promise<RunRecord> {
  const simulated: Simulated = { name, file: catalogue.file(name), seed, server }
  const again = (options: ShownOptions = {}) => virtualRun(simulated, { ...options, run })
  const [first, second] = await Promise.all([
    again(timelineRows === undefined ? {} : { timelineRows }),
    twice ? again() : undefined
  ])
  if (first instanceof VirtualRunError) return brokenWorld(simulated, first, run)
  const record = recordOf(simulated, first)
  if (second !== undefined && (second instanceof VirtualRunError || second.hash !== first.hash)) {
    const lastEvents = await divergence(simulated)
    return {
      ...record,
      ok: false,
      violation: { property: 'determinism', message: `seed ${seed} has two histories` },
      lastEvents
    }
  }
  return record.ok ? record : { ...record, ...(await closerLook(simulated, run)) }
}

function worldOf({ server }: Simulated): WorldName {
  return server ? 'interleave' : 'virtual'
}

function recordOf(
  simulated: Simulated,
  { result, hash, events, simulatedMs, wallMs }: VirtualRunResult<VirtualScenarioResult>
): RunRecord {
  const { startCpuMs, ...outcome } = result
  return {
    scenario: simulated.name,
    world: worldOf(simulated),
    seed: simulated.seed,
    ...outcome,
    hash,
    events,
    worldMs: Math.round(simulatedMs),
    costMs: wallMs,
    startCostMs: startCpuMs
  }
}

/** What is kept of a run to be shown: its event log, messages and balances. */
interface ShownOptions {
  logFile?: string
  timelineRows?: number
}

async function virtualRun(
  simulated: Simulated,
  { logFile, timelineRows, run = runInVirtualWorld }: ShownOptions & { run?: WorldRunner } = {}
): Promise<VirtualRunResult<VirtualScenarioResult> | VirtualRunError> {
  const { file, seed, server } = simulated
  const args: VirtualScenarioArgs = {
    file,
    world: worldOf(simulated),
    ...(timelineRows !== undefined && { timelineRows })
  }
  try {
    return await run<VirtualScenarioResult>(ENTRY, args, {
      seed: String(seed),
      wallLimitMs: WALL_LIMIT_MS,
      ...(server && { server }),
      ...(logFile !== undefined && { logFile })
    })
  } catch (error) {
    if (!(error instanceof VirtualRunError)) throw error
    if (error.fault === 'scenario') throw new ScenarioFailedError(`${path.basename(file)}: ${error.message}`)
    return error
  }
}

/** The world came to a stop: nothing more could have happened, so something that must end did not. */
async function brokenWorld(
  simulated: Simulated,
  error: VirtualRunError,
  run: WorldRunner
): Promise<RunRecord> {
  return {
    scenario: simulated.name,
    world: worldOf(simulated),
    seed: simulated.seed,
    ok: false,
    violation: { property: 'liveness', message: error.message },
    payments: {},
    states: {},
    story: [],
    worldMs: 0,
    costMs: 0,
    ...(await closerLook(simulated, run))
  }
}

/** A seed has one history, so it can be run again to be written down. */
async function closerLook(
  simulated: Simulated,
  run: WorldRunner
): Promise<Required<Pick<RunRecord, 'lastEvents'>> & Pick<RunRecord, 'timeline'>> {
  return inScratch(async (directory) => {
    const logFile = path.join(directory, 'history')
    const shown = await virtualRun(simulated, { logFile, timelineRows: VIOLATION_TIMELINE_ROWS, run })
    const lastEvents = lastEventsIn(logFile)
    const timeline = shown instanceof VirtualRunError ? undefined : shown.result.timeline
    return { lastEvents, ...(timeline && { timeline }) }
  })
}

/** In processes of their own: what differs may depend on what a process lived before. */
async function divergence(simulated: Simulated): Promise<string[]> {
  return inScratch(async (directory) => {
    const logFiles = ['one', 'two'].map((half) => path.join(directory, half))
    await Promise.all(logFiles.map((logFile) => virtualRun(simulated, { logFile })))
    return firstDifference(logFiles[0]!, logFiles[1]!)
  })
}

async function inScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(path.join(tmpdir(), 'rafiki-lab-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export interface LocalRunOptions {
  /** Default: postgres. */
  ledger?: LocalLedger
  /** Of the containers world. Default: what is found on this machine. */
  servers?: Servers | undefined
  /** Hears what the network stands on, and how it comes up. */
  onStep?: OnStep
}

/**
 * Runs a scenario on real processes, on PostgreSQL and, where one can be started, Redis. The seed decides what the
 * scenario draws, not what the machine does.
 *
 * @throws ScenarioFailedError when the network does not come up, or the scenario's own code throws
 */
export async function runLocal(
  catalogue: Catalogue,
  name: string,
  seed: number,
  { ledger = 'postgres', servers, onStep }: LocalRunOptions = {}
): Promise<RunRecord> {
  const scenario = await loadScenario(catalogue.file(name))
  const world: RunWorld = servers ? 'containers' : 'local'
  const startedMs = performance.now()
  const logged: string[] = []
  const writeLog = (line: string) => {
    logged.push(line.trimEnd().slice(0, SHOWN_CHARACTERS))
    if (logged.length > LAST_LINES) logged.shift()
  }
  let network: LocalNetwork
  try {
    network = await startLocalNetwork(scenario.topology, onStep, {
      ledger,
      cache: 'redis',
      servers,
      writeLog
    })
  } catch (error) {
    throw new ScenarioFailedError(`${name}: its network did not come up: ${(error as Error).message}`, {
      cause: error
    })
  }
  const runMs = performance.now()
  try {
    const outcome = await Promise.race([
      runScenario(scenario, network, 'local', network, { draw: seededRandom(name, seed) }),
      network.failure.then((how) => {
        throw new PropertyViolation('services stay up', how)
      })
    ])
    const record = { scenario: name, world, seed, ...outcome, ...told(network) }
    return outcome.ok ? record : { ...record, lastEvents: logged }
  } catch (error) {
    if (!(error instanceof PropertyViolation))
      throw new ScenarioFailedError(`${name}: ${reasonOf(error)}`, { cause: error })
    const violation = { property: error.property, message: error.message }
    return {
      ...{ scenario: name, world, seed, ok: false, violation },
      ...{ payments: {}, states: {}, story: [], lastEvents: logged, ...told(network) }
    }
  } finally {
    await network.stop()
  }

  function told({ kills }: LocalNetwork): Pick<RunRecord, 'worldMs' | 'costMs' | 'startCostMs' | 'kills'> {
    const ms = Math.round(performance.now() - runMs)
    return { worldMs: ms, costMs: ms, startCostMs: Math.round(runMs - startedMs), kills }
  }
}

/** Bytes that follow from the scenario and the seed alone. */
function seededRandom(name: string, seed: number): (length: number) => Buffer {
  let block = 0
  let stream = Buffer.alloc(0)
  return (length) => {
    while (stream.length < length) {
      stream = Buffer.concat([stream, createHash('sha256').update(`${name} ${seed} ${block++}`).digest()])
    }
    const bytes = stream.subarray(0, length)
    stream = stream.subarray(length)
    return bytes
  }
}
