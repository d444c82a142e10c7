import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { axisEnd, HOURS, kindOfDay, segmentsOf } from './day.ts'

const SINCE = '2030-01-30T13:00:00.000Z'

describe('the day of payments', () => {
  it('has every hour and state of a kind, also those without payments', () => {
    const day = {
      since: SINCE,
      counts: [
        { type: 'OUTGOING', state: 'FAILED', hour: 0, count: 2 },
        { type: 'OUTGOING', state: 'COMPLETED', hour: 0, count: 5 },
        { type: 'OUTGOING', state: 'COMPLETED', hour: 23, count: 1 },
        { type: 'INCOMING', state: 'EXPIRED', hour: 3, count: 7 }
      ] as const
    }
    const outgoing = kindOfDay({ ...day, counts: [...day.counts] }, 'OUTGOING')
    expect(outgoing.hours).toHaveLength(HOURS)
    expect(outgoing.total).toBe(8)
    expect(outgoing.hours[0]).toEqual({
      start: SINCE,
      total: 7,
      states: [
        { state: 'COMPLETED', count: 5 },
        { state: 'SENDING', count: 0 },
        { state: 'FUNDING', count: 0 },
        { state: 'CANCELLED', count: 0 },
        { state: 'FAILED', count: 2 }
      ]
    })
    expect(outgoing.hours[23]!.start).toBe('2030-01-31T12:00:00.000Z')
    expect(kindOfDay({ ...day, counts: [...day.counts] }, 'INCOMING').total).toBe(7)
  })

  it('loses no payment, not even in a state that it does not know', () => {
    const kind = kindOfDay(
      { since: SINCE, counts: [{ type: 'OUTGOING', state: 'LOST', hour: 1, count: 3 }] },
      'OUTGOING'
    )
    expect(kind.total).toBe(3)
    expect(kind.hours[1]!.states.at(-1)).toEqual({ state: 'LOST', count: 3 })
  })

  it('has an axis that ends at a round number, its half a whole one', () => {
    expect([0, 1, 2, 3, 5, 7, 9, 10, 11, 25, 41, 85, 2_083].map(axisEnd)).toEqual([
      1, 1, 2, 4, 6, 8, 10, 10, 20, 30, 50, 100, 3_000
    ])
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1e9 }), (max) => {
        expect(axisEnd(max)).toBeGreaterThanOrEqual(max)
        expect(axisEnd(max)).toBeLessThanOrEqual(max * 2)
        expect(axisEnd(max) % 2).toBe(0)
      })
    )
  })

  it('has bars that stay within the chart and show every state, however few are in it', () => {
    const states = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(states, (counts) => {
        const end = axisEnd(counts.reduce((sum, count) => sum + count, 0))
        const segments = segmentsOf(
          counts.map((count, state) => ({ state: String(state), count })),
          end,
          160
        )
        expect(segments).toHaveLength(counts.filter((count) => count > 0).length)
        let top = 0
        for (const { from, height } of segments) {
          expect(from).toBeCloseTo(top, 6)
          expect(height).toBeGreaterThanOrEqual(3.999)
          top = from + height
        }
        expect(top).toBeLessThanOrEqual(160.001)
      })
    )
    expect(segmentsOf([{ state: 'COMPLETED', count: 50 }], 100, 160)).toEqual([
      { state: 'COMPLETED', count: 50, from: 0, height: 80 }
    ])
  })
})
