import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAmount, serializeAmount } from './amounts.ts'

const amounts = fc.record({
  value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  assetCode: fc.string({ minLength: 1 }),
  assetScale: fc.integer({ min: 0, max: 255 })
})

describe('amounts on the wire', () => {
  it('come back as they were, at any size', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        const wire: unknown = JSON.parse(JSON.stringify(serializeAmount(amount)))
        expect(parseAmount(wire)).toEqual(amount)
      })
    )
  })

  it.each([
    ['a number', { value: 1, assetCode: 'USD', assetScale: 2 }],
    ['nothing', { value: '', assetCode: 'USD', assetScale: 2 }],
    ['a sign', { value: '-1', assetCode: 'USD', assetScale: 2 }],
    ['a fraction', { value: '1.5', assetCode: 'USD', assetScale: 2 }],
    ['hexadecimal digits', { value: '0x10', assetCode: 'USD', assetScale: 2 }],
    ['spaces', { value: ' 1', assetCode: 'USD', assetScale: 2 }],
    ['65 bits', { value: '18446744073709551616', assetCode: 'USD', assetScale: 2 }],
    ['no asset', { value: '1', assetScale: 2 }],
    ['a scale of text', { value: '1', assetCode: 'USD', assetScale: '2' }],
    ['a scale above 255', { value: '1', assetCode: 'USD', assetScale: 256 }],
    ['null', null]
  ])('are refused with %s', (_, wire) => {
    expect(parseAmount(wire)).toBeUndefined()
  })
})
