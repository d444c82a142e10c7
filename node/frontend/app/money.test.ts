import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAmount, parseAmount } from './money.ts'

const amounts = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const scales = fc.integer({ min: 0, max: 255 })

describe('amounts', () => {
  it.each([
    [1234567n, 2, '12,345.67'],
    [5n, 2, '0.05'],
    [0n, 0, '0'],
    [1000n, 0, '1,000'],
    [-150n, 2, '-1.50'],
    [1n, 9, '0.000000001']
  ])('%s at scale %s is %s', (amount, scale, text) => {
    expect(formatAmount(amount, scale)).toBe(text)
  })

  it('are read back as what was shown, at every scale', () => {
    fc.assert(
      fc.property(amounts, scales, (amount, scale) => {
        expect(parseAmount(formatAmount(amount, scale), scale)).toEqual({ ok: true, amount })
      })
    )
  })

  it('are taken without thousands marks and with zeros at the end', () => {
    expect(parseAmount('1234.5000', 2)).toEqual({ ok: true, amount: 123450n })
    expect(parseAmount(' 7 ', 3)).toEqual({ ok: true, amount: 7000n })
  })

  it('are never rounded: what the scale cannot hold is refused', () => {
    fc.assert(
      fc.property(amounts, fc.integer({ min: 0, max: 20 }), (amount, scale) => {
        const text = `${formatAmount(amount, scale)}${scale === 0 ? '.' : ''}7`
        expect(parseAmount(text, scale).ok).toBe(false)
      })
    )
  })

  it.each(['', ' ', '.5', '5.', '1,23', '-1', '1e3', '0x10', '1.2.3', 'abc', '12 3', '١٢'])(
    'are not "%s"',
    (text) => {
      expect(parseAmount(text, 2).ok).toBe(false)
    }
  )

  it('go up to 2^64 - 1 minor units', () => {
    expect(parseAmount('18446744073709551615', 0)).toEqual({ ok: true, amount: 2n ** 64n - 1n })
    expect(parseAmount('18446744073709551616', 0)).toMatchObject({ ok: false })
  })
})
