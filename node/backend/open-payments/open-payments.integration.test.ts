import { isFinalizedGrantWithAccessToken, isPendingGrant } from '@interledger/open-payments'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { signRequest } from '../../http-signatures/index.ts'
import { OPERATOR_ID } from '../testing.ts'
import { MAX_BODY_BYTES } from './body.ts'
import { startTestNode } from './testing.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'

const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999'

describe('Open Payments, as the unmodified client of third parties sees it', () => {
  let node: TestNode
  let alice: TestWalletAddress
  let bob: TestWalletAddress
  let shop: TestWalletAddress
  let resources: string

  beforeAll(async () => {
    node = await startTestNode(inject('postgresUrl'))
    const { data } = await node.admin<{ createAsset: { asset: { id: string } } }>(
      `mutation { createAsset(input: { code: "USD", scale: 2 }) { asset { id } } }`
    )
    const assetId = data!.createAsset.asset.id
    alice = await node.createWalletAddress('alice', assetId, 1)
    bob = await node.createWalletAddress('bob', assetId, 2)
    shop = await node.createWalletAddress('shop', assetId, 3)
    resources = `${node.openPaymentsUrl}/${OPERATOR_ID}`
  })
  afterAll(() => node.stop())

  const usd = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })

  async function authServer(): Promise<string> {
    return (await alice.client.walletAddress.get({ url: alice.url })).authServer
  }

  async function tokenFor(
    { client }: TestWalletAddress,
    type: 'incoming-payment' | 'quote',
    actions: string[]
  ): Promise<string> {
    const grant = await client.grant.request(
      { url: await authServer() },
      { access_token: { access: [{ type, actions }] as never } }
    )
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('a grant without a token')
    return grant.access_token.value
  }

  /** A grant that its account holder was asked for and gave. */
  async function consentedToken(
    { client }: TestWalletAddress,
    access: { type: string; actions: string[]; identifier?: string; limits?: object }
  ): Promise<string> {
    const pending = await client.grant.request(
      { url: await authServer() },
      {
        access_token: { access: [access] as never },
        interact: {
          start: ['redirect'],
          finish: { method: 'redirect', uri: 'https://shop.example/', nonce: 'n' }
        }
      }
    )
    if (!isPendingGrant(pending)) throw new Error('a grant without consent')
    const granted = await client.grant.continue(
      { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
      { interact_ref: await node.accept(pending) }
    )
    if (!isFinalizedGrantWithAccessToken(granted)) throw new Error('a grant without a token')
    return granted.access_token.value
  }

  /** A request as a client signs it. */
  function signed(
    by: TestWalletAddress,
    method: 'GET' | 'POST',
    url: string,
    { token, body }: { token?: string; body?: string } = {}
  ): Parameters<TestNode['fetch']>[1] {
    const headers = signRequest({
      method,
      url: url.replace('https:', 'http:'),
      headers: { accept: 'application/json', ...(token !== undefined && { authorization: `GNAP ${token}` }) },
      ...(body !== undefined && { body }),
      keyId: by.keyId,
      privateKey: by.privateKey,
      nowMs: Date.now()
    })
    return { method, headers, ...(body !== undefined && { body }) }
  }

  describe('wallet addresses', () => {
    it('say where their doors are', async () => {
      expect(await shop.client.walletAddress.get({ url: alice.url })).toEqual({
        id: alice.url,
        publicName: 'alice',
        assetCode: 'USD',
        assetScale: 2,
        authServer: expect.stringMatching(new RegExp(`^http://localhost:\\d+/${OPERATOR_ID}$`)) as string,
        resourceServer: resources
      })
    })

    it('are found whatever their letter case, and show visible properties only', async () => {
      await node.admin(
        `mutation ($input: UpdateWalletAddressInput!) { updateWalletAddress(input: $input) { walletAddress { id } } }`,
        {
          input: {
            id: alice.id,
            additionalProperties: [
              { key: 'iban', value: 'X1', visibleInOpenPayments: true },
              { key: 'note', value: 'secret', visibleInOpenPayments: false }
            ]
          }
        }
      )
      const { body } = await node.fetch(`${node.openPaymentsUrl}/ALICE`)
      expect(body).toMatchObject({ id: alice.url, additionalProperties: { iban: 'X1' } })
    })

    it('publish their keys', async () => {
      const { keys } = await shop.client.walletAddress.getKeys({ url: alice.url })
      expect(keys).toMatchObject([{ kid: 'alice-key', alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' }])
    })

    it("hide this instance's own, but for its key", async () => {
      const own = `${node.openPaymentsUrl}/.well-known/pay`
      expect((await node.fetch(own)).status).toBe(404)
      expect(await node.fetch(`${own}/jwks.json`)).toMatchObject({
        status: 200,
        body: { keys: [{ kid: 'key' }] }
      })
    })

    it.each(['/carol', '/carol/jwks.json', '/', '/%00', '/a/b/c'])('do not exist at %s', async (path) => {
      expect(await node.fetch(`${node.openPaymentsUrl}${path}`)).toMatchObject({
        status: 404,
        body: { error: { code: '404', description: 'Could not get wallet address' } }
      })
    })

    it('serve nothing while they are deactivated', async () => {
      const { data } = await node.admin<{ assets: { edges: [{ node: { id: string } }] } }>(
        `{ assets { edges { node { id } } } }`
      )
      const gone = await node.createWalletAddress('gone', data!.assets.edges[0].node.id, 9)
      const token = await tokenFor(shop, 'incoming-payment', ['create'])
      await node.admin(
        `mutation ($input: UpdateWalletAddressInput!) { updateWalletAddress(input: $input) { walletAddress { id } } }`,
        { input: { id: gone.id, status: 'INACTIVE' } }
      )
      expect((await node.fetch(gone.url)).status).toBe(404)
      expect((await node.fetch(`${gone.url}/jwks.json`)).status).toBe(404)
      await expect(
        shop.client.incomingPayment.create(
          { url: resources, accessToken: token },
          { walletAddress: gone.url }
        )
      ).rejects.toMatchObject({ status: 400, description: 'Could not get wallet address' })
    })
  })

  describe('incoming payments', () => {
    it('are created, read, listed and completed', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'read', 'list', 'complete'])
      const created = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url, incomingAmount: usd('500'), metadata: { invoice: 7 } }
      )
      expect(created).toMatchObject({
        walletAddress: bob.url,
        incomingAmount: usd('500'),
        receivedAmount: usd('0'),
        completed: false,
        metadata: { invoice: 7 },
        methods: [{ type: 'ilp' }]
      })
      expect(created.id).toMatch(new RegExp(`^${resources}/incoming-payments/[0-9a-f-]{36}$`))

      const read = await shop.client.incomingPayment.get({ url: created.id, accessToken })
      expect(read).toMatchObject({ id: created.id, methods: [{ type: 'ilp' }] })

      const page = await shop.client.incomingPayment.list({
        url: resources,
        accessToken,
        walletAddress: bob.url
      })
      expect(page.result).toMatchObject([{ id: created.id }])
      expect(page.result[0]).not.toHaveProperty('methods')

      const completed = await shop.client.incomingPayment.complete({ url: created.id, accessToken })
      expect(completed).toMatchObject({ id: created.id, completed: true })
      expect(await shop.client.incomingPayment.get({ url: created.id, accessToken })).toMatchObject({
        methods: []
      })
      await expect(
        shop.client.incomingPayment.complete({ url: created.id, accessToken })
      ).rejects.toMatchObject({ status: 409, description: 'wrong state' })
    })

    it('show anybody what was received and where to ask for more', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url }
      )
      expect(await shop.client.incomingPayment.getPublic({ url: id })).toEqual({
        receivedAmount: usd('0'),
        authServer: await authServer()
      })
    })

    it('are seen by their client only, or by whoever may read all', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'read'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url }
      )
      const others = await tokenFor(alice, 'incoming-payment', ['read', 'list'])
      await expect(alice.client.incomingPayment.get({ url: id, accessToken: others })).rejects.toMatchObject({
        status: 404,
        description: 'Incoming payment does not exist'
      })
      const listed = await alice.client.incomingPayment.list({
        url: resources,
        accessToken: others,
        walletAddress: bob.url
      })
      expect(listed).toEqual({ pagination: { hasNextPage: false, hasPreviousPage: false }, result: [] })
      const all = await tokenFor(alice, 'incoming-payment', ['read-all'])
      expect(await alice.client.incomingPayment.get({ url: id, accessToken: all })).toMatchObject({ id })
      const listAll = await consentedToken(alice, {
        type: 'incoming-payment',
        actions: ['list-all'],
        identifier: bob.url
      })
      const every = await alice.client.incomingPayment.list({
        url: resources,
        accessToken: listAll,
        walletAddress: bob.url
      })
      expect(every.result.map((payment) => payment.id)).toContain(id)
    })

    it('are listed in pages, newest first, both ways', async () => {
      const accessToken = await tokenFor(alice, 'incoming-payment', ['create', 'list'])
      const ids: string[] = []
      for (let n = 0; n < 5; n++) {
        const { id } = await alice.client.incomingPayment.create(
          { url: resources, accessToken },
          { walletAddress: shop.url }
        )
        ids.unshift(id)
      }
      const list = (page: object) =>
        alice.client.incomingPayment.list(
          { url: resources, accessToken, walletAddress: shop.url },
          page as never
        )
      const first = await list({ first: 2 })
      expect(first.result.map(({ id }) => id)).toEqual(ids.slice(0, 2))
      expect(first.pagination).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
      const second = await list({ first: 2, cursor: first.pagination.endCursor })
      expect(second.result.map(({ id }) => id)).toEqual(ids.slice(2, 4))
      expect(second.pagination).toMatchObject({ hasNextPage: true, hasPreviousPage: true })
      const back = await list({ last: 2, cursor: second.pagination.startCursor })
      expect(back.result.map(({ id }) => id)).toEqual(ids.slice(0, 2))
      await expect(list({ first: 1, last: 1, cursor: 'x' })).rejects.toMatchObject({
        status: 400,
        description: 'first and last are mutually exclusive'
      })
      await expect(list({ last: 1 })).rejects.toMatchObject({
        status: 400,
        description: 'last requires cursor'
      })
      await expect(list({ first: 101 })).rejects.toMatchObject({ status: 400 })
    })

    it.each<[string, object, number, string]>([
      ['another asset', { incomingAmount: { ...usd('1'), assetCode: 'EUR' } }, 400, 'invalid amount'],
      ['nothing to receive', { incomingAmount: usd('0') }, 400, 'invalid amount'],
      ['an amount above 64 bits', { incomingAmount: usd('18446744073709551616') }, 400, 'invalid amount'],
      ['a time that is over', { expiresAt: '2020-01-01T00:00:00Z' }, 400, 'invalid expiresAt'],
      ['a time too far away', { expiresAt: '2099-01-01T00:00:00Z' }, 400, 'invalid expiresAt']
    ])('are refused with %s', async (_, input, status, description) => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create'])
      await expect(
        shop.client.incomingPayment.create(
          { url: resources, accessToken },
          { walletAddress: bob.url, ...input }
        )
      ).rejects.toMatchObject({ status, description })
    })
  })

  describe('payments within the node', () => {
    async function createReceiver(amount?: string) {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'read'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url, ...(amount !== undefined && { incomingAmount: usd(amount) }) }
      )
      return { id, accessToken }
    }

    const fund = (id: string) =>
      node.admin(
        `mutation ($input: DepositOutgoingPaymentLiquidityInput!) {
           depositOutgoingPaymentLiquidity(input: $input) { success } }`,
        { input: { outgoingPaymentId: id, idempotencyKey: id } }
      )

    it('go from quote to completion, under the limits of their grant', async () => {
      const receiver = await createReceiver('400')
      const quoteToken = await tokenFor(shop, 'quote', ['create', 'read'])
      const quote = await shop.client.quote.create(
        { url: resources, accessToken: quoteToken },
        { walletAddress: alice.url, receiver: receiver.id, method: 'ilp' }
      )
      expect(quote).toMatchObject({ debitAmount: usd('400'), receiveAmount: usd('400'), method: 'ilp' })
      expect(await shop.client.quote.get({ url: quote.id, accessToken: quoteToken })).toEqual(quote)

      const accessToken = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create', 'read', 'list'],
        identifier: alice.url,
        limits: { debitAmount: usd('500') }
      })
      const grantUrl = `${resources}/outgoing-payment-grant`
      const spent = async () =>
        (await node.fetch(grantUrl, signed(shop, 'GET', grantUrl, { token: accessToken }))).body
      expect(await spent()).toEqual({ spentDebitAmount: null, spentReceiveAmount: null })

      const payment = await shop.client.outgoingPayment.create(
        { url: resources, accessToken },
        { walletAddress: alice.url, quoteId: quote.id, metadata: { order: 1 } }
      )
      const paymentId = payment.id.slice(-36)
      expect(payment).toMatchObject({
        walletAddress: alice.url,
        quoteId: quote.id,
        receiver: receiver.id,
        debitAmount: usd('400'),
        receiveAmount: usd('400'),
        sentAmount: usd('0'),
        failed: false,
        metadata: { order: 1 },
        grantSpentDebitAmount: usd('0'),
        grantSpentReceiveAmount: usd('0')
      })
      expect(await spent()).toMatchObject({ spentDebitAmount: usd('400') })

      // A second payment does not fit the rest of the grant; a quote serves one payment.
      await expect(
        shop.client.outgoingPayment.create(
          { url: resources, accessToken },
          { walletAddress: alice.url, incomingPayment: (await createReceiver()).id, debitAmount: usd('101') }
        )
      ).rejects.toMatchObject({ status: 403, description: 'unauthorized' })
      const unlimited = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create'],
        identifier: alice.url
      })
      await expect(
        shop.client.outgoingPayment.create(
          { url: resources, accessToken: unlimited },
          { walletAddress: alice.url, quoteId: quote.id }
        )
      ).rejects.toMatchObject({ status: 400, description: 'invalid quote' })

      await node.told('outgoing_payment.created', paymentId)
      expect(await fund(paymentId)).toEqual({ data: { depositOutgoingPaymentLiquidity: { success: true } } })
      await node.told('outgoing_payment.completed', paymentId)
      expect(await shop.client.outgoingPayment.get({ url: payment.id, accessToken })).toMatchObject({
        sentAmount: usd('400'),
        failed: false
      })
      expect(
        await shop.client.incomingPayment.get({ url: receiver.id, accessToken: receiver.accessToken })
      ).toMatchObject({ receivedAmount: usd('400'), completed: true, methods: [] })
      const listed = await shop.client.outgoingPayment.list({
        url: resources,
        accessToken,
        walletAddress: alice.url
      })
      expect(listed.result).toMatchObject([{ id: payment.id, quoteId: quote.id }])
    })

    it('are created from an incoming payment and an amount', async () => {
      const receiver = await createReceiver()
      const accessToken = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create'],
        identifier: alice.url
      })
      const payment = await shop.client.outgoingPayment.create(
        { url: resources, accessToken },
        { walletAddress: alice.url, incomingPayment: receiver.id, debitAmount: usd('30') }
      )
      expect(payment).toMatchObject({
        debitAmount: usd('30'),
        receiveAmount: usd('30'),
        receiver: receiver.id
      })
    })

    it.each<[string, object, number, string]>([
      ['no receiver', { receiver: 'https://localhost:1/x/incoming-payments/1' }, 400, 'invalid receiver'],
      [
        'a number that is no amount',
        { debitAmount: usd('99999999999999999999') },
        400,
        'Could not parse amounts when creating quote'
      ],
      ['another asset', { debitAmount: { ...usd('1'), assetCode: 'EUR' } }, 400, 'invalid amount']
    ])('are not quoted with %s', async (_, input, status, description) => {
      const receiver = await createReceiver()
      const accessToken = await tokenFor(shop, 'quote', ['create'])
      await expect(
        shop.client.quote.create(
          { url: resources, accessToken },
          { walletAddress: alice.url, receiver: receiver.id, method: 'ilp', ...input }
        )
      ).rejects.toMatchObject({ status, description })
    })

    it('are refused with a quote id that is none', async () => {
      const accessToken = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create'],
        identifier: alice.url
      })
      const create = (quoteId: string) =>
        shop.client.outgoingPayment.create(
          { url: resources, accessToken },
          { walletAddress: alice.url, quoteId }
        )
      await expect(create(`${resources}/quotes/7`)).rejects.toMatchObject({
        status: 400,
        description: 'Invalid quote id trying to create outgoing payment'
      })
      await expect(create(`${resources}/quotes/${UNKNOWN_ID}`)).rejects.toMatchObject({
        status: 404,
        description: 'unknown quote'
      })
    })
  })

  describe('bad requests', () => {
    const post = (url: string, body: string | undefined, token: string) =>
      node.fetch(url, signed(shop, 'POST', url, { token, ...(body !== undefined && { body }) }))
    const error = (status: number, description: unknown) => ({
      status,
      body: { error: { code: String(status), description } }
    })

    it.each([
      ['incoming-payments', 'GET'],
      ['quotes', 'GET'],
      ['outgoing-payments', 'GET'],
      ['incoming-payments', 'POST']
    ] as const)(
      'about unknown ids of %s (%s) are unauthorized before anything else',
      async (kind, method) => {
        for (const id of [UNKNOWN_ID, '1', "';--"]) {
          const url = `${resources}/${kind}/${encodeURIComponent(id)}${method === 'POST' ? '/complete' : ''}`
          expect(await node.fetch(url, signed(shop, method, url, { token: 'ANY' }))).toMatchObject(
            error(401, 'Unauthorized')
          )
        }
      }
    )

    it('about a resource of another tenant are unauthorized', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'read'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url }
      )
      const url = id.replace(OPERATOR_ID, UNKNOWN_ID)
      expect(await node.fetch(url)).toMatchObject(error(401, 'Unauthorized'))
    })

    it('for the wallet address of another tenant find none', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create'])
      await expect(
        shop.client.incomingPayment.create(
          { url: `${node.openPaymentsUrl}/${UNKNOWN_ID}`, accessToken },
          { walletAddress: bob.url }
        )
      ).rejects.toMatchObject({ status: 404, description: 'unknown wallet address' })
    })

    it.each<[string, string, number, unknown]>([
      ['no JSON', '{"walletAddress":', 400, expect.stringMatching(/^The body is not JSON: /)],
      ['no object', '[]', 400, expect.stringMatching(/^Received error validating OpenAPI request: body /)],
      ['a missing field', '{}', 400, expect.stringContaining("must have required property 'walletAddress'")],
      [
        'an unknown field',
        '{"walletAddress":"https://localhost/bob","more":1}',
        400,
        expect.stringContaining('must NOT have additional properties: more')
      ]
    ])('with %s', async (_, body, status, description) => {
      expect(await post(`${resources}/incoming-payments`, body, 'ANY')).toMatchObject(
        error(status, description)
      )
    })

    it('with a body beyond the limit', async () => {
      const body = JSON.stringify({ walletAddress: bob.url, metadata: { long: 'x'.repeat(MAX_BODY_BYTES) } })
      expect(await post(`${resources}/incoming-payments`, body, 'ANY')).toMatchObject(
        error(413, `The body is longer than ${MAX_BODY_BYTES} bytes`)
      )
    })

    it('that accept no JSON', async () => {
      const answer = await node.fetch(`${resources}/incoming-payments/${UNKNOWN_ID}`, {
        headers: { accept: 'text/html' }
      })
      expect(answer).toMatchObject(
        error(406, 'Received error validating OpenAPI request: Must accept application/json')
      )
    })

    it('without a signature', async () => {
      const { status } = await node.fetch(`${resources}/incoming-payments`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'GNAP ANY' },
        body: JSON.stringify({ walletAddress: bob.url })
      })
      expect(status).toBe(400)
    })

    it('with a token that is unknown, dead or too weak name the authorization server', async () => {
      const url = `${resources}/incoming-payments`
      const body = JSON.stringify({ walletAddress: bob.url })
      const unknown = await post(url, body, 'UNKNOWN')
      expect(unknown).toMatchObject(error(403, 'Inactive Token'))
      expect(unknown.headers['www-authenticate']).toMatch(/^GNAP as_uri=http:\/\/localhost:\d+$/)
      const weak = await post(url, body, await tokenFor(shop, 'incoming-payment', ['read']))
      expect(weak).toMatchObject(error(403, 'Insufficient Grant'))
    })

    it("with another client's token", async () => {
      const url = `${resources}/incoming-payments`
      const body = JSON.stringify({ walletAddress: bob.url })
      const stolen = await tokenFor(alice, 'incoming-payment', ['create'])
      expect(await post(url, body, stolen)).toMatchObject(
        error(401, 'Signature validation error: could not find key in list of client keys')
      )
    })

    it('that were tampered with', async () => {
      const url = `${resources}/incoming-payments`
      const token = await tokenFor(shop, 'incoming-payment', ['create'])
      const request = signed(shop, 'POST', url, { token, body: JSON.stringify({ walletAddress: bob.url }) })
      const tampered = { ...request, body: String(request?.body).replace('/bob', '/bog') }
      expect(await node.fetch(url, tampered)).toMatchObject(
        error(401, 'Signature validation error: provided signature is invalid')
      )
      expect((await node.fetch(url, request)).status).toBe(201)
    })

    it('that meet a defect are answered with the id under which the log has it, nothing more', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url }
      )
      await node.database.knex.raw('ALTER TABLE "incomingPayments" RENAME TO "movedAway"')
      try {
        const answer = await node.fetch(id)
        expect(answer).toEqual({
          status: 500,
          headers: expect.anything() as object,
          body: {
            error: {
              code: '500',
              description: expect.stringMatching(
                /^Internal server error; the log has it under [0-9a-f-]{36}$/
              ) as string,
              details: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string }
            }
          }
        })
      } finally {
        await node.database.knex.raw('ALTER TABLE "movedAway" RENAME TO "incomingPayments"')
      }
      expect((await node.fetch(id)).status).toBe(200)
    })

    it('to nowhere', async () => {
      expect(await node.fetch(`${resources}/nothing/here`, { method: 'POST' })).toMatchObject(
        error(404, 'Not Found')
      )
    })

    it('of browsers elsewhere are answered', async () => {
      const preflight = await node.fetch(`${resources}/incoming-payments`, {
        method: 'OPTIONS' as 'GET',
        headers: {
          origin: 'https://shop.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'signature'
        }
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers['access-control-allow-origin']).toBe('https://shop.example')
    })
  })
})
