import { build } from 'hdr-histogram-js'
import type { Histogram } from 'hdr-histogram-js'

/** Latencies in an HdrHistogram: three significant digits, from a microsecond to a minute (longer counts as that). */
export interface Latencies {
  record(latencyMs: number): void
  add(other: Latencies): void
  count(): number
  /** The latency that `percent` of all did not exceed; 0 when there is none. */
  percentileMs(percent: number): number
  maxMs(): number
  /** For `add`. */
  readonly histogram: Histogram
}

const LONGEST_US = 60_000_000

export function createLatencies(): Latencies {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_US,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false
  })
  return {
    histogram,
    record(latencyMs) {
      histogram.recordValue(Math.min(LONGEST_US, Math.max(1, Math.round(latencyMs * 1_000))))
    },
    add: (other) => histogram.add(other.histogram),
    count: () => histogram.totalCount,
    percentileMs: (percent) =>
      histogram.totalCount === 0 ? 0 : rounded(histogram.getValueAtPercentile(percent) / 1_000),
    maxMs: () => (histogram.totalCount === 0 ? 0 : rounded(histogram.maxValue / 1_000))
  }
}

/** Three decimals: what the histogram tells apart. */
export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000
}
