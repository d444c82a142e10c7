import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { feeAmount } from '../fees/model.ts'
import { decimalOf, minimumDebit, price, principalOf, quoteLocal } from './pricing.ts'

const amount = fc.bigInt(1n, 2n ** 63n)
const fee = fc.record({ fixed: fc.bigInt(0n, 10n ** 6n), basisPoints: fc.integer({ min: 0, max: 10_000 }) })
const rate = fc.record({ numerator: fc.bigInt(1n, 10n ** 12n), denominator: fc.bigInt(1n, 10n ** 12n) })

describe('prices', () => {
  it('takes the fee of a fixed debit amount out of it', () => {
    const terms = { kind: 'fixedSend', debit: 1_000n } as const
    const terms1 = { fixed: 10n, basisPoints: 100 }
    expect(principalOf(1_000n, terms1)).toBe(980n)
    expect(price(terms, { source: 980n, delivery: 891n }, terms1)).toEqual({
      debit: 1_000n,
      debitMinusFees: 980n,
      receive: 891n
    })
  })

  it('adds the fee of a fixed delivery on top', () => {
    const terms = { kind: 'fixedDelivery', receive: 500n } as const
    const ninetyOne = { numerator: 91n, denominator: 100n }
    expect(quoteLocal(terms, 0n, ninetyOne)).toEqual({ source: 550n, delivery: 500n })
    expect(price(terms, { source: 550n, delivery: 500n }, { fixed: 10n, basisPoints: 100 })).toEqual({
      debit: 566n,
      debitMinusFees: 550n,
      receive: 500n
    })
  })

  it('leaves nothing negative when the fee takes more than there is', () => {
    fc.assert(
      fc.property(amount, fee, (debit, terms) => {
        const principal = principalOf(debit, terms)
        expect(principal >= 0n && principal <= debit).toBe(true)
        if (principal > 0n) expect(principal + feeAmount(terms, debit)).toBe(debit)
      })
    )
  })

  it('rounds against the payer: a delivery’s source buys it, and one unit less does not', () => {
    fc.assert(
      fc.property(amount, rate, (receive, ratio) => {
        const quoted = quoteLocal({ kind: 'fixedDelivery', receive }, 0n, ratio)
        if (!('source' in quoted)) throw new Error('a fixed delivery delivers')
        const delivers = (source: bigint) => source * ratio.numerator >= receive * ratio.denominator
        expect(delivers(quoted.source)).toBe(true)
        expect(delivers(quoted.source - 1n)).toBe(false)
      })
    )
  })

  it('names the least debit amount that delivers something, exactly', () => {
    const small = fc.record({ fixed: fc.bigInt(0n, 50n), basisPoints: fc.integer({ min: 0, max: 9_999 }) })
    const coarse = fc.record({ numerator: fc.bigInt(1n, 20n), denominator: fc.bigInt(1n, 2_000n) })
    fc.assert(
      fc.property(small, coarse, (terms, ratio) => {
        const quote = (debit: bigint) =>
          quoteLocal({ kind: 'fixedSend', debit }, principalOf(debit, terms), ratio)
        const nothing = quote(0n)
        if (!('minimumSource' in nothing)) throw new Error('nothing delivers nothing')
        const least = minimumDebit(nothing.minimumSource, terms)!
        expect('delivery' in quote(least)).toBe(true)
        expect('delivery' in quote(least - 1n)).toBe(false)
      })
    )
  })

  it('names none where the fee takes everything', () => {
    expect(minimumDebit(5n, { fixed: 0n, basisPoints: 10_000 })).toBeUndefined()
    expect(minimumDebit(5n, undefined)).toBe(5n)
  })

  it('shows a rate with ten decimals', () => {
    expect(decimalOf({ numerator: 91n, denominator: 100n })).toBe(0.91)
    expect(decimalOf({ numerator: 1n, denominator: 3n })).toBe(0.3333333333)
  })
})
