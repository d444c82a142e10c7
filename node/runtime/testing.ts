import pg from 'pg'

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
