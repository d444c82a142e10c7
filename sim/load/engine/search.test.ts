import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StageRecord } from './model.ts'
import { brokenBounds, searchLimit } from './search.ts'

const stage = (changes: Partial<StageRecord>): StageRecord => ({
  name: 'stage',
  arrivals: { kind: 'rate', perSecond: 100 },
  counts: true,
  startedAtS: 0,
  elapsedMs: 10_000,
  offered: 1_000,
  completed: 1_000,
  failed: 0,
  dropped: 0,
  completedPerSecond: 100,
  latency: { p50Ms: 1, p90Ms: 2, p95Ms: 3, p99Ms: 4, p999Ms: 5, maxMs: 6 },
  outcomes: {},
  generatorLagMs: 0,
  seconds: [],
  saturation: { by: undefined, busiest: [] },
  ...changes
})
const bounds = { p99Ms: 100, errorShare: 0.001 }

describe('the bounds of a stage', () => {
  it('hold when nothing is broken', () => expect(brokenBounds(stage({}), bounds)).toEqual([]))
  it('hold in a stage that is too short to tell what it carries', () =>
    expect(brokenBounds(stage({ elapsedMs: 1_000, completedPerSecond: 90 }), bounds)).toEqual([]))
  it.each([
    ['errors', { completed: 998, failed: 2 }, /2 of 1000 failed/],
    ['drops', { completed: 900, dropped: 100 }, /100 of 1000 failed or were dropped/],
    ['latency', { latency: { ...stage({}).latency, p99Ms: 101 } }, /p99 101 ms/],
    ['a rate that is not carried', { completedPerSecond: 94 }, /94\/s carried of 100\/s/],
    ['nothing at all', { completed: 0 }, /nothing was completed/]
  ])('are broken by %s', (_, changes, message) =>
    expect(brokenBounds(stage(changes), bounds).join()).toMatch(message)
  )
})

describe('the search for the limit', () => {
  const search = (limit: number, probedPerSecond: number, slow = new Set<number>()) => {
    let n = 0
    return searchLimit({
      probedPerSecond,
      stages: { bisection: 8, confirmation: 12 },
      attempt: (rate) => Promise.resolve(rate > limit || slow.has(n++) ? ['too much'] : [])
    })
  }

  it('comes near the limit, from below, wherever the probe was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: 20_000 }),
        fc.double({ min: 0.6, max: 1.6, noNaN: true }),
        async (limit, off) => {
          const { held } = await search(limit, limit * off)
          expect(held).toBeLessThanOrEqual(limit)
          expect(held!).toBeGreaterThanOrEqual(limit * 0.95)
        }
      )
    )
  })

  it('takes one slow moment for no limit', async () => {
    const { held } = await search(1_000, 1_000, new Set([0]))
    expect(held!).toBeGreaterThan(900)
  })

  it('gives nearly the same where the machine is a tenth faster or slower from stage to stage', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 20, maxLength: 20 }),
        async (speeds) => {
          let stage = 0
          const { held } = await searchLimit({
            probedPerSecond: 1_000,
            stages: { bisection: 8, confirmation: 12 },
            attempt: (rate) => Promise.resolve(rate > 1_000 * speeds[stage++]! ? ['too much'] : [])
          })
          expect(held!).toBeGreaterThan(900 / 1.06)
          expect(held!).toBeLessThan(1_105)
        }
      )
    )
  })

  it('gives up after its stages, and says that nothing held', async () => {
    let stages = 0
    const result = await searchLimit({
      probedPerSecond: 100,
      stages: { bisection: 6, confirmation: 5 },
      attempt: () => Promise.resolve([`broken ${++stages}`])
    })
    expect(result.held).toBeUndefined()
    expect(stages).toBe(6)
  })
})
