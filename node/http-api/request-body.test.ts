import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonContentType, MAX_JSON_DEPTH, parseJson } from './index.ts'

describe('parseJson', () => {
  it('reads what JSON.parse reads, but for NUL characters and halves of surrogate pairs', () => {
    const stringUnit = fc.constantFrom('a', '\0', '\\', 'u0000', '"', '\ud83d', '\ude00', 'ud83d')
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit }), (value) => {
        const parsed = parseJson(Buffer.from(JSON.stringify(value)))
        if (anyString(value, (text) => text.includes('\0') || !text.isWellFormed())) {
          expect(parsed).toBeUndefined()
        } else expect(parsed).toEqual({ json: JSON.parse(JSON.stringify(value)) as unknown })
      })
    )
  })

  it.each(['[', '{"a":'])('reads %s within each other up to its limit, and no deeper', (opening) => {
    const nested = (depth: number) => {
      const closing = opening === '[' ? ']' : '}'
      return Buffer.from(`${opening.repeat(depth)}${opening === '[' ? '' : '1'}${closing.repeat(depth)}`)
    }
    expect(parseJson(nested(MAX_JSON_DEPTH))).toBeDefined()
    expect(parseJson(nested(MAX_JSON_DEPTH + 1))).toBeUndefined()
    expect(parseJson(nested(100_000))).toBeUndefined()
    // Many beside each other are fine.
    expect(parseJson(Buffer.from(JSON.stringify(Array.from({ length: 1_000 }, () => [{}]))))).toBeDefined()
  })

  it('refuses numbers that are beyond every double, however they are written, and no others', () => {
    const digits = fc.bigInt({ min: 1n, max: 10n ** 320n }).map(String)
    const exponent = fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-', 'e00'), fc.nat({ max: 400 }))
    const number = fc
      .tuple(digits, fc.option(digits), fc.option(exponent))
      .map(([whole, part, times]) => `${whole}${part === null ? '' : `.${part}`}${(times ?? []).join('')}`)
    fc.assert(
      fc.property(number, (written) => {
        const parsed = parseJson(Buffer.from(`{"a":[${written}]}`))
        if (Number.isFinite(Number(written))) expect(parsed).toEqual({ json: { a: [Number(written)] } })
        else expect(parsed).toBeUndefined()
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

function anyString(value: unknown, holds: (text: string) => boolean): boolean {
  if (typeof value === 'string') return holds(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, member]) => holds(key) || anyString(member, holds))
}
