import { beforeAll, describe, expect, it } from 'vitest'
import { useOpenPayments, UNKNOWN_ID, usd } from './open-payments.test-support.ts'
import { askableOperations, OPERATIONS } from './operations.test-support.ts'
import type { Asked } from './operations.test-support.ts'
import type { TestWalletAddress } from './testing.ts'

// Each operation of the resource server with each status that the document names for its refusals.

describe('at the resource server', () => {
  // Nobody creates the wallet addresses that are missing here.
  const open = useOpenPayments({ backend: { WALLET_ADDRESS_LOOKUP_TIMEOUT_MS: '30' } })
  const { desk, tokenFor, consentedToken, signed } = open
  let operations: Awaited<ReturnType<typeof askableOperations>>
  beforeAll(async () => {
    operations = await askableOperations(open)
  })

  function ask({ method, url, body }: Omit<Asked, 'otherToken'>, token: string, by?: TestWalletAddress) {
    return desk.node.fetch(
      url,
      signed(by ?? desk.shop, method as 'GET', url, { token, ...(body !== undefined && { body }) })
    )
  }
  const refused = (status: number, description: string) => ({
    status,
    body: { error: { code: String(status), description } }
  })

  describe.each(OPERATIONS)('%s', (operation) => {
    it('is unauthorized with a credential of another kind, and told where grants are', async () => {
      const asked = await operations[operation]()
      const request = signed(desk.shop, asked.method as 'GET', asked.url, {
        token: asked.token,
        ...(asked.body !== undefined && { body: asked.body })
      })
      const answer = await desk.node.fetch(asked.url, {
        ...request,
        headers: { ...request!.headers, authorization: `Bearer ${asked.token}` }
      })
      expect(answer).toMatchObject(refused(401, 'Missing or invalid authorization header value'))
      expect(answer.headers['www-authenticate']).toMatch(/^GNAP as_uri=http:\/\/localhost:\d+$/)
    })

    it('is forbidden with a token that nobody gave, or for another access', async () => {
      const asked = await operations[operation]()
      expect(await ask(asked, 'UNKNOWN')).toMatchObject(refused(403, 'Inactive Token'))
      const weak = await ask(asked, asked.otherToken)
      expect(weak).toMatchObject(refused(403, 'Insufficient Grant'))
      expect(weak.headers['www-authenticate']).toMatch(/^GNAP as_uri=/)
    })
  })

  it.each(OPERATIONS.filter((operation) => operation !== 'GET /outgoing-payment-grant'))(
    '%s answers nobody who takes no JSON',
    async (operation) => {
      const { method, url, body } = await operations[operation]()
      const answer = await desk.node.fetch(url, {
        method: method as 'GET',
        headers: { accept: 'text/html', ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body })
      })
      expect(answer).toMatchObject(
        refused(406, 'Received error validating OpenAPI request: Must accept application/json')
      )
    }
  )

  describe.each([
    ['GET /incoming-payments/{id}', 'Incoming payment does not exist'],
    ['GET /quotes/{id}', 'Quote does not exist'],
    ['GET /outgoing-payments/{id}', 'Outgoing payment does not exist']
  ] as const)('%s', (operation, description) => {
    const tokenOf = (by: TestWalletAddress, action: string) =>
      operation === 'GET /outgoing-payments/{id}'
        ? consentedToken(by, { type: 'outgoing-payment', actions: [action], identifier: desk.alice.url })
        : tokenFor(by, operation === 'GET /quotes/{id}' ? 'quote' : 'incoming-payment', [action])

    it('of another client does not exist for one that may read its own', async () => {
      const asked = await operations[operation]()
      expect(await ask(asked, await tokenOf(desk.bob, 'read'), desk.bob)).toMatchObject(
        refused(404, description)
      )
      expect((await ask(asked, await tokenOf(desk.shop, 'read'))).status).toBe(200)
    })

    it('of another client is read by one that may read all', async () => {
      const asked = await operations[operation]()
      expect((await ask(asked, await tokenOf(desk.bob, 'read-all'), desk.bob)).status).toBe(200)
    })
  })

  it.each([
    ['incoming-payments', (url: string) => ({ walletAddress: url })],
    [
      'quotes',
      (url: string) => ({ walletAddress: url, receiver: `${url}/incoming-payments/1`, method: 'ilp' })
    ],
    ['outgoing-payments', (url: string) => ({ walletAddress: url, quoteId: `${url}/quotes/${UNKNOWN_ID}` })]
  ] as const)('%s for a wallet address that nobody has are refused with 400', async (kind, body) => {
    const url = `${desk.resources}/${kind}`.replace('https:', 'http:')
    const nobody = `${desk.node.openPaymentsUrl}/nobody-of-${kind}`
    const token =
      kind === 'outgoing-payments'
        ? await consentedToken(desk.shop, {
            type: 'outgoing-payment',
            actions: ['create'],
            identifier: nobody
          })
        : await tokenFor(desk.shop, kind === 'quotes' ? 'quote' : 'incoming-payment', ['create'])
    const answer = await ask({ method: 'POST', url, body: JSON.stringify(body(nobody)), token }, token)
    expect(answer).toMatchObject(refused(400, 'Could not get wallet address'))
    expect(answer.body).toMatchObject({ error: { details: { walletAddressUrl: nobody } } })
  })

  describe.each([
    ['incoming-payments', 'bob'],
    ['outgoing-payments', 'alice']
  ] as const)('the list of %s', (kind, whose) => {
    it.each([
      ['first=1&last=1', 'first and last are mutually exclusive'],
      ['last=1', 'last requires cursor'],
      ['first=0', expect.stringMatching(/^Received error validating OpenAPI request: .*first/)],
      ['first=101', expect.stringMatching(/^Received error validating OpenAPI request: .*first/)],
      ['last=101&cursor=x', expect.stringMatching(/^Received error validating OpenAPI request: .*last/)],
      ['first=many', expect.stringMatching(/^Received error validating OpenAPI request: .*first/)]
    ])('is refused for the page %s', async (query, description) => {
      const { token } = await operations[`GET /${kind}`]()
      const url = `${desk.resources}/${kind}?wallet-address=${encodeURIComponent(desk[whose].url)}&${query}`
      const answer = await ask({ method: 'GET', url: url.replace('https:', 'http:'), token }, token)
      expect(answer).toMatchObject({ status: 400, body: { error: { code: '400', description } } })
    })

    it('is refused without a wallet address', async () => {
      const { token } = await operations[`GET /${kind}`]()
      const url = `${desk.resources}/${kind}`.replace('https:', 'http:')
      expect((await ask({ method: 'GET', url, token }, token)).status).toBe(400)
    })

    it('has 20 without methods where the page says nothing, and none after a cursor of nothing', async () => {
      const { token } = await operations[`GET /${kind}`]()
      const list = (query: string) => {
        const url = `${desk.resources}/${kind}?wallet-address=${encodeURIComponent(desk[whose].url)}${query}`
        return ask({ method: 'GET', url: url.replace('https:', 'http:'), token }, token)
      }
      const create = await operations[`POST /${kind}`]()
      for (let n = 0; n < 21; n += 1) expect((await ask(create, create.token)).status).toBe(201)
      const { body } = await list('')
      const page = body as {
        pagination: { hasNextPage: boolean }
        result: { id: string; methods?: unknown }[]
      }
      expect([page.result.length, page.pagination.hasNextPage]).toEqual([20, true])
      for (const payment of page.result) expect(payment).not.toHaveProperty('methods')
      const nowhere = await list(`&cursor=${UNKNOWN_ID}`)
      expect(nowhere).toMatchObject({
        status: 200,
        body: { pagination: { hasNextPage: false, hasPreviousPage: false }, result: [] }
      })
    })
  })

  it('there is no list of quotes', async () => {
    const { token } = await operations['POST /quotes']()
    const url = `${desk.resources}/quotes?wallet-address=${encodeURIComponent(desk.alice.url)}`
    expect((await ask({ method: 'GET', url: url.replace('https:', 'http:'), token }, token)).status).toBe(404)
  })

  it('an incoming payment that expired cannot be paid, and is gone, from lists too, where it received nothing', async () => {
    const { node, shop, bob, resources } = desk
    const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'read', 'list'])
    const { id } = await shop.client.incomingPayment.create(
      { url: resources, accessToken },
      {
        walletAddress: bob.url,
        incomingAmount: usd('5'),
        expiresAt: new Date(node.runtime.clock.nowMs() + 60_000).toISOString()
      }
    )
    const list = () =>
      shop.client.incomingPayment.list({ url: resources, accessToken, walletAddress: bob.url })
    expect((await list()).result.map((payment) => payment.id)).toContain(id)
    const set = (what: string) =>
      node.database.knex.raw(`UPDATE "incomingPayments" SET ${what} WHERE id = ?`, [id.slice(-36)])
    await set(`state = 'EXPIRED'`)
    expect(await shop.client.incomingPayment.get({ url: id, accessToken })).toMatchObject({ methods: [] })
    await set('"deletedAt" = "createdAt"')
    expect((await list()).result.map((payment) => payment.id)).not.toContain(id)
    expect(await node.fetch(id)).toMatchObject(refused(401, 'Unauthorized'))
  })
})
