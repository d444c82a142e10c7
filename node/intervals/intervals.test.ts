import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRepeatingInterval } from './index.ts'

const at = (text: string, instant: string) => {
  const repetition = parseRepeatingInterval(text)?.at(new Date(instant))
  return repetition && [repetition.start.toISOString(), repetition.end.toISOString()]
}

describe('repeating intervals', () => {
  it.each([
    ['R/2026-01-01T00:00:00Z/P1M', '2026-03-15T00:00:00Z', '2026-03-01', '2026-04-01'],
    ['R/2026-01-31T12:00:00Z/P1M', '2026-02-28T12:00:00Z', '2026-02-28T12', '2026-03-31T12'],
    ['R-1/2024-02-29T00:00:00Z/P1Y', '2025-03-01T00:00:00Z', '2025-02-28', '2026-02-28'],
    ['R3/2026-01-01T00:00:00Z/PT1H', '2026-01-01T03:59:59.999Z', '2026-01-01T03', '2026-01-01T04'],
    ['R/2026-01-01T00:00:00Z/2026-01-03T00:00:00Z', '2026-01-05T01:00:00Z', '2026-01-05', '2026-01-07'],
    ['R/P1M/2026-03-31T00:00:00Z', '2026-02-28T00:00:00Z', '2026-02-28', '2026-03-31'],
    ['R1/P1D/2026-01-10T00:00:00Z', '2026-01-08T00:00:00Z', '2026-01-08', '2026-01-09'],
    ['R/2026-01-01T00:00:00+02:00/P1D', '2025-12-31T22:00:00Z', '2025-12-31T22', '2026-01-01T22'],
    ['R/2026-01-01/P1W', '2026-01-08T00:00:00Z', '2026-01-08', '2026-01-15']
  ])('%s at %s', (text, instant, start, end) => {
    const full = (short: string) => new Date(short.length > 10 ? `${short}:00Z` : short).toISOString()
    expect(at(text, instant)).toEqual([full(start), full(end)])
  })

  it.each([
    ['R0/2026-01-01T00:00:00Z/P1D', '2026-01-02T00:00:00Z'],
    ['R2/2026-01-01T00:00:00Z/P1D', '2026-01-04T00:00:00Z'],
    ['R/2026-01-01T00:00:00Z/P1D', '2025-12-31T23:59:59.999Z'],
    ['R/P1D/2026-01-10T00:00:00Z', '2026-01-10T00:00:00Z'],
    ['R1/P1D/2026-01-10T00:00:00Z', '2026-01-07T23:59:59.999Z']
  ])('%s has no repetition at %s', (text, instant) => {
    expect(parseRepeatingInterval(text)).toBeDefined()
    expect(at(text, instant)).toBeUndefined()
  })

  it.each([
    '',
    'R/P1D',
    'R/2026-01-01/P1D/P1D',
    'P1D/2026-01-01/P1D',
    'R-2/2026-01-01/P1D',
    'R/2026-01-01/P0D',
    'R/2026-01-01/P',
    'R/2026-01-01/P1DT',
    'R/2026-02-30/P1D',
    'R/2026-13-01/P1D',
    'R/2026-01-02/2026-01-01',
    'R/2026-01-02/2026-01-02',
    'R/P1D/P1D',
    'R/2026-01-01T25:00:00Z/P1D'
  ])('refuses "%s"', (text) => {
    expect(parseRepeatingInterval(text)).toBeUndefined()
  })

  it('are counted up to a million times, and no further', () => {
    expect(parseRepeatingInterval('R1000000/2026-01-01T00:00:00Z/P1D')).toBeDefined()
    expect(parseRepeatingInterval('R1000001/2026-01-01T00:00:00Z/P1D')).toBeUndefined()
  })

  it('has repetitions that contain the instant and join without gap or overlap', () => {
    const duration = fc
      .record({
        months: fc.nat(30),
        days: fc.nat(40),
        hours: fc.nat(50),
        seconds: fc.nat(100)
      })
      .filter(({ months, days, hours, seconds }) => months + days + hours + seconds > 0)
      .map(({ months, days, hours, seconds }) => `P${months}M${days}DT${hours}H${seconds}S`)
    const instants = fc.date({
      min: new Date('2000-01-01'),
      max: new Date('2040-01-01'),
      noInvalidDate: true
    })
    fc.assert(
      fc.property(duration, instants, instants, fc.boolean(), (length, anchor, instant, isBackwards) => {
        const text = isBackwards
          ? `R/${length}/${anchor.toISOString()}`
          : `R/${anchor.toISOString()}/${length}`
        const interval = parseRepeatingInterval(text)!
        const found = interval.at(instant)
        expect(found === undefined).toBe(isBackwards ? instant >= anchor : instant < anchor)
        if (!found) return
        expect(found.start <= instant && instant < found.end).toBe(true)
        expect(interval.at(found.start)).toEqual(found)
        const next = interval.at(found.end)
        if (next) expect(next.start).toEqual(found.end)
        else expect(found.end).toEqual(anchor)
      })
    )
  })
})
