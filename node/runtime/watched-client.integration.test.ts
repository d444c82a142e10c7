import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { openDatabase } from './database.ts'
import type { Database } from './database.ts'
import { createManualClock } from './clock.ts'
import { createSystemRuntime } from './runtime.ts'
import { createSwallowingProxy, createTestDatabase } from './testing.ts'
import type { SwallowingProxy, TestDatabase } from './testing.ts'

const LIMIT_MS = 250

describe('a database that the network swallows the connections to', () => {
  let runtime: ReturnType<typeof createSystemRuntime>
  let test: TestDatabase
  let proxy: SwallowingProxy
  let database: Database

  beforeEach(async () => {
    runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
    test = await createTestDatabase(inject('postgresUrl'))
    proxy = await createSwallowingProxy(runtime.network, test.url)
    database = openDatabase(runtime, {
      url: proxy.url,
      statementTimeoutMs: LIMIT_MS - 50,
      answerMarginMs: 50,
      maxConnections: 2
    })
  })
  afterEach(async () => {
    await database.close()
    await proxy.close()
    await test.drop()
    runtime.kill()
  })

  const isSilence = {
    name: 'DatabaseSilentError',
    message: expect.stringContaining('may have run') as string
  }

  it('a pipeline: what was under way rejects within the limit, the next statement has a new connection', async () => {
    const pipeline = database.openPipeline()
    await pipeline.query('SELECT 1', [])
    proxy.swallow('everything')
    const sinceMs = runtime.clock.monotonicMs()
    const lost = await Promise.allSettled([pipeline.query('SELECT 2', []), pipeline.query('SELECT 3', [])])
    expect(lost.map((outcome) => outcome.status === 'rejected' && (outcome.reason as unknown))).toMatchObject(
      [isSilence, isSilence]
    )
    expect(runtime.clock.monotonicMs() - sinceMs).toBeGreaterThan(LIMIT_MS - 10)
    expect(await pipeline.query('SELECT 4', [])).toEqual([[4]])
    expect(proxy.connections()).toBe(2)
  })

  it('a pipeline that is asked again and again is watched all the same', async () => {
    const pipeline = database.openPipeline()
    await pipeline.query('SELECT 1', [])
    proxy.swallow('answers')
    const first = pipeline.query('SELECT 2', [])
    let rejected: unknown
    first.catch((error: unknown) => (rejected = error))
    // What the server answers another client gives the time between two statements.
    const other = openDatabase(runtime, { url: test.url, maxConnections: 1 })
    const later: Promise<'answered' | 'lost'>[] = []
    while (rejected === undefined) {
      later.push(
        pipeline.query('SELECT 3', []).then(
          () => 'answered' as const,
          () => 'lost' as const
        )
      )
      await other.ping()
    }
    expect(rejected).toMatchObject(isSilence)
    expect(await Promise.all(later)).toContain('lost')
    await other.close()
  })

  it('the pool: a statement and a transaction reject, the next ones have new connections', async () => {
    await database.knex.raw('SELECT 1')
    const isIn = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const transaction = database.transaction(async (trx) => {
      await trx.raw('SELECT 2')
      isIn.resolve()
      await goOn.promise
      await trx.raw('SELECT 3')
    })
    await isIn.promise
    await database.knex.raw('SELECT 4')
    proxy.swallow('everything')
    goOn.resolve()
    const [inTransaction, alone] = await Promise.allSettled([transaction, database.knex.raw('SELECT 5')])
    expect(inTransaction).toMatchObject({ status: 'rejected' }) // with what its rollback met
    expect(alone).toMatchObject({ status: 'rejected', reason: isSilence })
    expect(await database.knex.raw('SELECT 6 AS six')).toMatchObject({ rows: [{ six: 6 }] })
  })

  it('closes in bounded time, though nobody says farewell', async () => {
    const pipeline = database.openPipeline()
    await pipeline.query('SELECT 1', [])
    await database.knex.raw('SELECT 1')
    await database.listen('channel', () => undefined)
    proxy.swallow('everything')
    await database.close()
    expect(proxy.connections()).toBe(3)
  })

  it('leaves connections alone whose server takes its time, one statement after the other', async () => {
    const pipeline = database.openPipeline()
    await Promise.all([1, 2, 3].map(() => pipeline.query('SELECT pg_sleep($1)', [LIMIT_MS / 2_000])))
    for (let count = 0; count < 3; count += 1) {
      await database.knex.raw('SELECT pg_sleep(?)', [LIMIT_MS / 2_000])
    }
    expect(proxy.connections()).toBe(2)
  })

  it('leaves connections alone that are not asked anything, and has the system look after them', async () => {
    const delaysMs: unknown[] = []
    await database.close()
    const clock = createManualClock()
    const { network } = runtime
    const socket = () => {
      const opened = network.socket()
      const setKeepAlive = opened.setKeepAlive.bind(opened)
      opened.setKeepAlive = (isOn?: boolean, delayMs?: number) => {
        delaysMs.push(delayMs)
        return setKeepAlive(isOn, delayMs)
      }
      return opened
    }
    database = openDatabase({ ...runtime, clock, network: { ...network, socket } }, { url: proxy.url })
    const pipeline = database.openPipeline()
    await pipeline.query('SELECT 1', [])
    await clock.advance(3_600_000)
    await pipeline.query('SELECT 1', [])
    expect(delaysMs).toEqual([10_000])
    expect(proxy.connections()).toBe(1)
  })
})
