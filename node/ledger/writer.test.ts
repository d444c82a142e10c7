import { describe, expect, it } from 'vitest'
import { createLogger, createManualClock } from '../runtime/index.ts'
import { LedgerBusyError, LedgerUnavailableError } from './model.ts'
import type { CreateTransferResult, NewTransfer } from './model.ts'
import { createLedgerWriter } from './writer.ts'
import type { LedgerWriterOptions } from './writer.ts'

/** A ledger whose batches end when the test says so. */
function heldLedger() {
  const batches: {
    ids: bigint[]
    finish(results?: CreateTransferResult[]): Promise<void>
    fail(error: Error): Promise<void>
  }[] = []
  return {
    batches,
    createTransfers(transfers: readonly NewTransfer[]) {
      return new Promise<CreateTransferResult[]>((resolve, reject) => {
        batches.push({
          ids: transfers.map(({ id }) => id),
          finish(results = transfers.map(() => 'ok')) {
            resolve(results)
            return turn()
          },
          fail(error) {
            reject(error)
            return turn()
          }
        })
      })
    }
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

function transfers(...ids: number[]): NewTransfer[] {
  return ids.map((id) => ({
    id: BigInt(id),
    debitAccountId: 1n,
    creditAccountId: 2n,
    amount: 1n,
    ledger: 1,
    code: 1
  }))
}

function setUp(options: Partial<LedgerWriterOptions> = {}) {
  const ledger = heldLedger()
  const clock = createManualClock()
  const logged: string[] = []
  const logger = createLogger({ name: 'test', level: 'info', write: (line) => logged.push(line) })
  const writer = createLedgerWriter({ ledger, clock, logger, ...options })
  return { writer, clock, logged, batches: ledger.batches }
}

describe('the group-commit writer', () => {
  it('sends a lone submission in the turn that made it', async () => {
    const { writer, batches } = setUp()
    const submitted = writer.submit(transfers(1))
    await Promise.resolve()
    await Promise.resolve()
    expect(batches.map(({ ids }) => ids)).toEqual([[1n]])
    await batches[0]!.finish()
    expect(await submitted).toEqual(['ok'])
  })

  it('makes one batch of what arrives in one turn, and the next of what arrives during a flush', async () => {
    const { writer, batches } = setUp()
    const first = [writer.submit(transfers(1, 2)), writer.submit(transfers(3))]
    await turn()
    const second = [writer.submit(transfers(4)), writer.submit(transfers(5, 6))]
    await turn()
    const third = writer.submit(transfers(7))
    expect(batches.map(({ ids }) => ids)).toEqual([[1n, 2n, 3n]])
    await batches[0]!.finish(['ok', 'exists', 'exceeds_credits'])
    expect(await Promise.all(first)).toEqual([['ok', 'exists'], ['exceeds_credits']])
    expect(batches.map(({ ids }) => ids)).toEqual([
      [1n, 2n, 3n],
      [4n, 5n, 6n, 7n]
    ])
    await batches[1]!.finish()
    expect(await Promise.all([...second, third])).toEqual([['ok'], ['ok', 'ok'], ['ok']])
    expect(batches).toHaveLength(2)
  })

  it('never splits a submission and keeps the order', async () => {
    const { writer, batches } = setUp({ maxBatchEvents: 3 })
    const submitted = [[1, 2], [3, 4], [5], [6, 7, 8]].map((ids) => writer.submit(transfers(...ids)))
    for (let batch = 0; batch < 3; batch++) {
      await turn()
      await batches[batch]!.finish()
    }
    await Promise.all(submitted)
    expect(batches.map(({ ids }) => ids)).toEqual([
      [1n, 2n],
      [3n, 4n, 5n],
      [6n, 7n, 8n]
    ])
    await expect(writer.submit(transfers(1, 2, 3, 4))).rejects.toThrow(/a batch holds 3/)
  })

  it('refuses what the queue cannot hold, and takes more once it has room', async () => {
    const { writer, batches } = setUp({ maxQueuedEvents: 3 })
    const running = writer.submit(transfers(1))
    await turn()
    const queued = writer.submit(transfers(2, 3))
    await expect(writer.submit(transfers(4, 5))).rejects.toBeInstanceOf(LedgerBusyError)
    const fits = writer.submit(transfers(6))
    await batches[0]!.finish()
    const later = writer.submit(transfers(7, 8, 9))
    await batches[1]!.finish()
    await batches[2]!.finish()
    await Promise.all([running, queued, fits, later])
    expect(batches.map(({ ids }) => ids)).toEqual([[1n], [2n, 3n, 6n], [7n, 8n, 9n]])
  })

  it('drops a submission whose batch starts too late, and only that', async () => {
    const { writer, clock, batches } = setUp()
    const running = writer.submit(transfers(1), { startBeforeMs: clock.nowMs() + 1 })
    await turn()
    const late = writer.submit(transfers(2, 3), { startBeforeMs: clock.nowMs() + 100 })
    const inTime = writer.submit(transfers(4), { startBeforeMs: clock.nowMs() + 101 })
    await clock.advance(100)
    await batches[0]!.finish()
    expect(await running).toEqual(['ok'])
    expect(await late).toEqual(['not_started_in_time', 'not_started_in_time'])
    await batches[1]!.finish()
    expect(await inTime).toEqual(['ok'])
    expect(batches.map(({ ids }) => ids)).toEqual([[1n], [4n]])
  })

  it('sends no batch when all that waited is late, and goes on afterwards', async () => {
    const { writer, clock, batches } = setUp()
    expect(await writer.submit(transfers(1), { startBeforeMs: clock.nowMs() })).toEqual([
      'not_started_in_time'
    ])
    const next = writer.submit(transfers(2))
    await turn()
    await batches[0]!.finish()
    expect(await next).toEqual(['ok'])
    expect(batches).toHaveLength(1)
  })

  it('tells every submission of a failed batch that its outcome is unknown, and goes on', async () => {
    const { writer, logged, batches } = setUp()
    const failing = [writer.submit(transfers(1)), writer.submit(transfers(2))]
    await turn()
    const next = writer.submit(transfers(3))
    const settled = Promise.allSettled(failing)
    const cause = new Error('connection reset')
    await batches[0]!.fail(cause)
    for (const outcome of await settled) {
      expect(outcome.status).toBe('rejected')
      const { reason } = outcome as PromiseRejectedResult
      expect(reason).toBeInstanceOf(LedgerUnavailableError)
      expect((reason as Error).cause).toBe(cause)
    }
    expect(logged.join()).toContain('connection reset')
    await batches[1]!.finish()
    expect(await next).toEqual(['ok'])
  })

  it('does not guess when the ledger answers too few results', async () => {
    const { writer, batches } = setUp()
    const submitted = writer.submit(transfers(1, 2))
    const rejected = expect(submitted).rejects.toBeInstanceOf(LedgerUnavailableError)
    await turn()
    await batches[0]!.finish(['ok'])
    await rejected
  })

  it('refuses a malformed submission by itself, without harm to others', async () => {
    const { writer, batches } = setUp()
    const good = writer.submit(transfers(1))
    const [negative] = transfers(2)
    await expect(writer.submit([{ ...negative!, amount: -1n }])).rejects.toBeInstanceOf(RangeError)
    await expect(writer.submit([{ ...negative!, flags: { linked: true } }])).rejects.toThrow(/linked/)
    expect(await writer.submit([])).toEqual([])
    await batches[0]!.finish()
    expect(await good).toEqual(['ok'])
    expect(batches.map(({ ids }) => ids)).toEqual([[1n]])
  })

  it('flushes what is queued when closed, then refuses', async () => {
    const { writer, batches } = setUp()
    const submitted = [writer.submit(transfers(1))]
    await turn()
    submitted.push(writer.submit(transfers(2)))
    let closed = false
    const closing = writer.close().then(() => (closed = true))
    await expect(writer.submit(transfers(3))).rejects.toBeInstanceOf(LedgerBusyError)
    await batches[0]!.finish()
    expect(closed).toBe(false)
    await batches[1]!.finish()
    await closing
    expect(await Promise.all(submitted)).toEqual([['ok'], ['ok']])
  })

  it('sends the next batch before the callers of the last one hear', async () => {
    const { writer, batches } = setUp()
    const heard: number[] = []
    const hear = () => void heard.push(batches.length)
    const first = writer.submit(transfers(1)).then(hear)
    await turn()
    const second = writer.submit(transfers(2)).then(hear)
    await batches[0]!.finish()
    await first
    expect(heard).toEqual([2])
    await batches[1]!.finish()
    await second
  })

  it('adds to a batch of the store while another is under way, without what is late at its start', async () => {
    const clock = createManualClock()
    const made: { added: bigint[]; finish?(results: CreateTransferResult[]): void }[] = []
    const ledger: LedgerWriterOptions['ledger'] = {
      createTransfers: () => Promise.reject(new Error('this store makes batches')),
      newBatch() {
        const batch: (typeof made)[number] = { added: [] }
        made.push(batch)
        return {
          add: (added) => void batch.added.push(...added.map(({ id }) => id)),
          send: () => new Promise((resolve) => (batch.finish = resolve))
        }
      }
    }
    const logger = createLogger({ name: 'test', level: 'silent' })
    const writer = createLedgerWriter({ ledger, clock, logger })
    const first = writer.submit(transfers(1, 2))
    await turn()
    const late = writer.submit(transfers(3), { startBeforeMs: clock.nowMs() + 10 })
    const second = writer.submit(transfers(4))
    expect(made.map(({ added }) => added)).toEqual([
      [1n, 2n],
      [3n, 4n]
    ])
    await clock.advance(10)
    made[0]!.finish!(['ok', 'exists'])
    expect(await first).toEqual(['ok', 'exists'])
    expect(await late).toEqual(['not_started_in_time'])
    expect(made.at(-1)!.added).toEqual([4n])
    made.at(-1)!.finish!(['ok'])
    expect(await second).toEqual(['ok'])
    expect(made[1]!.finish).toBeUndefined()
  })

  it('sends a further batch while few events are under way, where the store has room for it', async () => {
    const ledger = { ...heldLedger(), maxBatchesUnderWay: 2 }
    const { writer } = setUp({ ledger })
    const { batches } = ledger
    const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n)
    const submit = (from: number, count: number) => writer.submit(transfers(...numbers(from, count)))
    const first = submit(1, 1)
    await turn()
    const tooFew = submit(11, 9)
    await turn()
    expect(batches).toHaveLength(1)
    const enough = submit(20, 1)
    await turn()
    expect(batches.map(({ ids }) => ids.length)).toEqual([1, 10])
    // The store has room for two.
    const third = submit(101, 60)
    await turn()
    expect(batches).toHaveLength(2)
    await batches[0]!.finish()
    expect(await first).toEqual(['ok'])
    expect(batches.map(({ ids }) => ids.length)).toEqual([1, 10, 60])
    await batches[1]!.finish()
    await Promise.all([tooFew, enough])
    // Sixty are few, and with ten more they are not.
    const fourth = submit(201, 10)
    await turn()
    expect(batches).toHaveLength(4)
    await batches[3]!.finish()
    await batches[2]!.finish()
    const many = submit(301, 64)
    await turn()
    const waits = submit(401, 64)
    await turn()
    expect(batches).toHaveLength(5)
    const closed = writer.close()
    await batches[4]!.finish()
    await batches[5]!.finish()
    await closed
    await Promise.all([third, fourth, many, waits])
  })

  it('names a limit that is none', () => {
    expect(() => setUp({ maxBatchEvents: 8_190 })).toThrow(/maxBatchEvents is 8190/)
    expect(() => setUp({ maxQueuedEvents: 0 })).toThrow(/maxQueuedEvents is 0/)
  })
})
