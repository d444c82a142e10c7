import type { EventLog } from './event-log.ts'
import { createVirtualNetwork } from './network.ts'
import type { VirtualNetwork } from './network.ts'
import { runAs } from './owner.ts'
import type { Owner } from './owner.ts'
import { readImage, startEngine } from './pglite-engine.ts'
import type { SqlEngine } from './pglite-engine.ts'
import { createPgliteGate } from './pglite-gate.ts'
import type { GateDeadlock, PgliteGate } from './pglite-gate.ts'
import { createVirtualRuntime } from './runtime.ts'
import type { VirtualRuntime } from './runtime.ts'
import { WorldError } from './scheduler.ts'
import type { Scheduler } from './scheduler.ts'
import { VirtualSocket } from './socket.ts'
import { createWorldCore } from './world-core.ts'
import type { WorldCore } from './world-core.ts'

/** Host and port of the world's PostgreSQL. */
export const POSTGRES_ADDRESS = { host: 'postgres', port: 5432 }

export interface VirtualWorldOptions {
  seed: string
  /** Receives the history as text, line by line. */
  writeLog?: (line: string) => void
  /** One-way latency between two hosts, in milliseconds. */
  latencyMs?: number
  /** False: no PostgreSQL, which takes half a second to start. */
  database?: boolean
  /** A PostgreSQL that stands already, as new; or how to make the gate of another one. Default: one of this world's own. */
  postgres?: Postgres | { createGate(parts: GateParts): PgliteGate }
}

/** What a gate has of its world. */
export interface GateParts {
  nowMs(): number
  /** Calls after some of the world's time, as code of the database server. */
  after(delayMs: number, callback: () => void): void
  /** A number from 0 to `count` - 1, of the seed. */
  pick(count: number): number
  log: EventLog
}

export interface Postgres {
  engine: SqlEngine
  /** Schemas of the engine that hold what a service's migrations make, ready to be named. */
  prepared: Readonly<Record<string, readonly string[]>>
}

export interface ProcessOptions {
  /** Milliseconds that its wall clock is ahead. */
  skewMs?: number
  logLevel?: string
}

export interface VirtualWorld {
  readonly seed: string
  readonly scheduler: Scheduler
  readonly log: EventLog
  readonly network: VirtualNetwork
  /** A random stream of the laboratory's own, by name: for what the world does, beside what its processes do. */
  stream(name: string): Owner
  /** `undefined` in a world without a database. */
  readonly gate: PgliteGate | undefined
  /** A process on `host`. The same name again, after a kill, is its next incarnation with a random stream of its own. */
  runtime(name: string, host: string, options?: ProcessOptions): VirtualRuntime
  /** The process whose code an owner's is; the laboratory's own where that is nobody's. */
  runtimeOf(owner: Owner | undefined): VirtualRuntime
  /**
   * Address of a database of the world's PostgreSQL, made at its first use.
   *
   * @param kind whose migrations it may hold already, where the engine has such a schema left
   */
  databaseUrl(name: string, kind?: string): string
  nowMs(): number
  /**
   * Lets the world live until `until` is settled, or true. Inside of a running world, it just waits.
   *
   * @throws WorldError when the world is stuck, deadlocked, or takes longer than its limit of simulated time
   */
  run<T>(until: Promise<T> | (() => boolean), options?: { limitMs?: number }): Promise<T | undefined>
  advance(byMs: number): Promise<void>
  /** SHA-256 over the history so far. */
  hash(): string
  /** The end: every process of it is killed, and nothing of it may run any more. */
  end(): Promise<void>
}

/**
 * A world in this process: simulated time, a network in memory and a PostgreSQL on it. Libraries that reach for globals
 * get the real ones unless the process is the world's own (`runInVirtualWorld`).
 */
export async function createVirtualWorld(
  options: VirtualWorldOptions,
  core: WorldCore = createWorldCore(options)
): Promise<VirtualWorld> {
  const { scheduler, log, seed } = core
  const network = createVirtualNetwork({
    scheduler,
    log,
    ...(options.latencyMs !== undefined && { latencyMs: options.latencyMs })
  })

  const runtimes = new Map<Owner, VirtualRuntime>()

  function runtime(
    name: string,
    host: string,
    { skewMs = 0, logLevel }: ProcessOptions = {}
  ): VirtualRuntime {
    const owner = core.createOwner(name, { skewMs })
    log.append('process', `${name} ${owner.incarnation} on ${host}`)
    const view = network.view(owner, host)
    const made = createVirtualRuntime({ owner, scheduler, log, network: view, ...(logLevel && { logLevel }) })
    runtimes.set(owner, made)
    return made
  }
  const laboratory = runtime('laboratory', 'laboratory')

  const gate = options.database === false ? undefined : await startPostgres(runtime, core, options.postgres)
  if (gate) scheduler.addBlocker(() => deadlockOf(gate))

  return {
    seed,
    scheduler,
    log,
    network,
    stream: (name) => core.createOwner(name),
    gate,
    runtime,
    runtimeOf: (owner) => (owner && runtimes.get(owner)) ?? laboratory,
    databaseUrl(name, kind) {
      if (kind !== undefined) gate?.adopt(name, kind)
      return `postgres://postgres:postgres@${POSTGRES_ADDRESS.host}:${POSTGRES_ADDRESS.port}/${name}`
    },
    nowMs: () => scheduler.nowMs(),
    run: (until, limits) => scheduler.run(until, limits),
    advance: (byMs) => scheduler.advance(byMs),
    hash: () => log.hash(),
    async end() {
      for (const one of runtimes.values()) one.kill()
      await core.end()
    }
  }
}

async function startPostgres(
  runtime: VirtualWorld['runtime'],
  { scheduler, log, createOwner }: WorldCore,
  standing: VirtualWorldOptions['postgres']
): Promise<PgliteGate> {
  const server = runtime('postgres', POSTGRES_ADDRESS.host)
  const gate =
    standing && 'createGate' in standing
      ? standing.createGate({
          nowMs: () => scheduler.nowMs(),
          after: (delayMs, callback) => void scheduler.after(delayMs, callback, { owner: server.owner }),
          pick: pickerOf(createOwner('interleave')),
          log
        })
      : await pgliteGate(server, log, standing)
  await server.network.listen(POSTGRES_ADDRESS, (socket) => {
    const { remotePort, label } = socket as VirtualSocket
    gate.accept(socket, label === '' ? `port ${remotePort}` : label.replace(/ .*/, ''))
  })
  return gate
}

async function pgliteGate(
  server: VirtualRuntime,
  log: EventLog,
  standing: Postgres | undefined
): Promise<PgliteGate> {
  const { engine, prepared } = standing ?? {
    engine: await server.run(() => startEngine(readImage())),
    prepared: {}
  }
  return createPgliteGate({
    prepared,
    engine: { execute: (messages) => runAs(server.owner, () => engine.execute(messages)) },
    onUnit: ({ id, database }, bytes) => log.append('statement', `${database} session ${id}`, bytes)
  })
}

function pickerOf(stream: Owner): GateParts['pick'] {
  return (count) => stream.draw(4).readUInt32BE(0) % count
}

/** Time must not pass while a transaction waits for something else and others wait for the transaction. */
function deadlockOf(gate: PgliteGate): WorldError | undefined {
  const deadlock = gate.deadlock()
  if (!deadlock || (deadlock.holder.socket instanceof VirtualSocket && deadlock.holder.socket.moving))
    return undefined
  return new WorldError(describeDeadlock(deadlock))
}

export function describeDeadlock({ holder, waiting }: GateDeadlock): string {
  const waiters = waiting.map(({ peer, database, sql }) => `  ${peer} (database ${database}): ${sql}`)
  return [
    `deadlock at the database: ${holder.peer} (database ${holder.database}) is idle in the transaction opened by "${holder.openedBy}", and waits for something other than the database, while these wait for it to end:`,
    ...waiters,
    'Await nothing but the database inside of a transaction, and send all of its statements over the transaction.'
  ].join('\n')
}
