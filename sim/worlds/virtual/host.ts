import { createImage, readImage, writeImage } from './pglite-engine.ts'
import { forgetConnections, installLibraries } from './libraries.ts'
import { startStandingPostgres } from './prepared.ts'
import type { StandingPostgres } from './prepared.ts'
import { createServerEngine } from '../interleave/engine.ts'
import type { ServerEngine } from '../interleave/engine.ts'
import { interleavedGate } from '../interleave/gate.ts'
import type { ServerGate } from '../interleave/gate.ts'
import { worldDatabaseName } from '../interleave/database-name.ts'
import type { ServerAddress } from '../interleave/server.ts'
import { WorldError } from './scheduler.ts'
import type { ChildJob, ChildMessage } from './child-job.ts'
import type { openLogFile } from './log-file.ts'
import { installWeb } from './web.ts'
import type { WorldCore } from './world-core.ts'
import { createVirtualWorld } from './world.ts'
import type { GateParts, VirtualWorld } from './world.ts'

/** Names of active resources that stand for work on the thread pool: time waits for it. */
const THREAD_POOL_WORK = /^FSReq/

export interface HostParts {
  globals: { seal(): void; unseal(): void }
  newCore(seed: string, writeLog?: (line: string) => void): WorldCore
  enter(core: WorldCore): void
  openLogFile: typeof openLogFile
}

/** Lives one world after the other in this process. */
export interface Host {
  run(job: ChildJob & { kind: 'run' }): Promise<ChildMessage>
}

type VirtualScenario = (world: VirtualWorld, args: unknown) => Promise<unknown>
interface ScenarioModule {
  default: VirtualScenario
  prepare?: (args: unknown) => Promise<unknown>
}

/** What is loaded once: libraries, and a database that is as new for each world. */
export async function createHost({ globals, newCore, enter, openLogFile }: HostParts): Promise<Host> {
  await installLibraries()
  // Imported by @interledger/open-payments when first needed; here, so that no import falls into simulated time.
  await import('ky')
  const readActiveResources = process.getActiveResourcesInfo.bind(process)
  let postgres: StandingPostgres | undefined

  /** Modules are loaded, and whatever else is no world's happens, in a time and with a randomness of their own. */
  function leaveWorlds(name: string): WorldCore {
    const core = newCore(name)
    enter(core)
    return core
  }

  async function databaseAsNew(): Promise<StandingPostgres> {
    if (postgres) postgres.reset()
    else {
      if (!readImage()) writeImage(await createImage())
      postgres = await startStandingPostgres(leaveWorlds)
    }
    return postgres
  }

  let engine: ServerEngine | undefined
  let interleavedWorlds = 0

  /** A database of this world's own at the server; `end` takes it away. */
  function interleave({ port, template, prepared }: ServerAddress) {
    engine ??= createServerEngine(port)
    const name = worldDatabaseName(process.pid, (interleavedWorlds += 1))
    let gate: ServerGate | undefined
    return {
      createGate: (parts: GateParts) =>
        (gate = interleavedGate(engine!, { database: { name, template }, prepared }, parts)),
      end: () => gate?.end()
    }
  }

  async function live(
    world: VirtualWorld,
    scenario: VirtualScenario,
    { args, limitMs }: ChildJob & { kind: 'run' }
  ): Promise<ChildMessage> {
    const startMs = world.nowMs()
    const startedAt = process.cpuUsage()
    const laboratory = world.runtimeOf(undefined)
    try {
      const result = await world.run(
        laboratory.run(async () => scenario(world, args)),
        limitMs === undefined ? {} : { limitMs }
      )
      const { user, system } = process.cpuUsage(startedAt)
      return {
        ok: true,
        result: result ?? null,
        hash: world.hash(),
        events: world.log.length,
        simulatedMs: world.nowMs() - startMs,
        wallMs: Math.round((user + system) / 1000),
        rssBytes: process.memoryUsage.rss()
      }
    } catch (error) {
      return { ok: false, error: describe(error), fault: error instanceof WorldError ? 'world' : 'scenario' }
    }
  }

  const traces = () => tracesOf(readActiveResources())

  return {
    async run(job) {
      leaveWorlds('loading')
      const interleaved = job.server && interleave(job.server)
      const standing = interleaved ?? (job.database === false ? undefined : await databaseAsNew())
      leaveWorlds('loading')
      const { default: scenario, prepare } = (await import(job.module)) as ScenarioModule
      await prepare?.(job.args)
      const before = traces()
      const logFile = openLogFile(job.logFile)
      const core = newCore(job.seed, logFile?.write)
      enter(core)
      const world = await createVirtualWorld(
        {
          seed: job.seed,
          ...(job.latencyMs !== undefined && { latencyMs: job.latencyMs }),
          ...(standing ? { postgres: standing } : { database: false })
        },
        core
      )
      installWeb(world.runtimeOf)
      world.scheduler.addBlocker(() =>
        readActiveResources().some((name) => THREAD_POOL_WORK.test(name)) ? 'wait' : undefined
      )
      globals.seal()
      const message = await live(world, scenario, job)
      forgetConnections()
      await world.end()
      interleaved?.end()
      globals.unseal()
      logFile?.close()
      leaveWorlds('between worlds')
      const left = difference(before, traces())
      if (left.length === 0) return message
      const error = `the run left behind, in its process: ${left.join(', ')}`
      return { ok: false, error: message.ok ? error : `${message.error}\n${error}`, fault: 'process' }
    }
  }
}

/** What a world could leave in the process: handles, globals, listeners. */
function tracesOf(resources: readonly string[]): string[] {
  return [
    ...resources.map((name) => `a handle (${name})`),
    ...Object.getOwnPropertyNames(globalThis).map((name) => `the global ${name}`),
    ...process
      .eventNames()
      .flatMap((name) =>
        process.listeners(name as never).map(() => `a listener of process "${String(name)}"`)
      )
  ]
}

function difference(before: readonly string[], after: readonly string[]): string[] {
  const left = [...after]
  for (const one of before) {
    const index = left.indexOf(one)
    if (index >= 0) left.splice(index, 1)
  }
  return left
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
