import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { slopeOf } from './slopes.ts'

/** A number that looks drawn, the same each time: xorshift. */
function noise(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32 - 0.5
  }
}

describe('the slope of a soak', () => {
  it('of a line is the line’s, whatever its noise, within the interval', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.double({ min: -10, max: 10, noNaN: true }), (seed, perHour) => {
        const next = noise(seed)
        const points = Array.from({ length: 600 }, (_, atS) => ({
          atS,
          value: 100 + (perHour * atS) / 3_600 + next() * 0.01
        }))
        const slope = slopeOf('memory', 'MB', points)!
        expect(slope.perHour).toBeCloseTo(perHour, 1)
        expect(slope.low).toBeLessThanOrEqual(slope.perHour)
        expect(slope.high).toBeGreaterThanOrEqual(slope.perHour)
      })
    )
  })

  it('of noise alone is flat, nearly always', () => {
    let flat = 0
    for (let seed = 1; seed <= 200; seed++) {
      const next = noise(seed * 7_919)
      const points = Array.from({ length: 300 }, (_, atS) => ({ atS, value: 50 + next() * 10 }))
      if (slopeOf('latency', 'ms', points)!.isFlat) flat += 1
    }
    // 95 in 100, give or take what 200 draws scatter.
    expect(flat).toBeGreaterThan(180)
  })

  it('of a leak is not flat', () => {
    const next = noise(3)
    const points = Array.from({ length: 600 }, (_, atS) => ({ atS, value: 100 + atS * 0.05 + next() * 5 }))
    const slope = slopeOf('memory', 'MB', points)!
    expect(slope.isFlat).toBe(false)
    expect(slope.low).toBeGreaterThan(0)
  })

  it('of a handful of points is not told', () => {
    expect(slopeOf('memory', 'MB', [{ atS: 0, value: 1 }])).toBeUndefined()
  })
})
