import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createSystemRuntime } from './runtime.ts'
import type { Database } from './database.ts'
import { createTestDatabase } from './testing.ts'
import type { TestDatabase } from './testing.ts'

describe('database', () => {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  let test: TestDatabase
  let database: Database

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    database = runtime.openDatabase({ url: test.url })
  })
  afterAll(async () => {
    await database.close()
    await test.drop()
    runtime.kill()
  })

  it('migrates once, also when two processes start together', async () => {
    const other = runtime.openDatabase({ url: test.url })
    const migrations = [{ name: '0001_things', up: 'CREATE TABLE things (id int8 PRIMARY KEY, what text)' }]
    const results = await Promise.allSettled([
      database.migrate('test', migrations),
      other.migrate('test', migrations)
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
    await database.migrate('test', migrations)
    await database.knex.raw("INSERT INTO things VALUES (?, 'one')", ['18446744073709551615'.slice(0, 18)])
    const { rows } = await database.knex.raw('SELECT id FROM things')
    expect(rows).toEqual([{ id: 184467440737095516n }])
    await other.close()
  })

  it('rolls a transaction back when its work throws', async () => {
    await expect(
      database.transaction(async (trx) => {
        await trx.raw("INSERT INTO things VALUES (2, 'two')")
        throw new Error('no')
      })
    ).rejects.toThrow('no')
    const { rows } = await database.knex.raw('SELECT count(*) AS count FROM things WHERE id = 2')
    expect(rows).toEqual([{ count: 0n }])
  })

  it('hears notifications of other connections once they commit', async () => {
    const heard: string[] = []
    let wake!: () => void
    const woken = new Promise<void>((resolve) => (wake = resolve))
    const stop = await database.listen('things_changed', (payload) => {
      heard.push(payload)
      if (heard.length === 2) wake()
    })
    await database.transaction(async (trx) => {
      await trx.raw("SELECT pg_notify('things_changed', 'a')")
      expect(heard).toEqual([])
    })
    await database.knex.raw("SELECT pg_notify('things_changed', 'b')")
    await woken
    expect(heard).toEqual(['a', 'b'])
    await stop()
  })

  it('listens again after its connection was lost, and says that something may have been missed', async () => {
    let gap!: () => void
    const afterGap = new Promise<void>((resolve) => (gap = resolve))
    let heard!: (payload: string) => void
    const payload = new Promise<string>((resolve) => (heard = resolve))
    const stop = await database.listen('lost', (text) => heard(text), gap)
    await database.knex.raw(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    await afterGap
    await database.knex.raw("SELECT pg_notify('lost', 'found')")
    expect(await payload).toBe('found')
    await stop()
  })

  it('knows how far its clock is from ours', async () => {
    expect(Math.abs(await database.clockDifferenceMs())).toBeLessThan(1_000)
  })
})
