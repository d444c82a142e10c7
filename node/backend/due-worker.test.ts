import { describe, expect, it } from 'vitest'
import { createLogger, createManualClock } from '../runtime/index.ts'
import { createDueWorker, ROUND_RETRY_MS, WORKER_SWEEP_MS } from './due-worker.ts'

function createWorker(round: () => Promise<number | undefined>) {
  const clock = createManualClock()
  const startMs = clock.nowMs()
  const rounds: number[] = []
  const worker = createDueWorker({
    clock,
    logger: createLogger({ name: 'test', level: 'silent' }),
    name: 'test',
    round: () => {
      rounds.push(clock.nowMs() - startMs)
      return round()
    }
  })
  return { clock, startMs, rounds, worker }
}

describe('a worker that sleeps until something is due', () => {
  it('wakes when its next row is due, at the sweep, and when it is told a time', async () => {
    const due: (number | undefined)[] = [1_000]
    const { clock, startMs, rounds, worker } = createWorker(async () => {
      const next = due.shift()
      return next === undefined ? undefined : startMs + next
    })
    worker.start()
    await clock.advance(2_000)
    expect(rounds).toEqual([0, 1_000])
    worker.wakeAt(startMs + 5_000)
    worker.wakeAt(startMs + 9_000)
    await clock.advance(4_000)
    expect(rounds).toEqual([0, 1_000, 5_000])
    await clock.advance(WORKER_SWEEP_MS)
    expect(rounds).toEqual([0, 1_000, 5_000, 5_000 + WORKER_SWEEP_MS])
    await worker.stop()
    worker.wakeAt(clock.nowMs())
    worker.wake()
    await clock.advance(10 * WORKER_SWEEP_MS)
    expect(rounds.length).toBe(4)
  })

  it('does not forget a time or a wake-up that came during a round', async () => {
    const releases: (() => void)[] = []
    const { clock, startMs, rounds, worker } = createWorker(
      () => new Promise((resolve) => releases.push(() => resolve(undefined)))
    )
    worker.start()
    worker.wakeAt(startMs + 3_000)
    releases.shift()!()
    await clock.advance(3_000)
    expect(rounds).toEqual([0, 3_000])
    worker.wake()
    worker.wake()
    releases.shift()!()
    await clock.advance(0)
    expect(rounds).toEqual([0, 3_000, 3_000])
    releases.shift()!()
    await worker.stop()
  })

  it('repeats a round that failed, later and later', async () => {
    let failures = 3
    const { clock, rounds, worker } = createWorker(async () => {
      if (failures-- > 0) throw new Error('the database is away')
      return undefined
    })
    worker.start()
    await clock.advance(10_000)
    expect(rounds).toEqual([0, 1, 3, 7].map((steps) => steps * ROUND_RETRY_MS))
    await worker.stop()
  })
})
