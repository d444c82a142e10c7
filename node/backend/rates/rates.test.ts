import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRatio } from '../../ilp/index.ts'
import { createLogger, createManualClock, HttpClientError } from '../../runtime/index.ts'
import type { HttpRequest, HttpResponse } from '../../runtime/index.ts'
import type { Tenant } from '../tenants/model.ts'
import { parseRates } from './parse.ts'
import { createRates, FAILURE_LIFETIME_MS, MAX_CACHED_BASES } from './service.ts'

const LIFETIME_MS = 15_000

function setUp(answer: (request: HttpRequest) => Promise<Partial<HttpResponse>> | Partial<HttpResponse>) {
  const clock = createManualClock()
  const requests: HttpRequest[] = []
  let url: string | undefined = 'http://rates.test/?key=k'
  const httpClient = {
    async request(request: HttpRequest) {
      requests.push(request)
      return { status: 200, headers: {}, body: Buffer.from(''), ...(await answer(request)) }
    }
  }
  const rates = createRates({
    httpClients: { plain: httpClient, guarded: httpClient },
    clock,
    logger: createLogger({ name: 'test', level: 'silent' }),
    tenants: { get: () => ({ settings: { exchangeRatesUrl: url } }) as Tenant },
    lifetimeMs: LIFETIME_MS
  })
  return {
    rates,
    clock,
    requests,
    setUrl: (text: string) => (url = text),
    dropUrl: () => (url = undefined)
  }
}

const json = (text: string) => ({ body: Buffer.from(text) })
const USD = { code: 'USD', scale: 2 }
const EUR = { code: 'EUR', scale: 4 }

describe('parseRates', () => {
  it('keeps every digit that was written', () => {
    const parsed = parseRates(
      '{"base":"USD","rates":{"A":0.1000000000000000055511151231257827,"B":1e-7,"C":3}}'
    )
    expect(parsed?.rates.get('A')).toEqual(
      createRatio(1000000000000000055511151231257827n, 10000000000000000000000000000000000n)
    )
    expect(parsed?.rates.get('B')).toEqual(createRatio(1n, 10_000_000n))
    expect(parsed?.rates.get('C')).toEqual(createRatio(3n, 1n))
  })

  it('reads any decimal exactly', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 30n), fc.integer({ min: 0, max: 30 }), (digits, places) => {
        const text = digits.toString().padStart(places + 1, '0')
        const whole = text.slice(0, text.length - places)
        const written = places === 0 ? whole : `${whole}.${text.slice(text.length - places)}`
        const parsed = parseRates(`{"base":"X","rates":{"Y":${written}}}`)
        expect(parsed?.rates.get('Y')).toEqual(createRatio(digits, 10n ** BigInt(places)))
      })
    )
  })

  it.each([
    ['no JSON', '{"base":'],
    ['an array', '[]'],
    ['no rates', '{"base":"USD"}'],
    ['rates that are a list', '{"base":"USD","rates":[1]}'],
    ['a base that is no text', '{"base":1,"rates":{}}']
  ])('refuses %s', (_what, text) => {
    expect(parseRates(text)).toBeUndefined()
  })

  it('leaves out rates that are not positive numbers', () => {
    const parsed = parseRates('{"base":"USD","rates":{"A":0,"B":-1,"C":"1","D":null,"E":1e9999,"F":2}}')
    expect([...(parsed?.rates.keys() ?? [])]).toEqual(['F'])
  })
})

describe('rates', () => {
  it('scales a rate to minor units', async () => {
    const { rates, requests } = setUp(() => json('{"base":"USD","rates":{"EUR":0.91}}'))
    expect(await rates.ratio('t', USD, EUR)).toEqual(createRatio(91n, 1n))
    expect(await rates.ratio('t', USD, { code: 'EUR', scale: 0 })).toEqual(createRatio(91n, 10_000n))
    expect(requests).toMatchObject([
      { method: 'GET', url: 'http://rates.test/?key=k&base=USD', timeoutMs: 5_000 }
    ])
  })

  it('needs no fetch between scales of one currency', async () => {
    const { rates, requests, dropUrl } = setUp(() => json('{}'))
    dropUrl()
    expect(await rates.ratio('t', USD, { code: 'USD', scale: 9 })).toEqual(createRatio(10n ** 7n, 1n))
    expect(rates.cachedRatio('t', { code: 'USD', scale: 9 }, USD)).toEqual(createRatio(1n, 10n ** 7n))
    expect(requests).toEqual([])
    expect(await rates.ratio('t', USD, EUR)).toMatchObject({ failure: 'MissingExchangeRatesUrl' })
  })

  it('shares one fetch among concurrent callers, per base', async () => {
    const { rates, requests } = setUp(({ url }) => {
      const base = new URL(url).searchParams.get('base')
      return json(`{"base":"${base}","rates":{"USD":1.1,"EUR":0.91}}`)
    })
    await Promise.all([
      rates.ratio('t', USD, EUR),
      rates.ratio('t', USD, EUR),
      rates.ratio('t', EUR, USD),
      rates.ratio('u', USD, EUR)
    ])
    expect(requests).toHaveLength(3)
  })

  it('never uses a rate longer than its lifetime, counted from the question', async () => {
    let rate = '0.91'
    const { rates, clock, requests } = setUp(() => json(`{"base":"USD","rates":{"EUR":${rate}}}`))
    expect(rates.cachedRatio('t', USD, EUR)).toBeUndefined()
    await rates.ratio('t', USD, EUR)
    rate = '0.5'
    await clock.advance(LIFETIME_MS - 1)
    expect(rates.cachedRatio('t', USD, EUR)).toEqual(createRatio(91n, 1n))
    await clock.advance(1) // the use above began a refresh, ahead of the end
    expect(requests).toHaveLength(2)
    expect(rates.cachedRatio('t', USD, EUR)).toEqual(createRatio(50n, 1n))
    await clock.advance(LIFETIME_MS)
    expect(rates.cachedRatio('t', USD, EUR)).toBeUndefined()
  })

  it('keeps what is fresh when its refresh fails, and fails when nothing is fresh', async () => {
    let down = false
    const { rates, clock, requests } = setUp(() => {
      if (down) throw new HttpClientError('ECONNREFUSED', 'refused')
      return json('{"base":"USD","rates":{"EUR":0.91}}')
    })
    await rates.ratio('t', USD, EUR)
    down = true
    await clock.advance(LIFETIME_MS - 10)
    expect(rates.cachedRatio('t', USD, EUR)).toEqual(createRatio(91n, 1n))
    expect(requests).toHaveLength(2)
    await clock.advance(5)
    // What failed a moment ago is not asked for again at once.
    expect(rates.cachedRatio('t', USD, EUR)).toEqual(createRatio(91n, 1n))
    expect(requests).toHaveLength(2)
    await clock.advance(5)
    expect(await rates.ratio('t', USD, EUR)).toMatchObject({ failure: 'CouldNotFetchRates' })
    const asked = requests.length
    expect(rates.cachedRatio('t', USD, EUR)).toMatchObject({ failure: 'CouldNotFetchRates' })
    expect(await rates.ratio('t', USD, EUR)).toMatchObject({ failure: 'CouldNotFetchRates' })
    expect(requests).toHaveLength(asked)
    down = false
    await clock.advance(FAILURE_LIFETIME_MS)
    expect(await rates.ratio('t', USD, EUR)).toEqual(createRatio(91n, 1n))
  })

  it('answers by a code where a tenant set no URL but some text, now and later', async () => {
    const { rates, requests, setUrl } = setUp(() => json('{"base":"USD","rates":{"EUR":2}}'))
    setUrl('nonsense')
    for (let time = 0; time < 2; time++) {
      expect(await rates.ratio('t', USD, EUR)).toMatchObject({
        failure: 'CouldNotFetchRates',
        message: expect.stringContaining('"nonsense"') as string
      })
    }
    expect(requests).toEqual([])
    setUrl('http://rates.test/')
    expect(await rates.ratio('t', USD, EUR)).toEqual(createRatio(200n, 1n))
  })

  it('keeps a bounded number of bases, and drops the oldest first', async () => {
    const { rates, requests } = setUp(({ url }) => {
      const base = new URL(url).searchParams.get('base')
      return json(`{"base":"${base}","rates":{"EUR":2}}`)
    })
    const base = (number: number) => ({ code: `B${number}`, scale: 2 })
    for (let number = 0; number <= MAX_CACHED_BASES; number++) await rates.ratio('t', base(number), EUR)
    expect(requests).toHaveLength(MAX_CACHED_BASES + 1)
    await rates.ratio('t', base(MAX_CACHED_BASES), EUR)
    await rates.ratio('t', base(1), EUR)
    expect(requests).toHaveLength(MAX_CACHED_BASES + 1)
    await rates.ratio('t', base(0), EUR)
    expect(requests).toHaveLength(MAX_CACHED_BASES + 2)
  })

  it('never shows more than the lifetime allows, whatever is asked when, and asks no more than it must', async () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: LIFETIME_MS * 2 }),
      callers: fc.integer({ min: 1, max: 3 }),
      isCached: fc.boolean(),
      isDown: fc.boolean()
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        let isDown = false
        let inFlight = 0
        const { rates, clock, requests } = setUp(async () => {
          expect(++inFlight, 'one fetch of a base at a time').toBe(1)
          // The answer says when it was asked for.
          const askedMs = clock.nowMs()
          await Promise.resolve()
          inFlight -= 1
          if (isDown) throw new HttpClientError('ECONNREFUSED', 'refused')
          return json(`{"base":"USD","rates":{"EUR":${askedMs + 1}}}`)
        })
        const check = (ratio: Awaited<ReturnType<typeof rates.ratio>> | undefined) => {
          if (ratio === undefined || 'failure' in ratio) return
          const askedMs = Number(ratio.numerator / ratio.denominator / 100n) - 1
          expect(clock.nowMs() - askedMs).toBeLessThan(LIFETIME_MS)
        }
        for (const { waitMs, callers, isCached, isDown: goesDown } of steps) {
          await clock.advance(waitMs)
          isDown = goesDown
          if (isCached) check(rates.cachedRatio('t', USD, EUR))
          const before = requests.length
          const answers = await Promise.all(Array.from({ length: callers }, () => rates.ratio('t', USD, EUR)))
          answers.forEach(check)
          expect(requests.length - before).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 60 }
    )
  })

  it.each([
    [
      'a status other than 200',
      { status: 201, ...json('{"base":"USD","rates":{"EUR":1}}') },
      'CouldNotFetchRates'
    ],
    ['no JSON', json('<html>'), 'CouldNotFetchRates'],
    ['another base', json('{"base":"MXN","rates":{"EUR":1}}'), 'InvalidBaseAsset'],
    ['an empty base', json('{"base":"","rates":{"EUR":1}}'), 'MissingBaseAsset'],
    ['no rate for the pair', json('{"base":"USD","rates":{"MXN":1}}'), 'InvalidDestinationPrice'],
    ['a rate of zero', json('{"base":"USD","rates":{"EUR":0}}'), 'InvalidDestinationPrice']
  ])('refuses %s', async (_what, answer, code) => {
    const { rates } = setUp(() => answer)
    expect(await rates.ratio('t', USD, EUR)).toMatchObject({ failure: code })
  })
})
