import { rounded } from '../bench/histogram.ts'
import type { Busyness, ProcessSeries, Saturation } from './model.ts'

/** Busier than this, and a thing has nothing left to give: the rest is the looks' own coarseness. */
const FULL = 0.9

/**
 * What a stage kept busy, from the looks that fall within it: each event loop, PostgreSQL's busiest process (one
 * connection is one process: the ledger's writer), the machine as a whole. Says what was full: an event loop or process
 * before the machine, for it is what one would mend.
 */
export function saturationOf(
  series: readonly ProcessSeries[],
  { fromS, toS, processors }: { fromS: number; toS: number; processors: number }
): Saturation {
  const busiest: Busyness[] = []
  let machine = 0
  for (const { name, role, samples } of series) {
    // The first look tells of the time before the stage as well.
    const within = samples.filter(({ atS }) => atS > fromS + 0.5 && atS <= toS + 0.5)
    if (within.length === 0) continue
    const cpu = mean(within.map(({ cpuShare }) => cpuShare))
    machine += cpu
    const loops = within.flatMap(({ eventLoopUtilisation }) => eventLoopUtilisation ?? [])
    if (loops.length > 0) {
      const utilisation = mean(loops)
      const delayMs = mean(within.map(({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms ?? 0))
      busiest.push({
        what: `event loop of ${name}`,
        share: rounded(utilisation),
        detail: `busy ${percent(utilisation)} of the time, ${cpu.toFixed(2)} processors, p99 delay ${delayMs.toFixed(1)} ms`
      })
    }
    if (role === 'database') {
      const most = mean(within.map(({ busiestShare }) => busiestShare ?? 0))
      busiest.push({
        what: `busiest process of ${name}`,
        share: rounded(most),
        detail: `${most.toFixed(2)} of a processor; all its processes together ${cpu.toFixed(2)}`
      })
    }
  }
  const all = {
    what: 'processors of the machine',
    share: rounded(machine / processors),
    detail: `${machine.toFixed(2)} of ${processors} used by what was looked at`
  }
  busiest.sort((a, b) => b.share - a.share)
  const full = busiest.find(({ share }) => share >= FULL) ?? (all.share >= FULL ? all : undefined)
  return { by: full?.what, busiest: [...busiest, all].sort((a, b) => b.share - a.share) }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

const percent = (share: number) => `${Math.round(share * 100)} %`
