import { authMigrationSets } from '../../../node/auth/index.ts'
import { backendMigrationSets } from '../../../node/backend/index.ts'
import { createSystemRuntime } from '../../../node/runtime/index.ts'
import { binariesOnPath, startEmbeddedPostgres } from '../../services/embedded-postgres.ts'
import type { EmbeddedPostgres } from '../../services/embedded-postgres.ts'

/** A PostgreSQL for interleave worlds, as their processes are told of it. */
export interface ServerAddress {
  port: number
  /** A database that holds, in schemas, what services' migrations make. */
  template: string
  prepared: Readonly<Record<string, readonly string[]>>
}

export interface InterleaveServer {
  readonly address: ServerAddress
  readonly description: string
  stop(): Promise<void>
}

/** Nodes of a network whose databases are there when it starts; those of further nodes are made as on any machine. */
const PREPARED_NODES = 2
const TEMPLATE = 'prepared'

const SETTINGS = [
  // Whoever closes a circle of sessions that wait for each other is told so; before the world goes on (thread.ts).
  'deadlock_timeout=3ms',
  // What happens behind nobody's statement.
  'autovacuum=off',
  'max_parallel_workers_per_gather=0',
  'jit=off'
]

/** Starts a PostgreSQL of our own; its data is gone when it stops. */
export async function startInterleaveServer(): Promise<InterleaveServer> {
  const binaries = binariesOnPath()
  const options = { durable: false, settings: SETTINGS }
  const server = await (binaries === undefined
    ? startEmbeddedPostgres(options)
    : startEmbeddedPostgres(options, binaries))
  try {
    const prepared = await prepare(server)
    const { port, pid, stop } = server
    return {
      address: { port, template: TEMPLATE, prepared },
      description: `PostgreSQL on 127.0.0.1:${port} (process ${pid})`,
      stop
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function prepare(server: EmbeddedPostgres): Promise<ServerAddress['prepared']> {
  const runtime = createSystemRuntime({ name: 'lab', logLevel: 'warn' })
  const kinds = { backend: backendMigrationSets({ LEDGER: 'postgres' }), auth: authMigrationSets }
  const url = await server.createDatabase(TEMPLATE)
  const prepared: Record<string, string[]> = {}
  for (const [kind, sets] of Object.entries(kinds)) {
    prepared[kind] = []
    for (let node = 1; node <= PREPARED_NODES; node += 1) {
      const schema = `prepared_${kind}_${node}`
      const of = new URL(url)
      of.searchParams.set('options', `-c search_path=${schema}`)
      const database = runtime.openDatabase({ url: of.href, maxConnections: 1 })
      try {
        await database.knex.raw(`CREATE SCHEMA ${schema}`)
        for (const { name, migrations } of sets) await database.migrate(name, migrations)
      } finally {
        await database.close()
      }
      prepared[kind].push(schema)
    }
  }
  runtime.kill()
  return prepared
}
