import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { imagePath } from './pglite-engine.ts'
import { VirtualRunError } from './child-job.ts'
import type { ChildJob, ChildMessage, VirtualRunOptions, VirtualRunResult } from './child-job.ts'

/** Processes that live worlds, one after the other each. */
export interface WorldPool {
  /**
   * Runs a scenario in a world of its own; it waits for a free process. Equal seeds have equal histories, whatever ran
   * in that process before.
   *
   * @param modulePath absolute path of a module whose default export is `(world, args) => Promise<JSON value>`; its
   *   export `prepare(args)`, where there is one, is awaited before the world begins. It is loaded once per process and
   *   keeps nothing between runs.
   * @param args a JSON value
   * @throws VirtualRunError with the scenario's error, or what the world had to say
   */
  run<T = unknown>(
    modulePath: string,
    args: unknown,
    options: VirtualRunOptions
  ): Promise<VirtualRunResult<T>>
  /** Ends the processes; runs that wait are refused. */
  close(): Promise<void>
}

export const DEFAULT_WALL_LIMIT_MS = 120_000
/** Worlds that one process lives at most: what a library may gather in it has an end. */
export const MAX_WORLDS_PER_PROCESS = 500
/** A process that holds more after a run lives no other. */
export const MAX_PROCESS_BYTES = 2 * 1024 ** 3

const ENTRY = path.join(import.meta.dirname, 'child.ts')
/** Compiled modules are kept between processes: compiling them takes longer than many a scenario. */
const COMPILE_CACHE = path.join(path.dirname(imagePath()), 'compiled')
/** Of what a process writes to its standard outputs, the end is repeated in errors. */
const KEPT_OUTPUT_CHARACTERS = 4_000

interface Waiting {
  job: ChildJob
  wallLimitMs: number
  resolve(message: ChildMessage & { ok: true }): void
  reject(error: Error): void
}

interface Worker {
  child: ChildProcess
  current: Waiting | undefined
  limit: NodeJS.Timeout | undefined
  isOverdue: boolean
  output: string
  worlds: number
}

/** @param options.jobs processes side by side. Default: one per processor */
export function createWorldPool({ jobs = availableParallelism() }: { jobs?: number } = {}): WorldPool {
  const { submit, close } = createChildren(jobs)
  return {
    async run<T>(
      modulePath: string,
      args: unknown,
      { wallLimitMs = DEFAULT_WALL_LIMIT_MS, ...options }: VirtualRunOptions
    ) {
      const module = pathToFileURL(modulePath).href
      const message = await submit({ kind: 'run', module, args, ...options }, wallLimitMs)
      const { result, hash, events, simulatedMs, wallMs } = message
      return { result: result as T, hash, events, simulatedMs, wallMs }
    },
    close
  }
}

/** Works with a pool that is there already, or else with one of its own, which ends with the work. */
export async function withWorldPool<T>(
  { pool, jobs }: { pool?: WorldPool | undefined; jobs?: number },
  work: (pool: WorldPool) => Promise<T>
): Promise<T> {
  if (pool) return work(pool)
  const own = createWorldPool(jobs === undefined ? {} : { jobs })
  try {
    return await work(own)
  } finally {
    await own.close()
  }
}

/** Children that work off one queue: started when there is work for them, replaced when they end. */
export function createChildren(jobs: number): {
  submit(job: ChildJob, wallLimitMs: number): Promise<ChildMessage & { ok: true }>
  close(): Promise<void>
} {
  const queue: Waiting[] = []
  const workers = new Set<Worker>()
  let closed = false

  function submit(job: ChildJob, wallLimitMs: number): Promise<ChildMessage & { ok: true }> {
    return new Promise((resolve, reject) => {
      if (closed) return reject(new VirtualRunError('the pool of worlds is closed', 'process'))
      queue.push({ job, wallLimitMs, resolve, reject })
      assign()
    })
  }

  function assign(): void {
    while (queue.length > 0) {
      let worker = [...workers].find(({ current }) => current === undefined)
      if (!worker && workers.size < jobs) workers.add((worker = start()))
      if (!worker) return
      give(worker, queue.shift()!)
    }
  }

  function give(worker: Worker, work: Waiting): void {
    worker.current = work
    worker.output = ''
    worker.worlds += 1
    worker.limit = setTimeout(() => {
      worker.isOverdue = true
      worker.child.kill('SIGKILL')
    }, work.wallLimitMs)
    worker.child.send(work.job)
  }

  function start(): Worker {
    const child = fork(ENTRY, [], {
      execPath: nodeBinary(),
      // A larger nursery: a world of many services makes much that does not live long.
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=64'],
      // A fixed environment: what happens in the world follows from the seed, not from this machine.
      env: { TZ: 'UTC', LANG: 'C', NODE_ENV: 'test', NODE_COMPILE_CACHE: COMPILE_CACHE },
      serialization: 'json',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    })
    const worker: Worker = {
      child,
      current: undefined,
      limit: undefined,
      isOverdue: false,
      output: '',
      worlds: 0
    }
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8')
      stream.on(
        'data',
        (text: string) => (worker.output = (worker.output + text).slice(-KEPT_OUTPUT_CHARACTERS))
      )
    }
    child.on('message', (message) => answered(worker, message as ChildMessage))
    child.on('error', (error) => settle(worker, (work) => work.reject(error)))
    child.on('close', (code, signal) => {
      workers.delete(worker)
      const ended = `the world's process ended by itself (${signal ?? `exit status ${code}`})`
      settle(worker, ({ reject, wallLimitMs }) =>
        reject(
          failure(
            worker,
            worker.isOverdue
              ? `the world took longer than its limit of ${wallLimitMs} ms of real time`
              : ended,
            'process'
          )
        )
      )
      assign()
    })
    return worker
  }

  function answered(worker: Worker, message: ChildMessage): void {
    const isWornOut =
      !message.ok || worker.worlds >= MAX_WORLDS_PER_PROCESS || message.rssBytes > MAX_PROCESS_BYTES
    settle(worker, ({ resolve, reject }) => {
      if (message.ok) resolve(message)
      else reject(failure(worker, message.error, message.fault ?? 'scenario'))
    })
    if (isWornOut) {
      workers.delete(worker)
      worker.child.kill('SIGKILL')
    }
    assign()
  }

  function settle(worker: Worker, how: (work: Waiting) => void): void {
    clearTimeout(worker.limit)
    const work = worker.current
    worker.current = undefined
    if (work) how(work)
  }

  return {
    submit,
    async close() {
      closed = true
      for (const { reject } of queue.splice(0))
        reject(new VirtualRunError('the pool of worlds is closed', 'process'))
      await Promise.all(
        [...workers].map(({ child }) => {
          const ended = new Promise((resolve) => child.once('close', resolve))
          child.kill('SIGKILL')
          return ended
        })
      )
    }
  }
}

function failure({ output }: Worker, why: string, fault: VirtualRunError['fault']): VirtualRunError {
  return new VirtualRunError(output === '' ? why : `${why}\nits last output:\n${output}`, fault)
}

/** Node 24, which runs TypeScript: the one that runs this, or the one that the project brings. */
function nodeBinary(): string {
  const [major] = process.versions.node.split('.')
  return Number(major) >= 24
    ? process.execPath
    : path.resolve(import.meta.dirname, '../../../node_modules/.bin/node')
}
