import { beforeAll, describe, expect, it } from 'vitest'
import { serveHttp } from '../../runtime/index.ts'
import { useOpenPayments, usd } from './open-payments.test-support.ts'

/** Stands in a body for an object that is nested 5,000 deep. */
const DEEP = 'deep'
const DEEP_TEXT = `${'{"value":'.repeat(5_000)}{}${'}'.repeat(5_000)}`

describe('bodies that no payment is made of', () => {
  const { desk, tokenFor, consentedToken, signed } = useOpenPayments({
    backend: { ALLOW_PRIVATE_ADDRESSES: 'false' }
  })
  const tokens: Record<string, string> = {}
  let receiver: string
  beforeAll(async () => {
    const { shop, alice, bob, resources } = desk
    tokens['incoming-payments'] = await tokenFor(shop, 'incoming-payment', ['create'])
    tokens.quotes = await tokenFor(shop, 'quote', ['create'])
    tokens['outgoing-payments'] = await consentedToken(shop, {
      type: 'outgoing-payment',
      actions: ['create'],
      identifier: alice.url
    })
    const { id } = await shop.client.incomingPayment.create(
      { url: resources, accessToken: tokens['incoming-payments'] },
      { walletAddress: bob.url }
    )
    receiver = id
  })

  function post(kind: string, change: object) {
    const whole: Record<string, object> = {
      'incoming-payments': { walletAddress: desk.bob.url },
      quotes: { walletAddress: desk.alice.url, receiver, method: 'ilp' },
      'outgoing-payments': {
        walletAddress: desk.alice.url,
        incomingPayment: receiver,
        debitAmount: usd('10')
      }
    }
    const url = `${desk.resources}/${kind}`
    const body = JSON.stringify({ ...whole[kind], ...change }).replace(`"${DEEP}"`, DEEP_TEXT)
    return desk.node.fetch(url, signed(desk.shop, 'POST', url, { token: tokens[kind]!, body }))
  }

  const loopback = 'https://127.0.0.1:1/x/incoming-payments/08394f02-7b7b-45e2-b645-51d04e7c330c'

  it.each<[string, string, object, string]>([
    ['incoming-payments', 'zero', { incomingAmount: usd('0') }, 'invalid amount'],
    ['incoming-payments', 'of 2^64', { incomingAmount: usd('18446744073709551616') }, 'invalid amount'],
    [
      'incoming-payments',
      'of another scale',
      { incomingAmount: { ...usd('1'), assetScale: 9 } },
      'invalid amount'
    ],
    ['quotes', 'zero', { debitAmount: usd('0') }, 'invalid amount'],
    [
      'quotes',
      'of 2^64',
      { debitAmount: usd('18446744073709551616') },
      'Could not parse amounts when creating quote'
    ],
    ['quotes', 'zero to receive', { receiveAmount: usd('0') }, 'invalid amount'],
    [
      'quotes',
      'received in another asset',
      { receiveAmount: { ...usd('1'), assetCode: 'EUR' } },
      'invalid amount'
    ],
    ['quotes', 'to a loopback address', { receiver: loopback, debitAmount: usd('1') }, 'invalid receiver'],
    ['outgoing-payments', 'zero', { debitAmount: usd('0') }, 'invalid amount'],
    ['outgoing-payments', 'of 2^64', { debitAmount: usd('18446744073709551616') }, 'invalid amount'],
    [
      'outgoing-payments',
      'of another asset',
      { debitAmount: { ...usd('1'), assetCode: 'EUR' } },
      'invalid amount'
    ],
    ['outgoing-payments', 'to a loopback address', { incomingPayment: loopback }, 'invalid receiver']
  ])('%s %s are refused with 400', async (kind, _, change, description) => {
    expect(await post(kind, change)).toMatchObject({
      status: 400,
      body: { error: { code: '400', description } }
    })
  })

  it.each(['incoming-payments', 'quotes', 'outgoing-payments'])('of %s are never unpacked', async (kind) => {
    const url = `${desk.resources}/${kind}`
    const request = signed(desk.shop, 'POST', url, { token: tokens[kind]!, body: '{}' })
    const headers = { ...request!.headers, 'content-encoding': 'gzip' }
    expect(await desk.node.fetch(url, { ...request, headers })).toMatchObject({
      status: 415,
      body: { error: { code: '415', description: 'The body must be sent without a content encoding' } }
    })
  })

  const unreadable = {
    status: 400,
    body: {
      error: {
        code: '400',
        description: 'invalid receiver',
        details: {
          reason: 'the receiver cannot be read',
          id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string
        }
      }
    }
  }

  it.each(['quotes', 'outgoing-payments'])(
    '%s for a receiver that cannot be read are refused in one way, whatever the network answered',
    async (kind) => {
      // A private address, a port that nobody serves, a name that does not exist.
      for (const url of [
        loopback,
        loopback.replace('127.0.0.1', '[::1]'),
        loopback.replace('127.0.0.1', 'x.invalid')
      ]) {
        const to = kind === 'quotes' ? { receiver: url, debitAmount: usd('1') } : { incomingPayment: url }
        const { status, body } = await post(kind, to)
        expect({ status, body }).toEqual(unreadable)
      }
    }
  )

  it('a receiver on a private network is never asked, and nobody learns who listens there', async () => {
    let asked = 0
    const server = await serveHttp(desk.node.runtime, { host: '127.0.0.1', port: 0 }, (_, response) => {
      asked += 1
      response.end()
    })
    try {
      const ports = [String(server.address.port), '1']
      const answers = await Promise.all(
        ports.map(async (port) => {
          const to = loopback.replace(':1/', `:${port}/`)
          const { status, body } = await post('quotes', { receiver: to, debitAmount: usd('1') })
          return { status, body }
        })
      )
      for (const answer of answers) expect(answer).toEqual(unreadable)
      expect(asked).toBe(0)
    } finally {
      await server.stop(0)
    }
  })

  it.each<[string, string, object]>([
    ['incoming-payments', 'an amount below zero', { incomingAmount: usd('-1') }],
    ['incoming-payments', 'a fraction as an amount', { incomingAmount: usd('1.5') }],
    ['quotes', 'an amount below zero', { debitAmount: usd('-1') }],
    ['outgoing-payments', 'an amount below zero', { debitAmount: usd('-1') }],
    ['incoming-payments', 'a number as an amount', { incomingAmount: 1 }],
    ['incoming-payments', 'a list as metadata', { metadata: [] }],
    ['incoming-payments', 'no date', { expiresAt: 'soon' }],
    ['incoming-payments', 'a field more', { isCardPayment: true }],
    ['quotes', 'a field more', { client: 'https://else.example' }],
    ['quotes', 'another method', { method: 'card' }],
    ['quotes', 'both amounts', { debitAmount: usd('1'), receiveAmount: usd('1') }],
    ['quotes', 'a number as a value', { debitAmount: { ...usd('1'), value: 1 } }],
    ['quotes', 'no receiver', { receiver: 'bob' }],
    ['outgoing-payments', 'an object as a quote', { quoteId: {} }],
    ['outgoing-payments', 'a field more', { grantId: 'mine' }],
    ['outgoing-payments', 'no wallet address', { walletAddress: 7 }]
  ])('%s with %s do not fit the document', async (kind, _, change) => {
    expect(await post(kind, change)).toMatchObject({
      status: 400,
      body: {
        error: {
          code: '400',
          description: expect.stringMatching(/^Received error validating OpenAPI request: /) as string
        }
      }
    })
  })

  it.each<[string, string, object]>([
    ['incoming-payments', 'metadata that is nested 5,000 deep', { metadata: DEEP }],
    ['incoming-payments', 'a NUL character in its metadata', { metadata: { note: '\0' } }],
    ['quotes', 'an amount that is nested 5,000 deep', { debitAmount: DEEP }],
    ['outgoing-payments', 'half of a surrogate pair in its metadata', { metadata: { note: '\ud800' } }]
  ])('%s with %s are no JSON that is taken', async (kind, _, change) => {
    expect(await post(kind, change)).toMatchObject({
      status: 400,
      body: {
        error: {
          code: '400',
          description: expect.stringMatching(/^The body is not JSON: it holds/) as string
        }
      }
    })
  })
})
