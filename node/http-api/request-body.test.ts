import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonContentType, parseJson } from './index.ts'

describe('parseJson', () => {
  it('reads what JSON.parse reads, but for NUL characters', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: fc.constantFrom('a', '\0', '\\', 'u0000', '"') }), (value) => {
        const parsed = parseJson(Buffer.from(JSON.stringify(value)))
        if (anyStringHasNul(value)) expect(parsed).toBeUndefined()
        else expect(parsed).toEqual({ json: JSON.parse(JSON.stringify(value)) as unknown })
      })
    )
  })

  it.each(['', '{', 'undefined', '{"a":1,}'])('refuses %j', (text) => {
    expect(parseJson(Buffer.from(text))).toBeUndefined()
  })
})

describe('isJsonContentType', () => {
  it.each(['application/json', 'Application/JSON; charset=utf-8', 'application/problem+json'])(
    'takes %s',
    (type) => {
      expect(isJsonContentType(type)).toBe(true)
    }
  )
  it.each([undefined, '', 'text/json', 'application/jsonp', 'application/x-www-form-urlencoded'])(
    'refuses %s',
    (type) => {
      expect(isJsonContentType(type)).toBe(false)
    }
  )
})

function anyStringHasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, member]) => key.includes('\0') || anyStringHasNul(member))
}
