import pg from 'pg'
import { RUN_MARKER } from '../worlds/local/run-directory.ts'
import type { RunDirectory } from '../worlds/local/run-directory.ts'
import { binariesOnPath, startEmbeddedPostgres } from './embedded-postgres.ts'

/** The PostgreSQL of a local network: one server, a database per service. */
export interface PostgresService {
  readonly description: string
  /** Of the server that we started; undefined for somebody else's. */
  readonly pid?: number
  url(databaseName: string): string
  createDatabase(name: string): Promise<unknown>
  /** Resolves with what to tell when it cannot go on; never for a server that is not ours. */
  readonly failed: Promise<string>
  stop(): Promise<void>
}

/** Names the server to use instead of one of our own: its user must be allowed to create databases. */
const ADDRESS_VARIABLE = 'LAB_POSTGRES_URL'

/**
 * A PostgreSQL: the given one, or one that is found: an address in the environment, binaries on PATH started privately, the embedded one.
 * (Nothing here asks a container engine: the containers world does.)
 */
export async function startPostgres(
  run: RunDirectory,
  given?: { url: string; description: string }
): Promise<PostgresService> {
  if (given) return useServer(given.url, run, given.description)
  const address = process.env[ADDRESS_VARIABLE]
  if (address !== undefined && address !== '')
    return useServer(address, run, `PostgreSQL of ${ADDRESS_VARIABLE}`)
  const environment = { [RUN_MARKER]: run.id }
  const onPath = binariesOnPath()
  const started = await startEmbeddedPostgres({ environment }, onPath)
  return onPath === undefined
    ? started
    : {
        ...started,
        description: `PostgreSQL of ${onPath} on 127.0.0.1:${started.port} (process ${started.pid})`
      }
}

/** A server that somebody else runs: our databases carry the run's name and are dropped at the end. */
function useServer(address: string, run: RunDirectory, name: string): PostgresService {
  const created: string[] = []
  const prefix = `lab_${run.id.replaceAll('-', '_')}_`
  const url = (name: string) => {
    const result = new URL(address)
    result.pathname = `/${prefix}${name}`
    return result.href
  }
  async function administer(statement: (client: pg.Client) => string): Promise<void> {
    const client = new pg.Client({ connectionString: address })
    await client.connect()
    try {
      await client.query(statement(client))
    } finally {
      await client.end()
    }
  }
  return {
    description: `${name} (${new URL(address).host})`,
    url,
    async createDatabase(name) {
      await administer((client) => `CREATE DATABASE ${client.escapeIdentifier(prefix + name)}`)
      created.push(prefix + name)
    },
    failed: new Promise(() => undefined),
    async stop() {
      for (const name of created.splice(0)) {
        await administer((client) => `DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`)
      }
    }
  }
}
