/** A day of payments, hour by hour, as a chart of stacked bars and as a table: both by these numbers. */
export interface Day {
  /** When its first hour begins, in ISO 8601. */
  since: string
  counts: HourCount[]
}

/** How many payments that were created in an hour (0 is the first of the day) are in a state now. */
export interface HourCount {
  type: PaymentType
  state: string
  hour: number
  count: number
}

export type PaymentType = 'INCOMING' | 'OUTGOING'

export const HOURS = 24
export const HOUR_MS = 3_600_000

/** States by kind, as they stand on one another: what went well at the bottom, what did not on top. */
const STATES: Readonly<Record<PaymentType, readonly string[]>> = {
  OUTGOING: ['COMPLETED', 'SENDING', 'FUNDING', 'CANCELLED', 'FAILED'],
  INCOMING: ['COMPLETED', 'PROCESSING', 'PENDING', 'EXPIRED']
}

export interface StateCount {
  state: string
  count: number
}

/** The numbers of one kind of payment: for each hour every state of the kind, and the same over the day. */
export interface KindOfDay {
  hours: { start: string; states: StateCount[]; total: number }[]
  states: StateCount[]
  total: number
}

/** A state that is not known here (of a newer node) comes last. */
export function kindOfDay({ since, counts }: Day, type: PaymentType): KindOfDay {
  const ofKind = counts.filter((count) => count.type === type)
  const unknown = new Set(ofKind.map(({ state }) => state).filter((state) => !STATES[type].includes(state)))
  const states = [...STATES[type], ...unknown]
  const sumOf = (some: readonly HourCount[]): StateCount[] =>
    states.map((state) => ({
      state,
      count: some.filter((count) => count.state === state).reduce((sum, { count }) => sum + count, 0)
    }))
  const total = (some: readonly StateCount[]) => some.reduce((sum, { count }) => sum + count, 0)
  const hours = Array.from({ length: HOURS }, (_, hour) => {
    const inHour = sumOf(ofKind.filter((count) => count.hour === hour))
    const start = new Date(Date.parse(since) + hour * HOUR_MS).toISOString()
    return { start, states: inHour, total: total(inHour) }
  })
  const ofDay = sumOf(ofKind)
  return { hours, states: ofDay, total: total(ofDay) }
}

/** Where the axis ends: the first round number from `max` on, even unless it is 1. */
export function axisEnd(max: number): number {
  if (max <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(max))
  const ends = [1, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power)
  return ends.find((end) => end >= max && end % 2 === 0)!
}

/** A part of a bar: its distance from the axis and its height, both in pixels. */
export interface Segment {
  state: string
  count: number
  from: number
  height: number
}

/** What few payments are in can be seen, too: one that failed among thousands is what matters. */
const MIN_HEIGHT = 4

/** A bar of at most `height`, which stands for `end` payments. The largest part gives what small ones need. */
export function segmentsOf(states: readonly StateCount[], end: number, height: number): Segment[] {
  const segments = states
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => ({
      state,
      count,
      from: 0,
      height: Math.max(MIN_HEIGHT, (count / end) * height)
    }))
  const excess = segments.reduce((sum, segment) => sum + segment.height, 0) - height
  const largest = segments.toSorted((a, b) => b.height - a.height)[0]
  if (largest && excess > 0) largest.height -= excess
  let from = 0
  for (const segment of segments) {
    segment.from = from
    from += segment.height
  }
  return segments
}
