import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../node/runtime/index.ts'
import type { Arrivals } from './model.ts'
import { runStage } from './stage.ts'
import type { CallOutcome } from './stage.ts'

/** A stage on a clock of its own whose calls take as long, and end, as the test says. */
async function run(
  arrivals: Arrivals,
  {
    durationMs,
    maxInFlight = 1_000,
    takesMs,
    ends = () => ({ ok: true, name: 'fulfilled' })
  }: {
    durationMs: number
    maxInFlight?: number
    takesMs: (n: number) => number
    ends?: (n: number) => CallOutcome
  }
) {
  const clock = createManualClock()
  let calls = 0
  let isDone = false
  const running = runStage({
    clock,
    name: 'test',
    arrivals,
    durationMs,
    runStartMs: clock.monotonicMs(),
    maxInFlight,
    counts: true,
    async call() {
      const n = calls++
      await clock.sleep(takesMs(n))
      return ends(n)
    }
  }).finally(() => (isDone = true))
  while (!isDone) await clock.advance(1)
  return running
}

describe('a stage', () => {
  it('counts latency from when a call was due, so that one stall shows in all that waited for it', async () => {
    // One connection; 100/s; the 11th call takes half a second, so 50 more were due meanwhile.
    const clock = createManualClock()
    let busyUntilMs = 0
    let n = 0
    let isDone = false
    const running = runStage({
      clock,
      name: 'stall',
      arrivals: { kind: 'rate', perSecond: 100 },
      durationMs: 2_000,
      runStartMs: 0,
      maxInFlight: 1_000,
      counts: true,
      async call() {
        const takesMs = n++ === 10 ? 500 : 1
        busyUntilMs = Math.max(busyUntilMs, clock.monotonicMs()) + takesMs
        await clock.sleep(busyUntilMs - clock.monotonicMs())
        return { ok: true, name: 'fulfilled' }
      }
    }).finally(() => (isDone = true))
    while (!isDone) await clock.advance(1)
    const { latency, completed } = await running
    expect(completed).toBe(200)
    // A fifth of all calls waited: a closed loop would show a single slow one.
    expect(latency.p90Ms).toBeGreaterThan(200)
    expect(latency.p50Ms).toBeLessThan(5)
  })

  it('drops what is due while as many as may be are under way, and counts it', async () => {
    const stage = await run(
      { kind: 'rate', perSecond: 100 },
      { durationMs: 1_000, maxInFlight: 10, takesMs: () => 5_000 }
    )
    expect(stage).toMatchObject({ offered: 100, completed: 10, dropped: 90, outcomes: { dropped: 90 } })
    // None of them ended while calls were offered.
    expect(stage.completedPerSecond).toBe(0)
  })

  it('counts by outcome; failures are in no latency', async () => {
    const stage = await run(
      { kind: 'closed', callers: 2 },
      {
        durationMs: 100,
        takesMs: (n) => (n % 2 === 0 ? 10 : 20),
        ends: (n) => (n % 2 === 0 ? { ok: true, name: 'fulfilled' } : { ok: false, name: 'T04' })
      }
    )
    expect(stage.outcomes.fulfilled).toBe(stage.completed)
    expect(stage.outcomes.T04).toBe(stage.failed)
    expect(stage.latency.maxMs).toBeCloseTo(10, 1)
  })

  it('accounts for every call, second by second', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1_000, max: 4_000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1_500 }), fc.boolean()), { minLength: 1, maxLength: 20 }),
        async (perSecond, durationMs, maxInFlight, calls) => {
          const nth = (n: number) => calls[n % calls.length]!
          const stage = await run(
            { kind: 'rate', perSecond },
            {
              durationMs,
              maxInFlight,
              takesMs: (n) => nth(n)[0],
              ends: (n) => (nth(n)[1] ? { ok: true, name: 'fulfilled' } : { ok: false, name: 'F02' })
            }
          )
          const sum = (key: 'offered' | 'completed' | 'failed') =>
            stage.seconds.reduce((total, second) => total + second[key], 0)
          expect(stage.offered).toBe(Math.floor((durationMs / 1_000) * perSecond))
          expect(stage.completed + stage.failed + stage.dropped).toBe(stage.offered)
          expect(sum('offered')).toBe(stage.offered)
          expect(sum('completed')).toBe(stage.completed)
          expect(sum('failed')).toBe(stage.failed)
          expect(Object.values(stage.outcomes).reduce((a, b) => a + b, 0)).toBe(stage.offered)
        }
      ),
      { numRuns: 25 }
    )
  })
})
