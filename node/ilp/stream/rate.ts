import type { Ratio } from '../model.ts'
import { ceilDividedBy, ceilTimes, compareRatios, createRatio, floorTimes } from '../ratio.ts'

/**
 * What is known of a path's exchange rate, in destination units per source unit. A packet of `a` that arrived
 * as `d` after one rounding down says
 *
 *     d/a ≤ rate < (d + 1)/a
 *
 * and the bounds of several packets are intersected. Every further hop may round down too, which only lowers
 * `d`: the lower bound always holds, the upper one may be a little low for small packets.
 */
export interface RateEstimate {
  /** Inclusive. Undefined until something was observed. */
  readonly low: Ratio | undefined
  /** Exclusive. */
  readonly high: Ratio | undefined
  /** Learns from an authentic answer: `source` arrived as `arrived`. */
  observe(source: bigint, arrived: bigint): void
  /** At least this arrives of `source`, and at most that; equal when it is known exactly. */
  bounds(source: bigint): { least: bigint; most: bigint }
  /** The least source amount that may deliver `target`, and the least that surely does (undefined: unknown). */
  sourceFor(target: bigint): { optimistic: bigint; certain: bigint | undefined }
}

/** `known`: bounds from an earlier probe, the upper one exclusive. */
export function createRateEstimate(known?: { low: Ratio; high: Ratio }): RateEstimate {
  let low = known?.low
  let high = known && aboveOf(known.low, known.high)
  /** The largest packet behind the bounds: smaller ones round more coarsely. */
  let referenceAmount = low && high ? amountBehind(low, high) : 0n

  return {
    get low() {
      return low
    },
    get high() {
      return high
    },

    observe(source, arrived) {
      if (source <= 0n) return
      const sampleLow = createRatio(arrived, source)
      const sampleHigh = createRatio(arrived + 1n, source)
      if (!low || !high) {
        ;[low, high, referenceAmount] = [sampleLow, sampleHigh, source]
        return
      }
      const isBelow = compareRatios(sampleHigh, low) <= 0
      const isAbove = compareRatios(sampleLow, high) >= 0
      if (!isBelow && !isAbove) {
        if (compareRatios(sampleLow, low) > 0) low = sampleLow
        if (compareRatios(sampleHigh, high) < 0) high = sampleHigh
        if (source > referenceAmount) referenceAmount = source
        return
      }
      // Less than expected of a much smaller packet may be the rounding of further hops, and then says nothing
      // about large ones: two source units' worth and two units are left to it.
      const tolerance = 2n * ceilTimes(1n, low) + 2n
      if (isBelow && source * 2n < referenceAmount && floorTimes(source, low) - arrived <= tolerance) {
        low = sampleLow
        return
      }
      ;[low, high, referenceAmount] = [sampleLow, sampleHigh, source]
    },

    bounds(source) {
      if (!low || !high) return { least: 0n, most: 0n }
      const most = ceilTimes(source, high) - 1n
      return { least: floorTimes(source, low), most: most < 0n ? 0n : most }
    },

    sourceFor(target) {
      if (!low || !high || target <= 0n) return { optimistic: 0n, certain: 0n }
      return {
        // s · high > target, strictly: the upper bound is never reached
        optimistic: (target * high.denominator) / high.numerator + 1n,
        certain: low.numerator === 0n ? undefined : ceilDividedBy(target, low)
      }
    }
  }
}

/** An exclusive upper bound that is really above: callers may only know a rate as one number. */
function aboveOf(low: Ratio, high: Ratio): Ratio {
  if (compareRatios(high, low) > 0) return high
  const fine = 2n ** 64n
  return createRatio(low.numerator * fine + 1n, low.denominator * fine)
}

/** A packet of `a` leaves bounds that are 1/a apart. */
function amountBehind(low: Ratio, high: Ratio): bigint {
  const apart = high.numerator * low.denominator - low.numerator * high.denominator
  return (high.denominator * low.denominator) / apart
}
