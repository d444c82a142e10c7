import { createHash } from 'node:crypto'
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { htmlOf } from '../reports/html.ts'
import { junitOf } from '../reports/junit.ts'
import { createProgress, toJson } from '../reports/progress.ts'
import type { Progress } from '../reports/progress.ts'
import { TIMELINE_ROWS } from '../reports/timeline.ts'
import { createCatalogue, loadScenario } from '../scenarios/catalogue.ts'
import type { Catalogue } from '../scenarios/catalogue.ts'
import { runLocal, runVirtual, ScenarioFailedError } from '../scenarios/run-worlds.ts'
import type { RunRecord } from '../scenarios/run-worlds.ts'
import { RUN_WORLDS } from '../scenarios/scenario.ts'
import type { RunWorld, WorldName } from '../scenarios/scenario.ts'
import { withWorldPool } from '../worlds/virtual/index.ts'
import type { WorldPool } from '../worlds/virtual/index.ts'
import { findTigerBeetle, NO_TIGERBEETLE } from '../services/tigerbeetle.ts'
import type { ContainerServers } from '../worlds/containers/servers.ts'
import { startInterleaveServer } from '../worlds/interleave/server.ts'
import { countKills } from '../worlds/local/kills.ts'
import type { KillCounts } from '../worlds/local/kills.ts'
import { LOCAL_LEDGERS } from '../worlds/local/world.ts'
import type { LocalLedger } from '../worlds/local/world.ts'
import { inOrder } from './in-order.ts'
import { numberIn, WrongUse } from './wrong-use.ts'

const MAX_SEED = 2 ** 32 - 1
const MAX_RUNS = 100_000
const MAX_JOBS = 64
/** Networks of the local world at once: while one waits for a lease to end, another uses the processor. */
const LOCAL_JOBS = 2
/** Between two lines that say how far a long run is. */
const PROGRESS_MS = 30_000

const HELP = `npm run lab -- run NAME… [--world NAME] [--seed N] [--runs N] [--jobs N] [--shard I/N] [--report DIR] [--json]

Runs scenarios and checks what must hold. "run all" runs every scenario that the world supports.

  NAME          a file of scenarios/, without its ending; --list names them all
  --world NAME  virtual: one process, simulated time, one seed one history (default); interleave: the same on a real
                PostgreSQL, where the seed picks which of the pending statements is next; local: real processes;
                containers: the same with PostgreSQL and Redis in containers (Docker, or Podman with its socket)
  --seed N      the first seed, 0 to ${MAX_SEED} (default 1)
  --runs N      seeds to run, each the one before plus one (default 1)
  --jobs N      runs at once: in simulated time each in a process (default: one for each core), in the local
                world each with a network of its own (default ${LOCAL_JOBS})
  --shard I/N   only the I-th of every N runs: what N machines share
  --ledger NAME local world: where nodes keep their books, ${LOCAL_LEDGERS.join(' or ')} (default postgres)
  --once        in simulated time: do not run every seed a second time to compare the histories
  --report DIR  write there index.html (one page, to be opened in a browser), run.json and junit.xml
  --list        names and titles, and the worlds that each runs in
  --json        one JSON object per line, the last {"event":"summary","ok":…,"scenarios":…,"hash":…}

Exit status: 0 all is well (or skipped: no container engine), 1 a property was violated, 2 wrong use or a scenario that fails by itself.
`

interface Options {
  names: string[]
  world: RunWorld
  seed: number
  runs: number
  jobs: number
  shard: { index: number; of: number }
  twice: boolean
  ledger: LocalLedger
  report: string | undefined
}

/** The world cannot be had on this machine: nothing is run, and nothing is wrong. */
class NotHereError extends Error {
  override name = 'NotHereError'
}

/** `lab run`. @param pool where virtual worlds live, instead of one of its own */
export async function runCommand(
  args: string[],
  catalogue = createCatalogue(),
  pool?: WorldPool
): Promise<number> {
  const json = args.includes('--json')
  const progress = createProgress({ json })
  try {
    if (args.includes('--help')) {
      process.stdout.write(HELP)
      return 0
    }
    if (args.includes('--list')) return await list(catalogue, progress, json)
    const options = await readOptions(catalogue, args)
    return await withWorldPool({ pool, jobs: options.jobs }, (worlds) =>
      run(catalogue, options, progress, worlds)
    )
  } catch (error) {
    if (error instanceof NotHereError) {
      progress.say(`skipped: ${error.message}`)
      progress.summary({ ok: true, scenarios: 0, runs: 0, skipped: error.message })
      return 0
    }
    if (!(error instanceof WrongUse || error instanceof ScenarioFailedError)) throw error
    const [message] = error.message.split('\n')
    progress.error(
      error instanceof ScenarioFailedError ? `a scenario failed by itself: ${message}` : message!
    )
    progress.summary({ ok: false, error: message })
    return 2
  }
}

async function run(
  catalogue: Catalogue,
  { names, world, seed, runs, jobs, shard, twice, ledger, report }: Options,
  progress: Progress,
  pool: WorldPool
): Promise<number> {
  if (report !== undefined) makeDirectory(report)
  const startMs = performance.now()
  const records: RunRecord[] = []
  const seeds = Array.from({ length: runs }, (_, index) => seed + index)
  const all = names.flatMap((name) => seeds.map((at) => ({ name, at })))
  const mine = all.filter((_, index) => index % shard.of === shard.index)
  const server = world === 'interleave' ? await startInterleaveServer() : undefined
  const servers = world === 'containers' ? await containerServers() : undefined
  const told = server ?? servers
  if (told) progress.step('postgresql', told.description)
  const onStep = tellOnce(progress)
  let toldMs = startMs
  try {
    await inOrder(
      mine,
      jobs,
      ({ name, at }) =>
        !isReal(world)
          ? runVirtual(catalogue, name, at, {
              run: pool.run,
              twice,
              ...(server && { server: server.address }),
              ...(report !== undefined && at === seed && { timelineRows: TIMELINE_ROWS })
            })
          : runLocal(catalogue, name, at, { ledger, servers, onStep }),
      (record) => {
        records.push(record)
        progress.step(record.ok ? 'ok' : 'VIOLATED', describe(record))
        if (record.violation) showViolation(record, progress)
        if (performance.now() - toldMs < PROGRESS_MS) return
        toldMs = performance.now()
        progress.step('progress', `${records.length} of ${mine.length} runs`)
      }
    )
  } finally {
    await server?.stop()
    await servers?.stop()
  }
  const summary = summarize(records, Math.round(performance.now() - startMs))
  showStates(summary.states, progress)
  progress.say(describeSummary(summary))
  const unwritten = report === undefined ? undefined : writeReport(report, summary, records)
  if (unwritten !== undefined) progress.error(unwritten)
  progress.summary({ ...summary, ...(unwritten !== undefined && { error: unwritten }) })
  if (!summary.ok) return 1
  return unwritten === undefined ? 0 : 2
}

/** What networks stand on, told of the first one. */
function tellOnce(progress: Progress): (step: string, detail: string) => void {
  const untold = new Set(['clean-up', 'postgresql', 'tigerbeetle', 'redis'])
  return (step, detail) => {
    if (untold.delete(step)) progress.step(step, detail)
  }
}

/** All of a run in one line. */
function describeSummary(summary: RunSummary): string {
  const { ok, scenarios, runs, payments, packets, simulatedHours, wallMs, kills, hash } = summary
  const killed = kills === undefined ? '' : `, ${describeKills(kills)}`
  const counts = `${scenarios} scenarios, ${runs} runs, ${payments} payments, ${packets} packets${killed}`
  const times = `${simulatedHours} h of the world's time in ${(wallMs / 1_000).toFixed(1)} s`
  return `${ok ? 'all is well' : 'violated'}: ${counts}, ${times}${hash === undefined ? '' : `, hash ${hash.slice(0, 16)}`}`
}

function describeKills({ total, whileSending, whileWebhookOpen, underWay }: KillCounts): string {
  return `${total} kill -9 (${whileSending} while a payment was SENDING, ${whileWebhookOpen} while a webhook was open, ${underWay} while either)`
}

function describe(record: RunRecord): string {
  const { scenario, seed, payments, packets, worldMs, costMs, hash } = record
  const ended = Object.entries(payments).map(([state, count]) => `${count} ${state}`)
  return `${scenario} seed ${seed}: ${ended.join(', ') || 'no payments'}${packets === undefined ? '' : `, ${packets} packets`}; ${(worldMs / 1_000).toFixed(1)} s in ${(costMs / 1_000).toFixed(1)} s${hash === undefined ? '' : `; ${hash.slice(0, 12)}`}`
}

function showViolation(record: RunRecord, progress: Progress): void {
  const { violation, story, lastEvents = [] } = record
  progress.error(
    [
      `${violation!.property} is violated: ${violation!.message}`,
      `again: ${againOf(record)}`,
      ...story.slice(-10).map((line) => `  story  ${line}`),
      ...lastEvents.map((line) => `  event  ${line}`)
    ].join('\n')
  )
}

/** The command that runs it again. */
function againOf({ scenario, world, seed }: RunRecord): string {
  return `npm run lab -- run ${scenario} --world ${world} --seed ${seed}`
}

/** Which states were reached, and how often: one that never was may mean that a scenario tests nothing. */
function showStates(states: Record<string, number>, progress: Progress): void {
  for (const [name, count] of Object.entries(states)) {
    progress.step('reached', `${count === 0 ? 'NEVER' : `${count} times`}: ${name}`)
  }
}

export interface RunSummary extends Record<string, unknown> {
  ok: boolean
  scenarios: number
  runs: number
  payments: number
  packets: number
  states: Record<string, number>
  neverReached: string[]
  simulatedHours: number
  wallMs: number
  /** Of the local world. */
  kills?: KillCounts
  /** SHA-256 over the hashes of all runs: of the virtual world only. */
  hash?: string
}

export function summarize(records: readonly RunRecord[], wallMs: number): RunSummary {
  const states: Record<string, number> = {}
  for (const record of records) {
    for (const [name, count] of Object.entries(record.states)) {
      const key = `${record.scenario}: ${name}`
      states[key] = (states[key] ?? 0) + count
    }
  }
  const kills = records.flatMap((record) => record.kills ?? [])
  const hashes = records.map(({ hash }) => hash).filter((hash) => hash !== undefined)
  return {
    ok: records.every(({ ok }) => ok),
    scenarios: new Set(records.map(({ scenario }) => scenario)).size,
    runs: records.length,
    payments: records.reduce(
      (sum, { payments }) => sum + Object.values(payments).reduce((count, more) => count + more, 0),
      0
    ),
    packets: records.reduce((sum, { packets = 0 }) => sum + packets, 0),
    states,
    neverReached: Object.keys(states).filter((name) => states[name] === 0),
    simulatedHours: Number((records.reduce((sum, { worldMs }) => sum + worldMs, 0) / 3_600_000).toFixed(3)),
    wallMs,
    ...(records.some((record) => record.kills) && { kills: countKills(kills) }),
    ...(hashes.length > 0 && { hash: createHash('sha256').update(hashes.join('\n')).digest('hex') })
  }
}

/** Before the first run, so that hours of them are not in vain. */
function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.W_OK)
  } catch (error) {
    throw new WrongUse(`--report needs a directory that can be written: ${(error as Error).message}`)
  }
}

/** @returns why it could not be written: what the runs came to counts all the same */
function writeReport(
  directory: string,
  summary: RunSummary,
  records: readonly RunRecord[]
): string | undefined {
  const runs = records.map((record) => ({ ...record, again: againOf(record) }))
  const write = (name: string, text: string) => writeFileSync(path.join(directory, name), text)
  try {
    write('run.json', `${toJson({ summary, records })}\n`)
    write('index.html', htmlOf(summary, runs))
    write('junit.xml', junitOf(runs, summary.wallMs))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return `the report cannot be written: ${(error as Error).message}`
  }
  return undefined
}

async function list(catalogue: Catalogue, progress: Progress, json: boolean): Promise<number> {
  for (const name of catalogue.names()) {
    const { title, worlds } = await loaded(catalogue, name)
    if (json) process.stdout.write(`${toJson({ event: 'scenario', name, title, worlds })}\n`)
    else progress.say(`${name.padEnd(36)} ${worlds.join(', ').padEnd(15)} ${title}`)
  }
  progress.summary({ ok: true })
  return 0
}

async function readOptions(catalogue: Catalogue, args: string[]): Promise<Options> {
  let parsed
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        world: { type: 'string', default: 'virtual' },
        seed: { type: 'string', default: '1' },
        runs: { type: 'string', default: '1' },
        jobs: { type: 'string' },
        ledger: { type: 'string' },
        shard: { type: 'string', default: '1/1' },
        once: { type: 'boolean', default: false },
        twice: { type: 'boolean', default: false },
        report: { type: 'string' },
        json: { type: 'boolean', default: false }
      }
    })
  } catch (error) {
    throw new WrongUse((error as Error).message)
  }
  const { values, positionals } = parsed
  const world = RUN_WORLDS.find((known) => known === values.world)
  if (!world) throw new WrongUse(`unknown world "${values.world}"; there are: ${RUN_WORLDS.join(', ')}`)
  if (values.once && values.twice) throw new WrongUse('--once and --twice exclude each other')
  const seed = numberIn('--seed', values.seed, 0, MAX_SEED)
  const runs = numberIn('--runs', values.runs, 1, MAX_RUNS)
  if (seed + runs - 1 > MAX_SEED)
    throw new WrongUse(`--seed ${seed} --runs ${runs} goes beyond the last seed, ${MAX_SEED}`)
  return {
    names: await scenariosNamed(catalogue, positionals, world),
    world,
    seed,
    runs,
    jobs: numberIn(
      '--jobs',
      values.jobs ?? String(isReal(world) ? LOCAL_JOBS : availableParallelism()),
      1,
      MAX_JOBS
    ),
    ledger: ledgerOf(values.ledger, world),
    shard: shardOf(values.shard),
    twice: !isReal(world) && !values.once,
    report: values.report
  }
}

/** Processes of their own, and this machine's time. */
function isReal(world: RunWorld): boolean {
  return world === 'local' || world === 'containers'
}

/** A scenario of local processes does not mind where their servers are. */
function runsIn(worlds: readonly WorldName[], world: RunWorld): boolean {
  return worlds.includes(world === 'containers' ? 'local' : world)
}

async function containerServers(): Promise<ContainerServers> {
  // Read here: it is much code, which the other worlds do not need.
  const { startContainerServers, ContainerStartError, NoEngineError } =
    await import('../worlds/containers/servers.ts')
  try {
    return await startContainerServers()
  } catch (error) {
    if (error instanceof NoEngineError) throw new NotHereError(error.message)
    if (error instanceof ContainerStartError) throw new WrongUse(error.message)
    throw error
  }
}

function ledgerOf(name: string | undefined, world: RunWorld): LocalLedger {
  if (name !== undefined && !isReal(world))
    throw new WrongUse(`--ledger is of the local world and of containers, not of the ${world} one`)
  const ledger = LOCAL_LEDGERS.find((known) => known === (name ?? 'postgres'))
  if (ledger === undefined)
    throw new WrongUse(`unknown ledger "${name}"; local networks have: ${LOCAL_LEDGERS.join(', ')}`)
  if (ledger === 'tigerbeetle' && findTigerBeetle() === undefined) throw new WrongUse(NO_TIGERBEETLE)
  return ledger
}

/** `2/3`: the second of three. */
function shardOf(text: string): Options['shard'] {
  const [, index, of] = /^([1-9]\d{0,4})\/([1-9]\d{0,4})$/.exec(text) ?? []
  if (index === undefined || Number(index) > Number(of))
    throw new WrongUse(`--shard needs two whole numbers such as 1/4, the first not the larger, not "${text}"`)
  return { index: Number(index) - 1, of: Number(of) }
}

async function scenariosNamed(catalogue: Catalogue, names: string[], world: RunWorld): Promise<string[]> {
  const known = catalogue.names()
  if (names.length === 0) throw new WrongUse('a scenario is needed, or "all"; lab run --list names them')
  const all = names.includes('all')
  const unknown = names.find((name) => name !== 'all' && !known.includes(name))
  if (unknown !== undefined)
    throw new WrongUse(`unknown scenario "${unknown}"; there are: ${known.join(', ')}`)
  const chosen: string[] = []
  for (const name of all ? known : names) {
    const { worlds } = await loaded(catalogue, name)
    if (runsIn(worlds, world)) chosen.push(name)
    else if (!all)
      throw new WrongUse(
        `scenario "${name}" does not run in the ${world} world, but in: ${worlds.join(', ')}`
      )
  }
  return chosen
}

async function loaded(catalogue: Catalogue, name: string): Promise<Awaited<ReturnType<typeof loadScenario>>> {
  try {
    return await loadScenario(catalogue.file(name))
  } catch (error) {
    throw new ScenarioFailedError(`${name}: ${(error as Error).message}`, { cause: error })
  }
}
