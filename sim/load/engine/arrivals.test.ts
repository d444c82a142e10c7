import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scheduleOf } from './arrivals.ts'

describe('the schedule of an open loop', () => {
  const rate = fc.integer({ min: 1, max: 20_000 })
  const durationMs = fc.integer({ min: 1_000, max: 60_000 })

  it('never goes back, and ends within its time', () => {
    fc.assert(
      fc.property(rate, rate, durationMs, fc.boolean(), (from, to, duration, isRamp) => {
        const { total, dueMs } = scheduleOf(
          isRamp ? { kind: 'ramp', fromPerSecond: from, toPerSecond: to } : { kind: 'rate', perSecond: from },
          duration
        )
        expect(total).toBeGreaterThan(0)
        const step = Math.max(1, Math.floor(total / 50))
        let beforeMs = -1
        for (let index = 0; index < total; index += step) {
          expect(dueMs(index)).toBeGreaterThan(beforeMs)
          beforeMs = dueMs(index)
        }
        expect(dueMs(total - 1)).toBeLessThanOrEqual(duration)
      })
    )
  })

  it('of a ramp has the rate at each moment that lies on the line between its ends', () => {
    const { dueMs } = scheduleOf({ kind: 'ramp', fromPerSecond: 100, toPerSecond: 300 }, 10_000)
    // By half the time (5 s): 100·5 + 20·25/2 = 750 calls.
    expect(dueMs(750)).toBeCloseTo(5_000, 6)
    expect(dueMs(2_000)).toBeCloseTo(10_000, 6)
  })

  it('of a ramp that does not rise is the constant one', () => {
    const flat = scheduleOf({ kind: 'ramp', fromPerSecond: 50, toPerSecond: 50 }, 4_000)
    const constant = scheduleOf({ kind: 'rate', perSecond: 50 }, 4_000)
    expect(flat.total).toBe(constant.total)
    for (let index = 0; index < 200; index += 7) expect(flat.dueMs(index)).toBeCloseTo(constant.dueMs(index))
  })
})
