import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { MAX_PREPARED_STATEMENTS } from './prepared-client.ts'
import { createSystemRuntime } from './runtime.ts'
import type { Database } from './database.ts'
import { createTestDatabase } from './testing.ts'
import type { TestDatabase } from './testing.ts'

describe('prepared statements', () => {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  let test: TestDatabase
  let database: Database

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    // One connection, so that its statements can be looked at.
    database = runtime.openDatabase({ url: test.url, maxConnections: 1 })
    await database.knex.raw('CREATE TABLE things (id int8 PRIMARY KEY, what text)')
    await database.knex.raw("INSERT INTO things VALUES (1, 'one'), (2, 'two')")
  })
  afterAll(async () => {
    await database.close()
    await test.drop()
    runtime.kill()
  })

  async function prepared(): Promise<number> {
    const { rows } = await database.knex.raw<{ rows: [{ count: bigint }] }>(
      'SELECT count(*) AS count FROM pg_prepared_statements'
    )
    return Number(rows[0].count)
  }
  const read = (id: number) => database.knex('things').where({ id }).first()

  it('are kept from the second time on, and give the same answers', async () => {
    const before = await prepared()
    expect(await read(1)).toEqual({ id: 1n, what: 'one' })
    expect(await prepared()).toBe(before)
    expect(await read(2)).toEqual({ id: 2n, what: 'two' })
    expect(await prepared()).toBe(before + 1)
    expect(await read(3)).toBeUndefined()
    expect(await prepared()).toBe(before + 1)
  })

  it('that fail leave the connection usable', async () => {
    const insert = (id: number) => database.knex('things').insert({ id, what: 'again' })
    await insert(10)
    await insert(11)
    await expect(insert(11)).rejects.toMatchObject({ code: '23505' })
    expect(await read(11)).toEqual({ id: 11n, what: 'again' })
  })

  it('are prepared anew when a migration changes their table under them', async () => {
    await read(1)
    await read(1)
    await database.knex.raw('ALTER TABLE things ADD COLUMN more text')
    expect(await read(1)).toEqual({ id: 1n, what: 'one', more: null })
    expect(await read(1)).toEqual({ id: 1n, what: 'one', more: null })
  })

  it('within a transaction fail with it, and once', async () => {
    await read(1)
    await read(1)
    await database.knex.raw('ALTER TABLE things DROP COLUMN more')
    const inTransaction = () => database.transaction((trx) => trx('things').where({ id: 1 }).first())
    await expect(inTransaction()).rejects.toMatchObject({ code: '0A000' })
    expect(await inTransaction()).toEqual({ id: 1n, what: 'one' })
  })

  it('are bounded, and beyond the bound statements still run', async () => {
    for (let index = 0; index < MAX_PREPARED_STATEMENTS + 10; index += 1) {
      const ask = () => database.knex.raw(`SELECT ?::int4 + ${index} AS sum`, [1])
      await ask()
      const { rows } = await ask()
      expect(rows).toEqual([{ sum: index + 1 }])
    }
    expect(await prepared()).toBeLessThanOrEqual(MAX_PREPARED_STATEMENTS + 1)
  })
})
