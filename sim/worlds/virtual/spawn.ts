import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { imagePath } from './pglite-engine.ts'

/** What the parent asks of the world's process. */
export type ChildJob =
  | { kind: 'image' }
  | {
      kind: 'run'
      seed: string
      /** URL of the module whose default export is the scenario. */
      module: string
      args: unknown
      logFile?: string
      latencyMs?: number
      database?: boolean
      limitMs?: number
    }

export type ChildMessage =
  | { ok: true; result: unknown; hash: string; events: number; simulatedMs: number; wallMs: number }
  | {
      ok: false
      error: string
      /** Whose fault it is: the world came to a stop, or the scenario threw. */
      fault?: VirtualRunError['fault']
    }

export interface VirtualRunOptions {
  seed: string
  /** Real time that the process may take, start-up included. */
  wallLimitMs?: number
  /** Simulated time that the scenario may take. */
  limitMs?: number
  /** The whole history as text is written here. */
  logFile?: string
  latencyMs?: number
  database?: boolean
}

export interface VirtualRunResult<T> {
  /** What the scenario returned, as JSON. */
  result: T
  /** SHA-256 over every message, statement, timer and random draw: equal for equal seeds. */
  hash: string
  /** Events in the history. */
  events: number
  /** Simulated time that the scenario took. */
  simulatedMs: number
  /** Processor time that the scenario took, start-up not counted. */
  wallMs: number
}

/** The world's process failed: the scenario threw, the world was stuck, or it took too long. */
export class VirtualRunError extends Error {
  override name = 'VirtualRunError'
  /**
   * `world`: it was stuck, spun, deadlocked at the database, or took too long. `scenario`: code threw. `process`: it
   * ended or was ended from outside.
   */
  readonly fault: 'world' | 'scenario' | 'process'
  constructor(message: string, fault: VirtualRunError['fault']) {
    super(message)
    this.fault = fault
  }
}

export const DEFAULT_WALL_LIMIT_MS = 120_000
const ENTRY = path.join(import.meta.dirname, 'child.ts')
/** Compiled modules are kept between runs: compiling them takes longer than many a scenario. */
const COMPILE_CACHE = path.join(path.dirname(imagePath()), 'compiled')
/** Of what the process writes to its standard outputs, the end is repeated in errors. */
const KEPT_OUTPUT_CHARACTERS = 4_000

/**
 * Runs a scenario in a virtual world of its own, in a process of its own.
 *
 * @param modulePath absolute path of a module whose default export is `(world, args) => Promise<JSON value>`; its
 *   export `prepare(args)`, where there is one, is awaited before the world begins
 * @param args a JSON value
 * @throws VirtualRunError with the scenario's error, or what the world had to say
 */
export async function runInVirtualWorld<T = unknown>(
  modulePath: string,
  args: unknown,
  { wallLimitMs = DEFAULT_WALL_LIMIT_MS, ...options }: VirtualRunOptions
): Promise<VirtualRunResult<T>> {
  if (options.database !== false) await ensureImage()
  const module = pathToFileURL(modulePath).href
  const message = await runChild({ kind: 'run', module, args, ...options }, wallLimitMs)
  const { result, hash, events, simulatedMs, wallMs } = message
  return { result: result as T, hash, events, simulatedMs, wallMs }
}

/** Makes the database image that worlds start from, unless it is there: once per installation, a few seconds. */
export async function ensureImage(): Promise<void> {
  if (existsSync(imagePath())) return
  await runChild({ kind: 'image' }, DEFAULT_WALL_LIMIT_MS)
}

function runChild(job: ChildJob, wallLimitMs: number): Promise<ChildMessage & { ok: true }> {
  return new Promise((resolve, reject) => {
    const child = fork(ENTRY, [JSON.stringify(job)], {
      execPath: nodeBinary(),
      // A larger nursery: a world of many services makes much that does not live long.
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=64'],
      // A fixed environment: what happens in the world follows from the seed, not from this machine.
      env: { TZ: 'UTC', LANG: 'C', NODE_ENV: 'test', NODE_COMPILE_CACHE: COMPILE_CACHE },
      serialization: 'json',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    })
    let message: ChildMessage | undefined
    let output = ''
    let overdue = false
    const limit = setTimeout(() => {
      overdue = true
      child.kill('SIGKILL')
    }, wallLimitMs)
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => (output = (output + text).slice(-KEPT_OUTPUT_CHARACTERS)))
    }
    child.on('message', (received) => (message ??= received as ChildMessage))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      if (message?.ok) return resolve(message)
      const why = overdue
        ? `the world took longer than its limit of ${wallLimitMs} ms of real time`
        : (message?.error ?? `the world's process ended by itself (${signal ?? `exit status ${code}`})`)
      const fault = overdue || message === undefined ? 'process' : (message.fault ?? 'scenario')
      reject(new VirtualRunError(output === '' ? why : `${why}\nits last output:\n${output}`, fault))
    })
  })
}

/** Node 24, which runs TypeScript: the one that runs this, or the one that the project brings. */
function nodeBinary(): string {
  const [major] = process.versions.node.split('.')
  return Number(major) >= 24
    ? process.execPath
    : path.resolve(import.meta.dirname, '../../../node_modules/.bin/node')
}
