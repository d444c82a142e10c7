import pg from 'pg'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../node/runtime/index.ts'
import { queryEngine, readImage, startEngine } from './pglite-engine.ts'
import type { SqlEngine } from './pglite-engine.ts'
import { MAX_PARSED_STATEMENTS } from './pglite-statements.ts'
import type { VirtualRuntime } from './runtime.ts'
import { WorldError } from './scheduler.ts'
import { ensureImage } from './spawn.ts'
import { createVirtualWorld } from './world.ts'
import type { VirtualWorld } from './world.ts'

// The clients are knex and pg, unmodified, on the world's network. Their own timers are this process's real ones here,
// and none of them is waited for.

let world: VirtualWorld
let acacia: VirtualRuntime
let baobab: VirtualRuntime
let acaciaDatabase: Database
let baobabDatabase: Database
let acaciaUrl: string
let baobabUrl: string
let tests = 0

beforeAll(async () => {
  await ensureImage()
  world = await createVirtualWorld({ seed: 'gate' })
}, 120_000)

// One world, and databases of its own for each test: starting PostgreSQL takes longer than all of them together.
beforeEach(() => {
  tests += 1
  acaciaUrl = world.databaseUrl(`acacia_${tests}`)
  baobabUrl = world.databaseUrl(`baobab_${tests}`)
  acacia = world.runtime('acacia', 'acacia')
  baobab = world.runtime('baobab', 'baobab')
  acaciaDatabase = acacia.openDatabase({ url: acaciaUrl, maxConnections: 3 })
  baobabDatabase = baobab.openDatabase({ url: baobabUrl, maxConnections: 3 })
})

afterEach(async () => {
  acacia.kill()
  baobab.kill()
  await world.advance(10)
  expect(world.gate!.sessionCount()).toBe(0)
})

/** A client of pg of its own, as several connections of one service have. */
async function connect(runtime: VirtualRuntime, options: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: runtime === acacia ? acaciaUrl : baobabUrl,
    stream: () => runtime.network.socket() as never,
    ...options
  })
  client.on('error', (error) => expect.soft(error.message).toMatch(/terminated/))
  await world.run(client.connect())
  return client
}

async function createRows(database: Database): Promise<void> {
  await world.run(
    database.knex.raw('CREATE TABLE rows (id int PRIMARY KEY, note text)') as unknown as Promise<void>
  )
}

async function notes(database: Database): Promise<string[]> {
  const rows = await world.run(
    database
      .knex('rows')
      .orderBy('id')
      .then((found) => found)
  )
  return (rows as { note: string }[]).map(({ note }) => note)
}

describe('without the gate', () => {
  test("one service's insert lands in another's schema and vanishes with another's rollback", async () => {
    const engine: SqlEngine = await startEngine(readImage())
    for (const schema of ['acacia', 'baobab']) {
      queryEngine(engine, `CREATE SCHEMA ${schema}`)
      queryEngine(engine, `CREATE TABLE ${schema}.rows (id int, note text)`)
    }
    // Each service sets its search_path when it connects, as it would on a session of its own.
    queryEngine(engine, 'SET search_path TO acacia')
    queryEngine(engine, 'SET search_path TO baobab')
    queryEngine(engine, "INSERT INTO rows VALUES (1, 'of acacia')")
    expect(queryEngine(engine, 'SELECT note FROM acacia.rows')).toEqual([])
    expect(queryEngine(engine, 'SELECT note FROM baobab.rows')).toEqual([['of acacia']])

    queryEngine(engine, 'BEGIN') // baobab's transaction
    queryEngine(engine, "INSERT INTO acacia.rows VALUES (2, 'of acacia, outside of any transaction')")
    queryEngine(engine, 'ROLLBACK') // baobab's
    expect(queryEngine(engine, 'SELECT note FROM acacia.rows')).toEqual([])
  })
})

describe('databases', () => {
  test('each has its own tables, however the connections take turns', async () => {
    await createRows(acaciaDatabase)
    await createRows(baobabDatabase)
    await world.run(
      Promise.all([
        ...[1, 2, 3].map((id) => acaciaDatabase.knex('rows').insert({ id, note: `acacia ${id}` })),
        ...[1, 2, 3].map((id) => baobabDatabase.knex('rows').insert({ id, note: `baobab ${id}` }))
      ])
    )
    expect(await notes(acaciaDatabase)).toEqual(['acacia 1', 'acacia 2', 'acacia 3'])
    expect(await notes(baobabDatabase)).toEqual(['baobab 1', 'baobab 2', 'baobab 3'])
  })

  test("an insert outlives another service's rollback", async () => {
    await createRows(acaciaDatabase)
    await createRows(baobabDatabase)
    let inserted: Promise<unknown> | undefined
    const rolledBack = baobabDatabase.transaction(async (trx) => {
      await trx('rows').insert({ id: 1, note: 'undone' })
      inserted = acaciaDatabase
        .knex('rows')
        .insert({ id: 1, note: 'stays' })
        .then((result) => result)
      await trx('rows').insert({ id: 2, note: 'undone' })
      throw new Error('undo')
    })
    await expect(world.run(rolledBack)).rejects.toThrow('undo')
    await world.run(inserted!)
    expect(await notes(acaciaDatabase)).toEqual(['stays'])
    expect(await notes(baobabDatabase)).toEqual([])
  })

  test('migrations run, from several processes at once', async () => {
    const migrations = [
      { name: '1', up: "CREATE TABLE things (id int); INSERT INTO things VALUES (1); SELECT '?'" },
      { name: '2', up: 'ALTER TABLE things ADD COLUMN note text' }
    ]
    const other = acacia.openDatabase({ url: acaciaUrl })
    await world.run(acaciaDatabase.migrate('things', migrations))
    await world.run(other.migrate('things', migrations))
    const result = await world.run(other.knex.raw('SELECT * FROM things').then((found) => found))
    expect(result.rows).toEqual([{ id: 1, note: null }])
  })
})

describe('transactions', () => {
  test('hold the gate: a query of another waits until the end', async () => {
    await createRows(acaciaDatabase)
    const order: string[] = []
    let waiting: Promise<unknown> | undefined
    await world.run(
      acaciaDatabase.transaction(async (trx) => {
        await trx('rows').insert({ id: 1, note: 'first' })
        waiting = baobabDatabase.ping().then(() => order.push('baobab'))
        for (let id = 2; id < 6; id += 1) await trx('rows').insert({ id, note: 'more' })
        order.push('acacia')
      })
    )
    await world.run(waiting!)
    expect(order).toEqual(['acacia', 'baobab'])
  })

  test('a query outside of its own open transaction is reported as the deadlock that it is', async () => {
    await createRows(acaciaDatabase)
    const stuck = acaciaDatabase.transaction(async (trx) => {
      await trx('rows').insert({ id: 1, note: 'first' })
      await acaciaDatabase.knex('rows').where({ id: 7 })
    })
    const before = world.nowMs()
    const error = await world.run(stuck).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(WorldError)
    expect((error as WorldError).message).toMatch(/deadlock at the database/)
    expect((error as WorldError).message).toMatch(
      /acacia:\d+ \(database acacia_\d+\) is idle in the transaction opened by "BEGIN;"/
    )
    expect((error as WorldError).message).toMatch(
      /acacia:\d+ \(database acacia_\d+\): select \* from "rows" where "id" = \$1/
    )
    expect(world.nowMs() - before).toBeLessThan(20)
  })

  test('a transaction that waits for anything but the database, while others wait, is reported too', async () => {
    await createRows(acaciaDatabase)
    const waits = acaciaDatabase.transaction(async (trx) => {
      await trx('rows').insert({ id: 1, note: 'first' })
      await acacia.clock.sleep(1000)
    })
    const other = acacia.clock.sleep(100).then(() => baobabDatabase.ping())
    await expect(world.run(Promise.all([waits, other]))).rejects.toThrow(/deadlock at the database/)
  })

  test('end with their connection: the process dies, and nothing of it stays', async () => {
    await createRows(acaciaDatabase)
    const doomed = world.runtime('doomed', 'acacia')
    const database = doomed.openDatabase({ url: acaciaUrl })
    const inserted = new Promise<void>((resolve) => {
      void database.transaction(async (trx) => {
        await trx('rows').insert({ id: 1, note: 'undone' })
        resolve()
        await new Promise(() => undefined)
      })
    })
    await world.run(inserted)
    doomed.kill()
    expect(await notes(acaciaDatabase)).toEqual([])
    await world.run(
      acaciaDatabase
        .knex('rows')
        .insert({ id: 1, note: 'after' })
        .then((done) => done)
    )
    expect(await notes(acaciaDatabase)).toEqual(['after'])
  })

  test('that failed stay failed until their end', async () => {
    const client = await connect(acacia)
    await world.run(client.query('BEGIN'))
    await expect(world.run(client.query('SELECT * FROM nowhere'))).rejects.toThrow(/does not exist/)
    await expect(world.run(client.query('SELECT 1'))).rejects.toThrow(/transaction is aborted/)
    const end = await world.run(client.query('COMMIT'))
    expect(end?.command).toBe('ROLLBACK')
    await world.run(baobabDatabase.ping())
  })
})

describe('sessions', () => {
  test('prepared statements of one name do not clash, and outlive turns of others', async () => {
    const [one, two] = [await connect(acacia), await connect(baobab)]
    const [first, second] = [
      { name: 'same', text: 'SELECT $1::int + 1 AS value' },
      { name: 'same', text: 'SELECT $1::int * 10 AS value' }
    ]
    const ask = async (client: pg.Client, query: object) =>
      (await world.run(client.query<{ value: number }>({ ...(query as { text: string }), values: [4] })))
        ?.rows[0]?.value
    expect(await ask(one, first)).toBe(5)
    expect(await ask(two, second)).toBe(40)
    expect(await ask(one, first)).toBe(5)
    expect(await ask(two, second)).toBe(40)
    await world.run(one.end())
    expect(await ask(two, second)).toBe(40)
  })

  test('a text is parsed once for each database, however its clients name it', async () => {
    const clients = [await connect(acacia), await connect(acacia), await connect(baobab)]
    const text = 'SELECT $1::int AS told_once'
    for (const [index, client] of clients.entries()) {
      for (const name of [`name ${index}`, '', 'another']) {
        expect((await world.run(client.query({ name, text, values: [index] })))?.rows).toEqual([
          { told_once: index }
        ])
      }
    }
    const parsed = 'SELECT count(*)::int FROM pg_prepared_statements WHERE statement = $1'
    expect((await world.run(clients[0]!.query(parsed, [text])))?.rows).toEqual([{ count: 2 }])
  })

  test('parsed before tables changed, a statement is as PostgreSQL has it; afterwards it is a new one', async () => {
    await createRows(acaciaDatabase)
    const [one, two] = [await connect(acacia), await connect(acacia)]
    const text = 'SELECT * FROM rows WHERE id > $1'
    const columns = async (client: pg.Client, name: string) =>
      (await world.run(client.query({ name, text, values: [0] })))?.fields.length
    expect(await columns(one, 'before')).toBe(2)
    await world.run(two.query('BEGIN'))
    await world.run(two.query('ALTER TABLE rows ADD COLUMN third int'))
    expect(await columns(two, 'within')).toBe(3)
    await world.run(two.query('ROLLBACK'))
    expect(await columns(two, 'rolled back')).toBe(2)
    await world.run(two.query('ALTER TABLE rows ADD COLUMN third int'))
    await expect(columns(one, 'before')).rejects.toThrow('cached plan must not change result type')
    expect(await columns(one, '')).toBe(3)
    expect(await columns(two, 'after')).toBe(3)
  })

  test('what could not be parsed is there for nobody', async () => {
    const [one, two] = [await connect(acacia), await connect(acacia)]
    const missing = { name: 'same', text: 'SELECT * FROM rows WHERE id = $1', values: [1] }
    for (const client of [one, two, one])
      await expect(world.run(client.query(missing))).rejects.toThrow('relation "rows" does not exist')
    await createRows(acaciaDatabase)
    for (const client of [one, two]) expect((await world.run(client.query(missing)))?.rows).toEqual([])
  })

  test('more statements than are kept: those that were given up are parsed again when they are bound', async () => {
    const client = await connect(acacia)
    const first = { name: 'first', text: 'SELECT $1::int - 1 AS value', values: [1] }
    await world.run(client.query(first))
    const others = Array.from({ length: MAX_PARSED_STATEMENTS }, (_, index) =>
      client.query(`SELECT $1::int + ${index} AS value`, [1])
    )
    const answers = await world.run(Promise.all(others))
    expect(answers?.map(({ rows }) => rows[0] as unknown)).toEqual(
      answers?.map((_, index) => ({ value: index + 1 }))
    )
    expect((await world.run(client.query(first)))?.rows).toEqual([{ value: 0 }])
    const parsed = 'SELECT count(*)::int FROM pg_prepared_statements'
    const [{ count }] = (await world.run(client.query<{ count: number }>(parsed)))!.rows as [
      { count: number }
    ]
    expect(count).toBeLessThan(MAX_PARSED_STATEMENTS)
  })

  test('settings are a session’s own, from its startup and from SET', async () => {
    const one = await connect(acacia, { options: '-c work_mem=5MB', statement_timeout: 100 })
    const two = await connect(acacia, { application_name: 'two' })
    const setting = async (client: pg.Client, name: string) =>
      Object.values((await world.run(client.query(`SHOW ${name}`)))?.rows[0] as object)[0] as string
    expect(await setting(one, 'work_mem')).toBe('5MB')
    expect(await setting(two, 'work_mem')).toBe('4MB')
    expect(await setting(two, 'application_name')).toBe('two')
    await world.run(one.query('BEGIN'))
    await world.run(one.query("SET extra_float_digits = 0; SET LOCAL work_mem = '9MB'"))
    await world.run(one.query('COMMIT'))
    await world.run(two.query("SELECT set_config('timezone', 'Europe/Berlin', false)"))
    expect(await setting(one, 'extra_float_digits')).toBe('0')
    expect(await setting(one, 'work_mem')).toBe('5MB')
    expect(await setting(one, 'timezone')).toBe('UTC')
    expect(await setting(two, 'extra_float_digits')).toBe('1')
    expect(await setting(two, 'timezone')).toBe('Europe/Berlin')
    await world.run(two.query('RESET timezone'))
    expect(await setting(two, 'timezone')).toBe('UTC')
    expect(await setting(one, 'search_path')).toBe(`acacia_${tests}`)
  })

  test('what all sessions would share is refused by name', async () => {
    const client = await connect(acacia)
    for (const sql of [
      'SELECT pg_advisory_lock(1)',
      'DISCARD ALL',
      'CREATE TEMP TABLE t (id int)',
      'PREPARE p AS SELECT 1',
      'COPY rows FROM STDIN'
    ]) {
      await expect(world.run(client.query(sql))).rejects.toMatchObject({ code: '0A000' })
    }
    await world.run(client.query('BEGIN'))
    await expect(
      world.run(client.query({ text: 'SELECT pg_advisory_lock($1)', values: [1] }))
    ).rejects.toThrow(/0A000|keeps this state/)
    await expect(world.run(client.query('SELECT 1'))).rejects.toThrow(/aborted/)
    await world.run(client.query('ROLLBACK'))
    expect((await world.run(client.query('SELECT pg_try_advisory_xact_lock(1) AS got')))?.rows).toEqual([
      { got: true }
    ])
  })

  test('an unknown setting at startup ends the connection with its name', async () => {
    const client = await connect(acacia, { options: '-c no_such_setting=1' })
    await expect(world.run(client.query('SELECT 1'))).rejects.toThrow(/no_such_setting|terminated/)
  })

  test('a cancel request reaches a query that waits for its turn', async () => {
    const [holder, waiter] = [await connect(acacia), await connect(baobab)]
    await world.run(holder.query('BEGIN'))
    const waiting = waiter.query('SELECT 1').catch((error: unknown) => error)
    const cancelling = new pg.Client({
      connectionString: baobabUrl,
      stream: () => baobab.network.socket() as never
    })
    // The holder keeps talking, so this is no deadlock.
    const talk = (async () => {
      for (let index = 0; index < 10; index += 1) await holder.query('SELECT 1')
    })()
    ;(cancelling as unknown as { cancel(client: pg.Client, query: unknown): void }).cancel(
      waiter,
      (waiter as unknown as { _getActiveQuery(): unknown })._getActiveQuery()
    )
    expect(await world.run(waiting)).toMatchObject({ code: '57014' })
    await world.run(talk)
    await world.run(holder.query('COMMIT'))
    expect((await world.run(waiter.query('SELECT 2 AS two')))?.rows).toEqual([{ two: 2 }])
  })

  test('large answers and parameters pass whole', async () => {
    const client = await connect(acacia)
    const text = 'x'.repeat(3_000_000)
    const answer = await world.run(client.query('SELECT $1::text AS text, length($1) AS length', [text]))
    expect(answer?.rows[0]).toEqual({ text, length: text.length })
  })
})

describe('notifications', () => {
  test('reach listeners of the same database and channel, when the transaction commits', async () => {
    const heard: string[] = []
    const others: string[] = []
    await world.run(acaciaDatabase.listen('things', (payload) => heard.push(payload)))
    await world.run(acaciaDatabase.listen('Quoted "name"', (payload) => heard.push(`quoted ${payload}`)))
    await world.run(baobabDatabase.listen('things', (payload) => others.push(payload)))
    await world.run(
      acaciaDatabase.transaction(async (trx) => {
        await trx.raw("SELECT pg_notify('things', 'one')")
        await trx.raw("SELECT pg_notify('elsewhere', 'none')")
        await trx.raw(`NOTIFY "Quoted ""name""", 'two'`)
        expect(heard).toEqual([])
      })
    )
    const undone = acaciaDatabase.transaction(async (trx) => {
      await trx.raw("SELECT pg_notify('things', 'never')")
      throw new Error('undo')
    })
    await expect(world.run(undone)).rejects.toThrow('undo')
    await world.advance(10)
    expect(heard).toEqual(['one', 'quoted two'])
    expect(others).toEqual([])
  })

  test('stop with UNLISTEN, and only for the one that asked', async () => {
    const [one, two] = [await connect(acacia), await connect(acacia)]
    const heard: string[] = []
    one.on('notification', ({ payload, processId }) => heard.push(`one ${payload} of ${processId}`))
    two.on('notification', ({ payload, processId }) => heard.push(`two ${payload} of ${processId}`))
    const id = (two as unknown as { processID: number }).processID
    await world.run(one.query('LISTEN things'))
    await world.run(two.query('LISTEN Things'))
    await world.run(two.query("NOTIFY things, 'a'"))
    await world.run(one.query('UNLISTEN things'))
    await world.run(two.query("NOTIFY things, 'b'"))
    await world.run(two.query('BEGIN; UNLISTEN things; ROLLBACK'))
    await world.run(two.query("NOTIFY things, 'c'"))
    await world.advance(10)
    expect(heard.sort()).toEqual([`one a of ${id}`, `two a of ${id}`, `two b of ${id}`, `two c of ${id}`])
  })
})
