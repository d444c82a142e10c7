import type { Slope } from './model.ts'

export interface Point {
  atS: number
  value: number
}

/** Means of so many parts of the run: neighbours in time depend on each other, means of long parts hardly do. */
const BLOCKS = 12
/** Student's t for a 95 % interval by degrees of freedom (two-sided), from 1 on. */
const T_95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
const T_95_MANY = 2.1

/**
 * How a quantity changes per hour, by least squares over the means of blocks, with the 95 % interval around it.
 * Undefined for too few points to tell.
 */
export function slopeOf(what: string, unit: string, points: readonly Point[]): Slope | undefined {
  const blocks = blockMeans(points)
  if (blocks.length < 4) return undefined
  const n = blocks.length
  const meanX = average(blocks.map(({ atS }) => atS))
  const meanY = average(blocks.map(({ value }) => value))
  let sxx = 0
  let sxy = 0
  for (const { atS, value } of blocks) {
    sxx += (atS - meanX) ** 2
    sxy += (atS - meanX) * (value - meanY)
  }
  const perS = sxy / sxx
  const residuals = blocks.reduce(
    (sum, { atS, value }) => sum + (value - meanY - perS * (atS - meanX)) ** 2,
    0
  )
  const error = Math.sqrt(residuals / (n - 2) / sxx)
  const margin = (T_95[n - 3] ?? T_95_MANY) * error
  const perHour = perS * 3_600
  const low = (perS - margin) * 3_600
  const high = (perS + margin) * 3_600
  return { what, unit, mean: meanY, perHour, low, high, isFlat: low <= 0 && high >= 0 }
}

function blockMeans(points: readonly Point[]): Point[] {
  const count = Math.min(BLOCKS, Math.floor(points.length / 3))
  return Array.from({ length: count }, (_, block) => {
    const part = points.slice(
      Math.floor((block * points.length) / count),
      Math.floor(((block + 1) * points.length) / count)
    )
    return { atS: average(part.map(({ atS }) => atS)), value: average(part.map(({ value }) => value)) }
  })
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
