import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createSystemRuntime } from './runtime.ts'
import type { Database } from './database.ts'
import { MAX_NUMBERED_TEXTS } from './lean-runner.ts'
import { createTestDatabase } from './testing.ts'
import type { TestDatabase } from './testing.ts'

interface Thing {
  id: bigint
  what: string | null
}

describe('statements that go the short way', () => {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  let test: TestDatabase
  let database: Database

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    database = runtime.openDatabase({ url: test.url, maxConnections: 2 })
    await database.knex.raw('CREATE TABLE things (id int8 PRIMARY KEY, what text)')
  })
  afterAll(async () => {
    await database.close()
    await test.drop()
    runtime.kill()
  })

  it('answer as knex does, whatever they are, and each counts once', async () => {
    const { knex } = database
    const before = database.statementCount()
    expect(await knex('things').insert([{ id: 1n, what: 'one?' }, { id: 2n }])).toMatchObject({ rowCount: 2 })
    expect(await knex('things').insert({ id: 3n, what: 'three' }).returning('what')).toEqual([
      { what: 'three' }
    ])
    expect(await knex('things').where({ id: 1n }).first()).toEqual({ id: 1n, what: 'one?' })
    expect(await knex('things').where({ id: 9n }).first()).toBeUndefined()
    expect(await knex('things').orderBy('id').pluck('id')).toEqual([1n, 2n, 3n])
    expect(await knex<Thing>('things').whereIn('id', [1n, 3n]).orderBy('id').select('what')).toEqual([
      { what: 'one?' },
      { what: 'three' }
    ])
    expect(await knex('things').where({ id: 2n }).update({ what: 'two' })).toBe(1)
    expect(await knex('things').where({ id: 2n }).update({ what: 'zwei' }).returning('id')).toEqual([
      { id: 2n }
    ])
    expect(await knex('things').where({ id: 2n }).delete()).toBe(1)
    const { rows } = await knex.raw<{ rows: unknown[] }>(
      `SELECT '\\?' AS mark, ??, ?::text AS text FROM ?? WHERE id = ?`,
      ['what', 'a', 'things', '3']
    )
    expect(rows).toEqual([{ mark: '?', what: 'three', text: 'a' }])
    expect(database.statementCount() - before).toBe(10)
  })

  it('that fail say with which text and why, without the values, and give their connection back', async () => {
    const insert = () => database.knex('things').insert({ id: 1n, what: 'a secret' })
    for (let times = 0; times < 5; times++) {
      const failure: unknown = await insert().catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: '23505', constraint: 'things_pkey' })
      expect(String(failure)).toContain('insert into "things" ("id", "what") values ($1, $2) - duplicate key')
      expect(String(failure)).not.toContain('a secret')
    }
    await expect(database.knex.raw('SELECT ?', [])).rejects.toThrow('Expected 0 bindings, saw 1')
    expect(await database.knex('things').count({ all: '*' })).toEqual([{ all: 2n }])
  })

  it('tell who listens, as knex does', async () => {
    const told: string[] = []
    await database
      .knex('things')
      .where({ id: 1n })
      .on('query', ({ sql }: { sql: string }) => told.push(sql))
    expect(told).toEqual(['select * from "things" where "id" = ?'])
  })

  it('are as good when more texts came than are remembered', async () => {
    for (let more = 0; more <= MAX_NUMBERED_TEXTS; more += 100) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, number) =>
          database.knex.raw<{ rows: { value: number }[] }>(
            `SELECT ?::int AS value, ${more + number} AS what`,
            [number]
          )
        )
      )
      expect(answers.map(({ rows }) => rows[0]!.value)).toEqual(
        Array.from({ length: 100 }, (_, number) => number)
      )
    }
  })
})
