import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { openDatabase } from './database.ts'
import type { Database } from './database.ts'
import type { Network, Socket } from './network.ts'
import { createSystemRuntime } from './runtime.ts'
import type { StatementPipeline } from './statement-pipeline.ts'
import { createTestDatabase, freePort } from './testing.ts'
import type { TestDatabase } from './testing.ts'

describe('a pipeline of statements', () => {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  /** What went over the wire of its newest connection, in order. */
  const wire: { sockets: Socket[]; log: ('out' | 'in')[] } = { sockets: [], log: [] }
  const network: Network = {
    ...runtime.network,
    socket() {
      const socket = runtime.network.socket()
      // `connect` puts the prototype's `write` back.
      socket.once('connect', () => {
        const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
        socket.write = ((...args: unknown[]) => {
          wire.log.push('out')
          return write(...args)
        }) as typeof socket.write
      })
      socket.on('data', () => wire.log.push('in'))
      wire.sockets.push(socket)
      return socket
    }
  }
  let test: TestDatabase
  let database: Database
  let pipeline: StatementPipeline

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
  })
  afterAll(async () => {
    await test.drop()
    runtime.kill()
  })
  const open = (url = test.url) => {
    database = openDatabase({ ...runtime, network }, { url, maxConnections: 1 })
    pipeline = database.openPipeline()
  }
  afterEach(() => database.close())

  it('sends the next statement before the last one is answered, and answers in order', async () => {
    open()
    await pipeline.query('SELECT $1::int', [0])
    wire.log.length = 0
    const answered: unknown[] = []
    const all = [1, 2, 3].map((number) =>
      pipeline.query('SELECT $1::int', [number]).then((rows) => answered.push(...rows))
    )
    expect(wire.log.length).toBeGreaterThan(2)
    expect(wire.log).not.toContain('in')
    await Promise.all(all)
    expect(answered).toEqual([[1], [2], [3]])
  })

  it('takes each statement for a transaction of its own: a failed one spoils no other', async () => {
    open()
    await pipeline.query('CREATE TABLE numbers (number int PRIMARY KEY)', [])
    const insert = (number: number) => pipeline.query('INSERT INTO numbers VALUES ($1)', [number])
    const settled = await Promise.allSettled([insert(1), insert(1), insert(2)])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((settled[1] as PromiseRejectedResult).reason).toMatchObject({ code: '23505' })
    expect(await pipeline.query('SELECT number FROM numbers ORDER BY number', [])).toEqual([[1], [2]])
  })

  it('rejects what is under way when its connection breaks, and opens another for the next', async () => {
    open()
    await pipeline.query('SELECT 1', [])
    const broken = Promise.allSettled([pipeline.query('SELECT 1', []), pipeline.query('SELECT 2', [])])
    wire.sockets.at(-1)!.resetAndDestroy()
    expect((await broken).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await pipeline.query('SELECT 3', [])).toEqual([[3]])
  })

  it('rejects where nobody listens', async () => {
    const url = new URL(test.url)
    url.port = String(await freePort(runtime))
    open(url.href)
    const settled = await Promise.allSettled([pipeline.query('SELECT 1', []), pipeline.query('SELECT 2', [])])
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('waits for what is under way when it is closed', async () => {
    open()
    const rows = pipeline.query('SELECT 4', [])
    await pipeline.close()
    expect(await rows).toEqual([[4]])
  })
})
