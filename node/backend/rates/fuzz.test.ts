import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testCount } from '../../../test-counts.ts'
import { FUZZ_TIMEOUT_MS, fuzz, hostileText } from '../../ilp/fuzz.test-support.ts'
import { parseRates } from './parse.ts'

const code = fc.oneof(fc.stringMatching(/^[A-Z]{3}$/), fc.constantFrom('__proto__', 'constructor', '', '"'))
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('1e999999999', '1e-999999999', '-0', '0.1e+5', '1'.repeat(400), `0.${'0'.repeat(400)}1`)
)
const document = fc
  .tuple(fc.string({ maxLength: 5 }), fc.array(fc.tuple(code, number), { maxLength: 10 }))
  .map(([base, rates]) => {
    const written = rates.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')
    return `{"base":${JSON.stringify(base)},"rates":{${written}}}`
  })

/** What it gives is bounded by what it got. */
function check(text: string): void {
  const parsed = parseRates(text)
  if (parsed === undefined) return
  expect(parsed.rates.size).toBeLessThanOrEqual(text.length)
  for (const { numerator, denominator } of parsed.rates.values()) {
    expect(numerator > 0n && denominator > 0n).toBe(true)
    expect(numerator < 10n ** 201n && denominator < 10n ** 201n).toBe(true)
  }
}

describe('the document of a rates service', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it('is rates, or nothing, whatever the service sends', () => {
    fuzz(fc.oneof(hostileText(document), fc.json()), testCount('fuzzedInputs'), check)
  })

  it.each([
    ['an array in an array, 500,000 times', '['.repeat(500_000)],
    ['closed again', '['.repeat(400_000) + ']'.repeat(400_000)],
    ['objects in objects', '{"a":'.repeat(150_000) + '1' + '}'.repeat(150_000)],
    ['deep below the rates', `{"base":"USD","rates":{"EUR":${'['.repeat(400_000)}${']'.repeat(400_000)}}}`]
  ])('is nothing: %s', (_name, text) => {
    expect(parseRates(text)).toBeUndefined()
  })
})
