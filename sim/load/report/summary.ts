import type { LoadReport, StageRecord } from '../engine/model.ts'

export function rate(perSecond: number): string {
  return perSecond >= 100 ? String(Math.round(perSecond)) : String(Math.round(perSecond * 10) / 10)
}

/** The stage that a run is about: of a search the limit's, else the last that counts. */
export function mainStage({ limit, stages }: LoadReport): StageRecord | undefined {
  return limit ? stages[limit.stage] : (stages.filter(({ counts }) => counts).at(-1) ?? stages.at(-1))
}

/** A run in a sentence or two. */
export function headline(report: LoadReport): string {
  const { limit, unit, bounds, reconciliation, mode } = report
  const stage = mainStage(report)
  const books = reconciliation.ok ? 'Everybody counted the same.' : 'The books do not add up.'
  if (!stage) return books
  const latency = `p50 ${stage.latency.p50Ms} ms, p99 ${stage.latency.p99Ms} ms`
  if (limit) {
    const why = limit.saturatedBy === undefined ? '' : ` What keeps it from more: ${limit.saturatedBy}.`
    return `${rate(limit.perSecond)} ${unit} per second is the highest rate that holds p99 within ${bounds.p99Ms} ms (${latency}).${why} ${books}`
  }
  if (mode === 'search') return `No rate held the bounds (p99 within ${bounds.p99Ms} ms). ${books}`
  const wrong = stage.failed + stage.dropped
  const faults = wrong === 0 ? 'none failed' : `${wrong} of ${stage.offered} failed`
  return `${rate(stage.completedPerSecond)} ${unit} per second, ${latency}, ${faults}. ${books}`
}
