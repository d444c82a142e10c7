import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareRatios, createRatio, floorTimes, parseRatio } from '../ratio.ts'
import { createRateEstimate } from './rate.ts'

const ratio = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 6n }), fc.bigInt({ min: 1n, max: 10n ** 6n }))
  .map(([numerator, denominator]) => createRatio(numerator, denominator))
const amount = fc.bigInt({ min: 1n, max: 10n ** 12n })

describe('the rate of a path that rounds once', () => {
  it('lies within the bounds, always', () => {
    fc.assert(
      fc.property(ratio, fc.array(amount, { minLength: 1, maxLength: 20 }), amount, (rate, sources, next) => {
        const estimate = createRateEstimate()
        for (const source of sources) estimate.observe(source, floorTimes(source, rate))
        expect(compareRatios(estimate.low!, rate)).toBeLessThanOrEqual(0)
        expect(compareRatios(estimate.high!, rate)).toBeGreaterThan(0)
        const { least, most } = estimate.bounds(next)
        const arrives = floorTimes(next, rate)
        expect(least <= arrives && arrives <= most).toBe(true)
        for (const source of sources) {
          const exact = floorTimes(source, rate)
          expect(estimate.bounds(source)).toEqual({ least: exact, most: exact })
        }
      })
    )
  })

  it('plans no more than may be needed, and no less than surely is', () => {
    fc.assert(
      fc.property(ratio, amount, amount, (rate, probed, target) => {
        const estimate = createRateEstimate()
        estimate.observe(probed, floorTimes(probed, rate))
        const { optimistic, certain } = estimate.sourceFor(target)
        expect(floorTimes(optimistic - 1n, rate)).toBeLessThan(target)
        if (certain !== undefined) {
          expect(floorTimes(certain, rate)).toBeGreaterThanOrEqual(target)
          expect(certain).toBeGreaterThanOrEqual(optimistic)
        }
      })
    )
  })

  it('is replaced when it moved', () => {
    const estimate = createRateEstimate({ low: parseRatio('0.91')!, high: parseRatio('0.910001')! })
    estimate.observe(1_000_000n, 900_000n)
    expect(estimate.low).toEqual(parseRatio('0.9'))
    estimate.observe(1_000_000n, 950_000n)
    expect(estimate.low).toEqual(parseRatio('0.95'))
  })

  it('is not believed to have moved for the rounding of a small packet on further hops', () => {
    const estimate = createRateEstimate({ low: parseRatio('10')!, high: parseRatio('10.00001')! })
    estimate.observe(3n, 20n)
    expect(estimate.high).toEqual(parseRatio('10.00001'))
    expect(estimate.sourceFor(1_000n).optimistic).toBe(100n)
  })

  it('takes a rate known as one number for exact', () => {
    const one = parseRatio('1')!
    const estimate = createRateEstimate({ low: one, high: one })
    expect(estimate.sourceFor(500n)).toEqual({ optimistic: 500n, certain: 500n })
    expect(estimate.bounds(500n)).toEqual({ least: 500n, most: 500n })
  })

  it('knows nothing before the first packet', () => {
    const estimate = createRateEstimate()
    expect(estimate.low).toBeUndefined()
    expect(estimate.sourceFor(5n)).toEqual({ optimistic: 0n, certain: 0n })
    estimate.observe(10n, 0n)
    expect(estimate.sourceFor(5n).certain).toBeUndefined()
  })
})
