import { randomInt } from 'node:crypto'
import pg from 'pg'
import type { Network, Socket } from './network.ts'

/**
 * Below the range that systems take the ports of outgoing connections from: a port from there may be gone again
 * between being found free and being listened on.
 */
const FIRST_PORT = 10_240
const LAST_PORT = 32_767

/** A port that nobody listens on, for what has its own URL in its configuration. For tests only. */
export async function freePort({ network }: { network: Network }): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    try {
      const listener = await network.listen({ host: '127.0.0.1', port }, (socket) => socket.destroy())
      await listener.close()
      return port
    } catch (error) {
      if ((error as { code?: string }).code !== 'EADDRINUSE') throw error
    }
  }
}

/** A database of a test's own. */
export interface TestDatabase {
  url: string
  drop(): Promise<void>
}

/** Creates a database on the server of `adminUrl` under a name that no other has. For tests only. */
export async function createTestDatabase(adminUrl: string): Promise<TestDatabase> {
  const name = `test_${process.pid}_${process.hrtime.bigint()}`
  await administer(adminUrl, `CREATE DATABASE "${name}"`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => administer(adminUrl, `DROP DATABASE "${name}" WITH (FORCE)`) }
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A way to a database that can stop carrying anything, in both directions or back only, and stays open. */
export interface SwallowingProxy {
  url: string
  /** From now on the connections that stand carry nothing any more; new ones do. */
  swallow(what: 'everything' | 'answers'): void
  /** Connections so far. */
  connections(): number
  close(): Promise<void>
}

/** A network between a client and the server of `databaseUrl` that loses what it carries. For tests only. */
export async function createSwallowingProxy(network: Network, databaseUrl: string): Promise<SwallowingProxy> {
  const server = new URL(databaseUrl)
  const ways: { client: Socket; server: Socket }[] = []
  const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (client) => {
    const way = {
      client,
      server: network.connect({ host: server.hostname, port: Number(server.port || 5432) })
    }
    ways.push(way)
    way.client.pipe(way.server)
    way.server.pipe(way.client)
    for (const [one, other] of [
      [way.client, way.server],
      [way.server, way.client]
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${listener.address.port}`
  return {
    url: url.href,
    swallow(what) {
      for (const way of ways) {
        way.server.unpipe(way.client)
        way.server.on('data', () => undefined)
        if (what === 'answers') continue
        way.client.unpipe(way.server)
        way.client.on('data', () => undefined)
      }
    },
    connections: () => ways.length,
    async close() {
      for (const { client } of ways) client.destroy()
      await listener.close()
    }
  }
}
