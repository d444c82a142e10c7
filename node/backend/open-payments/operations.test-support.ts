import type { Attempt } from '../../http-signatures/handmade.test-support.ts'
import type { useOpenPayments } from './open-payments.test-support.ts'
import { usd } from './open-payments.test-support.ts'

/** What a client asks the resource server for. */
export type Asked = Pick<Attempt, 'method' | 'url' | 'body'> & {
  /** Allows just this, to the client that asks. */
  token: string
  /** Of the client that asks, and for another access. */
  otherToken: string
}

type Desk = ReturnType<typeof useOpenPayments>

/**
 * Every operation of the resource server's document, by its method and path there: a request that its client, `shop`,
 * would be granted, about wallet addresses of bob (who is paid) and alice (who pays). To be made once per file.
 */
export async function askableOperations({ desk, tokenFor, consentedToken }: Desk) {
  const { shop, alice, bob, resources } = desk
  const local = (url: string) => url.replace('https:', 'http:')
  const [incoming, quoting, outgoing] = await Promise.all([
    tokenFor(shop, 'incoming-payment', ['create', 'read', 'list', 'complete']),
    tokenFor(shop, 'quote', ['create', 'read']),
    consentedToken(shop, {
      type: 'outgoing-payment',
      actions: ['create', 'read', 'list'],
      identifier: alice.url
    })
  ])
  const of = { incoming, quoting, outgoing }

  const createIncomingPayment = async () =>
    (
      await shop.client.incomingPayment.create(
        { url: resources, accessToken: incoming },
        { walletAddress: bob.url }
      )
    ).id
  const receiver = await createIncomingPayment()
  const quote = await shop.client.quote.create(
    { url: resources, accessToken: quoting },
    { walletAddress: alice.url, receiver, method: 'ilp', debitAmount: usd('10') }
  )
  const payment = await shop.client.outgoingPayment.create(
    { url: resources, accessToken: outgoing },
    { walletAddress: alice.url, quoteId: quote.id }
  )

  const get = (url: string, token: string, otherToken: string) => async (): Promise<Asked> => ({
    method: 'GET',
    url: local(url),
    token,
    otherToken
  })
  const post =
    (path: string, body: object, token: string, otherToken: string) => async (): Promise<Asked> => ({
      method: 'POST',
      url: local(`${resources}${path}`),
      body: JSON.stringify(body),
      token,
      otherToken
    })
  const listOf = (kind: string, walletAddress: string) =>
    `${resources}/${kind}?wallet-address=${encodeURIComponent(walletAddress)}`

  const operations: Record<(typeof OPERATIONS)[number], () => Promise<Asked>> = {
    'POST /incoming-payments': post(
      '/incoming-payments',
      { walletAddress: bob.url },
      of.incoming,
      of.quoting
    ),
    'GET /incoming-payments': get(listOf('incoming-payments', bob.url), of.incoming, of.quoting),
    'GET /incoming-payments/{id}': get(receiver, of.incoming, of.quoting),
    'POST /incoming-payments/{id}/complete': async () => ({
      method: 'POST',
      url: local(`${await createIncomingPayment()}/complete`),
      token: of.incoming,
      otherToken: of.quoting
    }),
    'POST /quotes': post(
      '/quotes',
      { walletAddress: alice.url, receiver, method: 'ilp', debitAmount: usd('10') },
      of.quoting,
      of.incoming
    ),
    'GET /quotes/{id}': get(quote.id, of.quoting, of.incoming),
    'POST /outgoing-payments': post(
      '/outgoing-payments',
      { walletAddress: alice.url, incomingPayment: receiver, debitAmount: usd('10') },
      of.outgoing,
      of.quoting
    ),
    'GET /outgoing-payments': get(listOf('outgoing-payments', alice.url), of.outgoing, of.quoting),
    'GET /outgoing-payments/{id}': get(payment.id, of.outgoing, of.quoting),
    'GET /outgoing-payment-grant': get(`${resources}/outgoing-payment-grant`, of.outgoing, of.quoting)
  }
  return operations
}

export const OPERATIONS = [
  'POST /incoming-payments',
  'GET /incoming-payments',
  'GET /incoming-payments/{id}',
  'POST /incoming-payments/{id}/complete',
  'POST /quotes',
  'GET /quotes/{id}',
  'POST /outgoing-payments',
  'GET /outgoing-payments',
  'GET /outgoing-payments/{id}',
  'GET /outgoing-payment-grant'
] as const
