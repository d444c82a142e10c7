import type { Ratio } from './model.ts'

/** The longest text and the largest exponent that are read as a decimal: bounds the size of the numbers. */
export const MAX_DECIMAL_LENGTH = 100
export const MAX_DECIMAL_EXPONENT = 100

const DECIMAL = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** A ratio in lowest terms. @throws RangeError when the denominator is not positive or the numerator negative */
export function createRatio(numerator: bigint, denominator: bigint): Ratio {
  if (numerator < 0n || denominator <= 0n) {
    throw new RangeError(`A ratio of ${numerator} to ${denominator} is not a non-negative number`)
  }
  const divisor = greatestCommonDivisor(numerator, denominator)
  return { numerator: numerator / divisor, denominator: denominator / divisor }
}

/**
 * The exact value of a non-negative decimal, as written: `0.91`, `1e-8`, or the text of a JSON number.
 * A `number` is read as its shortest decimal text, which is what the JSON said up to 17 digits.
 * Undefined for everything else (signs, blanks, NaN, over-long texts).
 */
export function parseRatio(decimal: string | number): Ratio | undefined {
  const text = typeof decimal === 'number' ? String(decimal) : decimal
  if (text.length > MAX_DECIMAL_LENGTH) return undefined
  const match = DECIMAL.exec(text)
  if (!match) return undefined
  const [, whole = '', fraction = '', exponentText = '0'] = match
  const exponent = Number(exponentText) - fraction.length
  if (Math.abs(exponent) > MAX_DECIMAL_EXPONENT) return undefined
  const digits = BigInt(whole + fraction)
  return exponent >= 0
    ? createRatio(digits * 10n ** BigInt(exponent), 1n)
    : createRatio(digits, 10n ** BigInt(-exponent))
}

export function multiplyRatios(left: Ratio, right: Ratio): Ratio {
  return createRatio(left.numerator * right.numerator, left.denominator * right.denominator)
}

/** @throws RangeError when `right` is zero */
export function divideRatios(left: Ratio, right: Ratio): Ratio {
  return createRatio(left.numerator * right.denominator, left.denominator * right.numerator)
}

/** 1 − ratio. @throws RangeError when the ratio is above 1 */
export function complementOf(ratio: Ratio): Ratio {
  return createRatio(ratio.denominator - ratio.numerator, ratio.denominator)
}

/** Negative, zero or positive, as left is below, equal to or above right. */
export function compareRatios(left: Ratio, right: Ratio): number {
  const difference = left.numerator * right.denominator - right.numerator * left.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Scales a rate of whole units to minor units: × 10^(toScale − fromScale), exactly. */
export function scaleRatio(ratio: Ratio, fromScale: number, toScale: number): Ratio {
  return toScale >= fromScale
    ? createRatio(ratio.numerator * 10n ** BigInt(toScale - fromScale), ratio.denominator)
    : createRatio(ratio.numerator, ratio.denominator * 10n ** BigInt(fromScale - toScale))
}

/** amount × ratio, rounded down. */
export function floorTimes(amount: bigint, ratio: Ratio): bigint {
  return (amount * ratio.numerator) / ratio.denominator
}

/** amount × ratio, rounded up. */
export function ceilTimes(amount: bigint, ratio: Ratio): bigint {
  return ceilDivide(amount * ratio.numerator, ratio.denominator)
}

/** The least amount whose product with the ratio reaches `target`. @throws RangeError for a ratio of zero */
export function ceilDividedBy(target: bigint, ratio: Ratio): bigint {
  return ceilDivide(target * ratio.denominator, ratio.numerator)
}

/** dividend / divisor rounded up; dividend may be negative, divisor is positive. */
export function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  return dividend > 0n && quotient * divisor !== dividend ? quotient + 1n : quotient
}

export function minOf(first: bigint, ...others: readonly bigint[]): bigint {
  return others.reduce((least, value) => (value < least ? value : least), first)
}

export function maxOf(first: bigint, ...others: readonly bigint[]): bigint {
  return others.reduce((most, value) => (value > most ? value : most), first)
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  while (right !== 0n) [left, right] = [right, left % right]
  return left
}
