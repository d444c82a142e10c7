import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ADDRESS_SCHEMES,
  MAX_ADDRESS_LENGTH,
  addressScheme,
  isAddressPrefix,
  isValidAddress,
  joinAddress,
  segmentsBelow
} from './address.ts'

const segment = fc.stringMatching(/^[a-zA-Z0-9_~-]{1,12}$/)
const address = fc
  .tuple(fc.constantFrom(...ADDRESS_SCHEMES), fc.array(segment, { minLength: 1, maxLength: 6 }))
  .map(([scheme, segments]) => [scheme, ...segments].join('.'))

describe('ILP addresses (RFC 15)', () => {
  it.each(['g.acme.bob', 'test.a', 'test3.a.b', 'private.x', 'g.us-fed.ach.0.swx0a0.~ipr.cdfa5e16_e759'])(
    'accepts %s',
    (text) => expect(isValidAddress(text)).toBe(true)
  )

  it.each(['', 'g', 'g.', '.g.a', 'g..a', 'g.a.', 'test4.a', 'h.a', 'g.a b', 'g.ä', 'g.a\n', 'G.a'])(
    'refuses %j',
    (text) => expect(isValidAddress(text)).toBe(false)
  )

  it('limits the length to 1,023 characters', () => {
    expect(isValidAddress(`g.${'a'.repeat(MAX_ADDRESS_LENGTH - 2)}`)).toBe(true)
    expect(isValidAddress(`g.${'a'.repeat(MAX_ADDRESS_LENGTH - 1)}`)).toBe(false)
  })

  it('finds the scheme', () => {
    expect(addressScheme('test1.a')).toBe('test1')
    expect(addressScheme('tests.a')).toBeUndefined()
  })

  it('joins what it then finds below the prefix', () => {
    fc.assert(
      fc.property(address, fc.array(segment, { minLength: 1, maxLength: 3 }), (prefix, segments) => {
        const joined = joinAddress(prefix, ...segments)!
        expect(isValidAddress(joined)).toBe(true)
        expect(isAddressPrefix(prefix, joined)).toBe(true)
        expect(segmentsBelow(prefix, joined)).toEqual(segments)
        expect(addressScheme(joined)).toBe(addressScheme(prefix))
      })
    )
  })

  it('compares whole segments, never characters', () => {
    fc.assert(
      fc.property(address, segment, (prefix, more) => {
        expect(isAddressPrefix(prefix, prefix)).toBe(true)
        expect(isAddressPrefix(prefix, prefix + more)).toBe(false)
        expect(segmentsBelow(prefix, prefix + more)).toBeUndefined()
        expect(segmentsBelow(prefix, prefix)).toBeUndefined()
      })
    )
  })

  it('joins nothing that would be no address', () => {
    expect(joinAddress('g.a', 'b.c')).toBe('g.a.b.c')
    expect(joinAddress('g.a', '')).toBeUndefined()
    expect(joinAddress('g.a', 'b.')).toBeUndefined()
    expect(joinAddress('g.a', 'b c')).toBeUndefined()
    expect(joinAddress('g.a', 'x'.repeat(MAX_ADDRESS_LENGTH))).toBeUndefined()
  })

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        expect(typeof isValidAddress(left)).toBe('boolean')
        expect(typeof isAddressPrefix(left, right)).toBe('boolean')
        const joined = joinAddress(left, right)
        expect(joined === undefined || isValidAddress(joined)).toBe(true)
      })
    )
  })
})
