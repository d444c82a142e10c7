import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ceilDivide,
  ceilDividedBy,
  ceilTimes,
  compareRatios,
  complementOf,
  createRatio,
  divideRatios,
  floorTimes,
  multiplyRatios,
  parseRatio,
  scaleRatio
} from './ratio.ts'

const positive = fc.bigInt({ min: 1n, max: 2n ** 80n })
const ratio = fc
  .tuple(positive, positive)
  .map(([numerator, denominator]) => createRatio(numerator, denominator))
const amount = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

describe('exact ratios', () => {
  it.each([
    ['0.91', 91n, 100n],
    ['1', 1n, 1n],
    ['0', 0n, 1n],
    ['007.50', 15n, 2n],
    ['1e-8', 1n, 100_000_000n],
    ['1.25E2', 125n, 1n],
    ['0.1234567890123456789', 1234567890123456789n, 10n ** 19n]
  ])('reads %s exactly', (text, numerator, denominator) => {
    expect(parseRatio(text)).toEqual({ numerator, denominator })
  })

  it.each(['', '-1', '+1', '.5', '5.', '1e', 'NaN', 'Infinity', '1 ', '0x10', '1e101', '9'.repeat(101)])(
    'refuses %j',
    (text) => expect(parseRatio(text)).toBeUndefined()
  )

  it('reads a number by its shortest decimal text', () => {
    expect(parseRatio(0.1)).toEqual({ numerator: 1n, denominator: 10n })
    expect(parseRatio(1e21)).toEqual({ numerator: 10n ** 21n, denominator: 1n })
    expect(parseRatio(Number.NaN)).toBeUndefined()
    expect(parseRatio(-1)).toBeUndefined()
  })

  it('reads what toFixed would round', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 0, max: 30 }), (digits, scale) => {
        const text = digits.toString().padStart(scale + 1, '0')
        const decimal = scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`
        expect(parseRatio(decimal)).toEqual(createRatio(digits, 10n ** BigInt(scale)))
      })
    )
  })

  it('rounds in the named direction', () => {
    fc.assert(
      fc.property(amount, ratio, (value, by) => {
        const product = value * by.numerator
        const floor = floorTimes(value, by)
        const ceil = ceilTimes(value, by)
        expect(floor * by.denominator <= product && (floor + 1n) * by.denominator > product).toBe(true)
        expect(
          ceil * by.denominator >= product && (ceil === 0n || (ceil - 1n) * by.denominator < product)
        ).toBe(true)
      })
    )
  })

  it('finds the least amount that reaches a target', () => {
    fc.assert(
      fc.property(amount, ratio, (target, by) => {
        const least = ceilDividedBy(target, by)
        expect(floorTimes(least, by)).toBeGreaterThanOrEqual(target)
        if (least > 0n) expect((least - 1n) * by.numerator < target * by.denominator).toBe(true)
      })
    )
  })

  it('multiplies, divides, compares and scales exactly', () => {
    fc.assert(
      fc.property(ratio, ratio, fc.nat(20), fc.nat(20), (left, right, from, to) => {
        expect(divideRatios(multiplyRatios(left, right), right)).toEqual(left)
        expect(compareRatios(left, right)).toBe(-compareRatios(right, left) + 0)
        expect(scaleRatio(scaleRatio(left, from, to), to, from)).toEqual(left)
      })
    )
  })

  it('takes the complement', () => {
    expect(complementOf(parseRatio('0.01')!)).toEqual({ numerator: 99n, denominator: 100n })
    expect(() => complementOf(parseRatio('1.01')!)).toThrow(RangeError)
  })

  it('divides negative numbers towards zero, which is up', () => {
    expect(ceilDivide(-7n, 2n)).toBe(-3n)
    expect(ceilDivide(7n, 2n)).toBe(4n)
    expect(ceilDivide(0n, 2n)).toBe(0n)
  })
})
