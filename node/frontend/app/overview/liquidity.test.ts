import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byUrgency, isLow, meterPercent, mostUrgent } from './liquidity.ts'
import type { Account } from './liquidity.ts'

const account = (liquidity: bigint, lowMark: bigint | null, name = 'USD', id = 'a'): Account => ({
  ...{ id, name, liquidity, lowMark, code: 'USD', scale: 2, page: `/assets/${id}`, tenant: null }
})

const MAX = 2n ** 64n - 1n
const amounts = fc.oneof(fc.bigInt(0n, MAX), fc.bigInt(0n, 5n))
const accounts = fc
  .tuple(amounts, fc.option(amounts), fc.constantFrom('EUR', 'USD'), fc.uuid())
  .map((parts) => account(...parts))

describe('liquidity', () => {
  it('is low at its mark and below, never without one', () => {
    expect([account(99n, 100n), account(100n, 100n), account(101n, 100n)].map(isLow)).toEqual([
      true,
      true,
      false
    ])
    expect([account(0n, 0n), account(1n, 0n), account(0n, null)].map(isLow)).toEqual([true, false, false])
  })

  it('is sorted by how much of the mark is there, however large the amounts are', () => {
    const sorted = [
      account(MAX - 2n, MAX - 1n, 'almost all'),
      account(1n, 1_000n, 'a thousandth'),
      account(0n, null, 'no mark'),
      account(5n, 4n, 'just above'),
      account(MAX - 1n, MAX - 1n, 'at the mark')
    ].toSorted(byUrgency)
    expect(sorted.map(({ name }) => name)).toEqual([
      'a thousandth',
      'almost all',
      'at the mark',
      'just above',
      'no mark'
    ])
  })

  it('has one order, in which no low one comes after another that is not', () => {
    fc.assert(
      fc.property(accounts, accounts, accounts, (a, b, c) => {
        expect(byUrgency(a, b)).toBe(-byUrgency(b, a) + 0)
        if (byUrgency(a, b) <= 0 && byUrgency(b, c) <= 0) expect(byUrgency(a, c)).toBeLessThanOrEqual(0)
      })
    )
    fc.assert(
      fc.property(fc.array(accounts, { maxLength: 30 }), (some) => {
        const low = some.toSorted(byUrgency).map(isLow)
        expect(low).toEqual(low.toSorted((a, b) => Number(b) - Number(a)))
      })
    )
  })

  it('fills the meter to its middle at the mark, and not beyond its end', () => {
    expect(meterPercent(0n, 100n)).toBe(0)
    expect(meterPercent(100n, 100n)).toBe(50)
    expect(meterPercent(MAX, 1n)).toBe(100)
    expect(meterPercent(0n, 0n)).toBe(0)
    fc.assert(
      fc.property(amounts, amounts, (liquidity, lowMark) => {
        const percent = meterPercent(liquidity, lowMark)
        expect(percent >= 0 && percent <= 100).toBe(true)
        if (lowMark > 0n && liquidity <= lowMark) expect(percent).toBeLessThanOrEqual(50)
      })
    )
  })

  it('shows the ten most urgent and counts all', () => {
    const some = Array.from({ length: 25 }, (_, n) => account(BigInt(n), 4n, 'USD', String(n)))
    const list = mostUrgent(some.toReversed(), true)
    expect(list).toMatchObject({ total: 25, low: 5, hasMore: true })
    expect(list.shown.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })
})
