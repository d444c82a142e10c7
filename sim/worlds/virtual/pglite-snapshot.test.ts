import { beforeAll, describe, expect, test } from 'vitest'
import { queryEngine, readImage, startEngine } from './pglite-engine.ts'
import type { Engine } from './pglite-engine.ts'
import { snapshotEngine } from './pglite-snapshot.ts'
import { ensureImage } from './spawn.ts'

describe('a PostgreSQL that is put back', () => {
  let engine: Engine
  let putBack: () => void
  beforeAll(async () => {
    await ensureImage()
    engine = await startEngine(readImage())
    queryEngine(engine, 'CREATE TABLE base (id int PRIMARY KEY, word text)')
    queryEngine(engine, "INSERT INTO base SELECT each, 'as it was' FROM generate_series(1, 500) each")
    putBack = snapshotEngine(engine.module)
  }, 60_000)

  /** Files made, grown, cut short and removed; pages written out; ids, settings and statements of the session. */
  function live(): string {
    const told: unknown[] = []
    const sql = (text: string) => told.push(queryEngine(engine, text))
    for (const table of ['one', 'two', 'three']) {
      sql(`CREATE TABLE ${table} (id serial PRIMARY KEY, word text)`)
      sql(`INSERT INTO ${table} (word) SELECT md5(each::text) FROM generate_series(1, 500) each`)
    }
    sql("UPDATE base SET word = 'changed' WHERE id % 3 = 0")
    sql('CHECKPOINT')
    sql('DROP TABLE two; TRUNCATE three')
    sql("SET search_path = 'elsewhere'; PREPARE asked AS SELECT 1; RESET search_path")
    sql('BEGIN; CREATE TABLE never (id int); ROLLBACK')
    sql('SELECT count(*), md5(string_agg(word, $$,$$ ORDER BY id)) FROM base')
    sql('SELECT txid_current(), pg_current_wal_lsn(), max(oid), count(*) FROM pg_class')
    return JSON.stringify(told)
  }

  test('lives the same life every time, ids and places in the log of writes too', () => {
    putBack()
    const first = live()
    expect(first).toMatch(/pg_|\d/)
    for (let time = 0; time < 2; time++) {
      putBack()
      expect(queryEngine(engine, 'SELECT count(*), min(word), max(word) FROM base')).toEqual([
        ['500', 'as it was', 'as it was']
      ])
      putBack()
      expect(live()).toBe(first)
    }
  })

  test('without being put back, it does not', () => {
    putBack()
    live()
    expect(() => live()).toThrow(/already exists/)
  })
})
