import type { ProcessSeries, SecondOfStage, Slope, StageRecord } from './model.ts'
import { slopeOf } from './slopes.ts'
import type { Point } from './slopes.ts'

/** A stage this long, or longer, gets slopes. */
export const SOAK_FROM_MS = 120_000
/** The part at the start that is left out: caches fill, code is compiled. */
const SETTLING_SHARE = 0.15

/** What grows, and what does not, over a long stage: memory, handles, event-loop delay, database, latency, errors. */
export function slopesOf(
  stage: StageRecord,
  series: readonly ProcessSeries[],
  databaseBytes: readonly Point[]
): Slope[] {
  const endS = stage.startedAtS + stage.elapsedMs / 1_000
  const fromS = stage.startedAtS + (stage.elapsedMs / 1_000) * SETTLING_SHARE
  const within = <Timed extends { atS: number }>(points: readonly Timed[]) =>
    points.filter(({ atS }) => atS >= fromS && atS <= endS)
  const slopes: (Slope | undefined)[] = []
  const seconds = stage.seconds
    .slice(0, Math.floor(stage.elapsedMs / 1_000))
    .map((second) => ({ ...second, atS: stage.startedAtS + second.atS }))
  const ofSeconds = (what: string, unit: string, value: (second: SecondOfStage) => number) =>
    slopes.push(
      slopeOf(
        what,
        unit,
        within(seconds).map((second) => ({ atS: second.atS, value: value(second) }))
      )
    )
  ofSeconds('latency p50', 'ms', ({ p50Ms }) => p50Ms)
  ofSeconds('latency p99', 'ms', ({ p99Ms }) => p99Ms)
  ofSeconds('failed per second', '1/s', ({ failed }) => failed)
  for (const { name, role, samples } of series) {
    const points = within(samples)
    const of = (
      what: string,
      unit: string,
      value: (sample: (typeof points)[number]) => number | undefined
    ) => {
      const known = points.flatMap((sample) => {
        const found = value(sample)
        return found === undefined ? [] : [{ atS: sample.atS, value: found }]
      })
      slopes.push(slopeOf(`${name}: ${what}`, unit, known))
    }
    of('memory', 'MB', ({ residentBytes }) => residentBytes / 2 ** 20)
    if (role === 'connector' || role === 'auth') {
      of('heap', 'MB', ({ heapBytes }) => (heapBytes === undefined ? undefined : heapBytes / 2 ** 20))
      of('event-loop delay p99', 'ms', ({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms)
    }
    of('handles', '', ({ handles }) => handles)
  }
  slopes.push(
    slopeOf(
      'databases',
      'MB',
      within(databaseBytes).map(({ atS, value }) => ({ atS, value: value / 2 ** 20 }))
    )
  )
  return slopes.flatMap((slope) => slope ?? [])
}
