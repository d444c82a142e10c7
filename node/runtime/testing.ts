import { randomInt } from 'node:crypto'
import pg from 'pg'
import type { Network } from './network.ts'

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
