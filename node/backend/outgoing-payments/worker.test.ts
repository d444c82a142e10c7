import { describe, expect, it } from 'vitest'
import { createLogger, createManualClock } from '../../runtime/index.ts'
import type { Database } from '../../runtime/index.ts'
import { WORKER_SWEEP_MS } from '../due-worker.ts'
import type { Lease, Leases } from './lease.ts'
import { createOutgoingPaymentWorker } from './worker.ts'

/** Rounds and payments that are taken are answered when the test says so; payments run until it ends them. */
async function start({ maxConcurrent }: { maxConcurrent: number }) {
  const clock = createManualClock()
  const lease = (id: string) => ({ payment: { id } }) as unknown as Lease
  const rounds: number[] = []
  const runs = new Map<string, () => void>()
  let due: string[] = []
  let tell: (payload: string) => void = () => undefined
  const worker = createOutgoingPaymentWorker({
    clock,
    logger: createLogger({ name: 'test', level: 'silent' }),
    database: {
      listen: async (_channel: string, handler: (payload: string) => void) => {
        tell = handler
        return async () => undefined
      }
    } as unknown as Database,
    leases: {
      take: async (limit: number) => {
        rounds.push(limit)
        const taken = due.splice(0, limit).map(lease)
        return { taken, nextDueMs: undefined }
      },
      takeNew: async (id: string) => (id === 'of another' ? undefined : lease(id)),
      onRelease: () => undefined,
      abort: () => undefined,
      stop: () => undefined
    } as unknown as Leases,
    attempts: {
      run: ({ payment }: Lease) =>
        new Promise<void>((resolve) =>
          runs.set(payment.id, () => {
            runs.delete(payment.id)
            resolve()
          })
        )
    },
    maxConcurrent
  })
  const notStarted = await worker.beginNew('early')
  await worker.start()
  await clock.advance(0)
  return {
    clock,
    worker,
    notStarted,
    rounds,
    runs,
    tell: (payload: string) => tell(payload),
    setDue: (ids: string[]) => (due = ids)
  }
}

describe('the worker that sends', () => {
  it('begins with a payment that became due here, unless it is stopped or has no room', async () => {
    const { worker, notStarted, runs, rounds, clock } = await start({ maxConcurrent: 2 })
    expect(notStarted).toBe(false)
    expect(rounds).toHaveLength(1)
    expect(await Promise.all(['a', 'b', 'c'].map((id) => worker.beginNew(id)))).toEqual([true, true, false])
    expect([...runs.keys()]).toEqual(['a', 'b'])
    runs.get('a')!()
    await clock.advance(0)
    // The end of one that filled it is followed by a look at what waits.
    expect(rounds).toHaveLength(2)
    expect(await worker.beginNew('of another')).toBe(true)
    expect([...runs.keys()]).toEqual(['b'])
    expect(await worker.beginNew('d')).toBe(true)
    for (const end of [...runs.values()]) end()
    await worker.stop(0)
    expect(await worker.beginNew('late')).toBe(false)
  })

  it('looks at once for what is told to be due, and for what another took when it would be its own', async () => {
    const { clock, rounds, tell, runs, setDue, worker } = await start({ maxConcurrent: 10 })
    tell(`a ${clock.nowMs() + 15_000}`)
    await clock.advance(14_999)
    expect(rounds).toHaveLength(1)
    setDue(['a'])
    await clock.advance(1)
    expect([...runs.keys()]).toEqual(['a'])
    const before = rounds.length
    setDue(['b', 'c', 'd', 'e', 'f', 'g', 'h'])
    tell('b')
    await clock.advance(0)
    // A round fills half of the places at most, and looks again as long as it found so many.
    expect(rounds.slice(before)).toEqual([5, 2, 1])
    expect(runs.size).toBe(8)
    for (const end of [...runs.values()]) end()
    await clock.advance(WORKER_SWEEP_MS)
    await worker.stop(0)
  })
})
