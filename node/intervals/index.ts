/** One repetition of an interval: it contains `start` and not `end`. */
export interface Repetition {
  start: Date
  end: Date
}

/** A repeating interval of ISO 8601 (`R[n]/start/end`, `R[n]/start/duration`, `R[n]/duration/end`), in UTC. */
export interface RepeatingInterval {
  /** The repetition that contains the instant; undefined before the first and after the last. */
  at(instant: Date): Repetition | undefined
}

/** Calendar units and milliseconds: how many days a month has depends on where it starts. */
interface Duration {
  months: number
  days: number
  milliseconds: number
}

/** No number of an interval is larger: what it is multiplied with stays exact. */
const MAX_COUNT = 1_000_000
const MS_PER_DAY = 86_400_000
/** 365.2425 / 12 days: only to guess which repetition an instant is in. */
const MEAN_MONTH_MS = 30.436875 * MS_PER_DAY

const REPEAT = /^R(-1|\d{1,7})?$/
const DURATION =
  /^P(?:(\d{1,7})Y)?(?:(\d{1,7})M)?(?:(\d{1,7})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,9})(?:[.,](\d{1,3}))?S)?)?$/
const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/** Undefined for a text that is none: three parts, a positive length, dates that exist. */
export function parseRepeatingInterval(text: string): RepeatingInterval | undefined {
  const parts = text.split('/')
  if (parts.length !== 3) return undefined
  const [repeatText, first, second] = parts as [string, string, string]
  const repeat = REPEAT.exec(repeatText)
  if (!repeat) return undefined
  // `Rn` is the interval itself and n repetitions of it.
  const last = repeat[1] === undefined || repeat[1] === '-1' ? Infinity : Number(repeat[1])
  if (last !== Infinity && last > MAX_COUNT) return undefined

  if (first.startsWith('P')) {
    const duration = parseDuration(first)
    const end = parseInstant(second)
    return duration && end && repetitions(end, duration, last, -1)
  }
  const start = parseInstant(first)
  if (!start) return undefined
  if (second.startsWith('P')) {
    const duration = parseDuration(second)
    return duration && repetitions(start, duration, last, 1)
  }
  const end = parseInstant(second)
  if (!end || end <= start) return undefined
  const milliseconds = end.getTime() - start.getTime()
  return repetitions(start, { months: 0, days: 0, milliseconds }, last, 1)
}

function parseDuration(text: string): Duration | undefined {
  const match = DURATION.exec(text)
  if (!match || text.endsWith('T')) return undefined
  const [years, months, weeks, days, hours, minutes, seconds] = match
    .slice(1, 8)
    .map((digits) => Number(digits ?? 0)) as [number, number, number, number, number, number, number]
  const fraction = Number((match[8] ?? '').padEnd(3, '0'))
  const duration = {
    months: years * 12 + months,
    days: weeks * 7 + days,
    milliseconds: ((hours * 60 + minutes) * 60 + seconds) * 1_000 + fraction
  }
  return duration.months + duration.days + duration.milliseconds > 0 ? duration : undefined
}

/** Without a zone: UTC. */
function parseInstant(text: string): Date | undefined {
  const match = INSTANT.exec(text)
  if (!match) return undefined
  const [, day, time = '00:00', zone = 'Z'] = match
  const offset = /^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')
  const instant = new Date(`${day}T${time}${offset}`)
  if (Number.isNaN(instant.getTime())) return undefined
  // The platform rolls the 30th of February over into March: such a date does not exist.
  return new Date(`${day}T00:00Z`).toISOString().startsWith(day!) ? instant : undefined
}

/**
 * `anchor` is the first boundary; boundary k lies k durations after it (before it, backwards), each counted
 * from the anchor, so that months of different lengths do not add up to a drift: from 31 January the monthly
 * boundaries are 28 February, 31 March, 30 April. Repetition k lies between boundaries k and k + 1.
 */
function repetitions(
  anchor: Date,
  duration: Duration,
  last: number,
  direction: 1 | -1
): RepeatingInterval | undefined {
  const boundary = (k: number) => plus(anchor, duration, k * direction).getTime()
  if (Number.isNaN(boundary(1))) return undefined
  const meanMs = duration.months * MEAN_MONTH_MS + duration.days * MS_PER_DAY + duration.milliseconds

  return {
    at(instant) {
      const instantMs = instant.getTime()
      // A boundary belongs to the later repetition: forwards to the one it starts, backwards to the one before.
      const isBefore = (k: number) => (direction === 1 ? instantMs < boundary(k) : instantMs >= boundary(k))
      if (isBefore(0)) return undefined
      let k = Math.max(0, Math.floor(((instantMs - anchor.getTime()) * direction) / meanMs))
      if (!Number.isSafeInteger(k)) return undefined
      while (k > 0 && isBefore(k)) k--
      while (!isBefore(k + 1)) {
        if (Number.isNaN(boundary(k + 1))) return undefined
        k++
      }
      if (k > last) return undefined
      const bounds = [boundary(k), boundary(k + 1)].sort((left, right) => left - right) as [number, number]
      if (bounds.some(Number.isNaN)) return undefined
      return { start: new Date(bounds[0]), end: new Date(bounds[1]) }
    }
  }
}

/** `times` durations after the anchor, in UTC: months first (clamped to the month's last day), then the rest. */
function plus(anchor: Date, { months, days, milliseconds }: Duration, times: number): Date {
  const monthIndex = anchor.getUTCFullYear() * 12 + anchor.getUTCMonth() + months * times
  const year = Math.floor(monthIndex / 12)
  const month = monthIndex - year * 12
  const moved = new Date(anchor.getTime())
  moved.setUTCFullYear(year, month, Math.min(anchor.getUTCDate(), daysIn(year, month)))
  return new Date(moved.getTime() + days * times * MS_PER_DAY + milliseconds * times)
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(2000 + (((year % 400) + 400) % 400), month + 1, 0)).getUTCDate()
}
