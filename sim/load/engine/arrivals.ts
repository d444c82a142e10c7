import type { Arrivals } from './model.ts'

/** When the calls of an open loop are due, counted from its start. */
export interface Schedule {
  total: number
  /** Of the n-th call, from 0 on. */
  dueMs(index: number): number
}

/**
 * The schedule of a constant rate, or of one that grows (or falls) evenly: after t seconds `from·t + (to − from)·t²/2T`
 * calls were due.
 */
export function scheduleOf(arrivals: Exclude<Arrivals, { kind: 'closed' }>, durationMs: number): Schedule {
  const seconds = durationMs / 1_000
  if (arrivals.kind === 'rate') {
    const { perSecond } = arrivals
    return { total: Math.floor(seconds * perSecond), dueMs: (index) => (index * 1_000) / perSecond }
  }
  const { fromPerSecond: from, toPerSecond: to } = arrivals
  const growth = (to - from) / seconds
  return {
    total: Math.floor(((from + to) / 2) * seconds),
    dueMs(index) {
      if (growth === 0) return (index * 1_000) / from
      // The root that lies within the stage, in the form that loses no digits where growth is small.
      const root = Math.sqrt(Math.max(0, from * from + 2 * growth * index))
      return (1_000 * 2 * index) / (from + root || 1)
    }
  }
}

export function describeArrivals(arrivals: Arrivals): string {
  switch (arrivals.kind) {
    case 'rate':
      return `${Math.round(arrivals.perSecond * 10) / 10}/s offered`
    case 'ramp':
      return `${arrivals.fromPerSecond}/s to ${arrivals.toPerSecond}/s offered`
    case 'closed':
      return `${arrivals.callers} at once, each after its last`
  }
}
