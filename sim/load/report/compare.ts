import type { LoadReport } from '../engine/model.ts'
import { mainStage } from './summary.ts'

/** One figure of two runs, side by side. */
export interface ComparedFigure {
  what: string
  unit: string
  a: number
  b: number
  /** b / a; undefined where a is zero. */
  ratio: number | undefined
}

/** Figures that both runs have: rate, latencies, processor time per call, memory at the end. */
export function compareReports(a: LoadReport, b: LoadReport): ComparedFigure[] {
  const figures: ComparedFigure[] = []
  const add = (what: string, unit: string, of: (report: LoadReport) => number | undefined) => {
    const [first, second] = [of(a), of(b)]
    if (first === undefined || second === undefined) return
    figures.push({ what, unit, a: first, b: second, ratio: first === 0 ? undefined : second / first })
  }
  add('limit', `${a.unit}/s`, ({ limit }) => limit?.perSecond)
  add('carried', `${a.unit}/s`, (report) => mainStage(report)?.completedPerSecond)
  for (const [name, key] of [
    ['p50', 'p50Ms'],
    ['p90', 'p90Ms'],
    ['p99', 'p99Ms'],
    ['p99.9', 'p999Ms'],
    ['longest', 'maxMs']
  ] as const) {
    add(name, 'ms', (report) => mainStage(report)?.latency[key])
  }
  add('failed or dropped', 'calls', (report) => {
    const stage = mainStage(report)
    return stage && stage.failed + stage.dropped
  })
  for (const { name } of a.processes) {
    add(`${name}: processor time per call`, 'µs', (report) => processorTimePerCall(report, name))
    add(`${name}: memory`, 'MB', (report) => {
      const last = report.processes.find((process) => process.name === name)?.samples.at(-1)
      return last && last.residentBytes / 2 ** 20
    })
  }
  return figures
}

/** Over the stage that the run is about: what a process used, by the calls that were completed. */
function processorTimePerCall(report: LoadReport, name: string): number | undefined {
  const stage = mainStage(report)
  const process = report.processes.find((candidate) => candidate.name === name)
  if (!stage || !process || stage.completedPerSecond === 0) return undefined
  const endS = stage.startedAtS + stage.elapsedMs / 1_000
  const within = process.samples.filter(({ atS }) => atS > stage.startedAtS + 0.5 && atS <= endS + 0.5)
  if (within.length === 0) return undefined
  const share = within.reduce((sum, { cpuShare }) => sum + cpuShare, 0) / within.length
  return (share * 1e6) / stage.completedPerSecond
}

/** What differs between two runs beside their figures: those may be why. */
export function differences(a: LoadReport, b: LoadReport): string[] {
  const facts = (report: LoadReport): Record<string, string> => ({
    kind: report.kind,
    topology: report.topology.name,
    engine: report.engine,
    mode: report.mode,
    machine: report.machine,
    commit: report.commit ?? 'none',
    ...report.versions,
    ...Object.fromEntries(Object.entries(report.settings).map(([name, value]) => [name, String(value)]))
  })
  const [first, second] = [facts(a), facts(b)]
  return [...new Set([...Object.keys(first), ...Object.keys(second)])].flatMap((name) =>
    first[name] === second[name] ? [] : [`${name}: ${first[name] ?? '–'} | ${second[name] ?? '–'}`]
  )
}
