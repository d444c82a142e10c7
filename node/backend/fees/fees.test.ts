import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { feeAmount } from './model.ts'

describe('feeAmount', () => {
  it('rounds the share up and adds the fixed part', () => {
    expect(feeAmount(undefined, 100n)).toBe(0n)
    expect(feeAmount({ fixed: 10n, basisPoints: 100 }, 100_00n)).toBe(110n)
    expect(feeAmount({ fixed: 0n, basisPoints: 1 }, 1n)).toBe(1n)
    expect(feeAmount({ fixed: 0n, basisPoints: 0 }, 2n ** 64n)).toBe(0n)
  })

  it('is the least whole number not below the exact share', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n), fc.integer({ min: 0, max: 10_000 }), (principal, basisPoints) => {
        const fee = feeAmount({ fixed: 0n, basisPoints }, principal)
        const exact = principal * BigInt(basisPoints)
        expect(fee * 10_000n >= exact && (fee - 1n) * 10_000n < exact).toBe(true)
      })
    )
  })
})
