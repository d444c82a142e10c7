import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLatencies } from './histogram.ts'

it('tells percentiles to three digits, as sorting would', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.001, max: 10_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.constantFrom(1, 50, 90, 99, 100),
      (latenciesMs, percent) => {
        const latencies = createLatencies()
        for (const latencyMs of latenciesMs) latencies.record(latencyMs)
        const sorted = latenciesMs.toSorted((a, b) => a - b)
        const exactMs = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!
        expect(latencies.percentileMs(percent)).toBeGreaterThanOrEqual(exactMs * 0.998 - 0.001)
        expect(latencies.percentileMs(percent)).toBeLessThanOrEqual(exactMs * 1.002 + 0.001)
      }
    ),
    { numRuns: 50 }
  )
})

it('adds up', () => {
  const one = createLatencies()
  const other = createLatencies()
  one.record(1)
  other.record(3)
  one.add(other)
  expect([one.count(), one.percentileMs(50), one.maxMs()]).toEqual([2, 1, 3])
})

it('takes what is shorter than a microsecond or longer than a minute for that', () => {
  const latencies = createLatencies()
  latencies.record(0)
  latencies.record(3_600_000)
  expect(latencies.percentileMs(50)).toBe(0.001)
  expect(latencies.maxMs()).toBeGreaterThan(59_900)
})
