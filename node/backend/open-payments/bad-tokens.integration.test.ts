import { isFinalizedGrantWithAccessToken } from '@interledger/open-payments'
import { beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR_ID } from '../testing.ts'
import { useOpenPayments, usd } from './open-payments.test-support.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'

const TENANT = '33333333-3333-4333-8333-333333333333'
const TENANT_SECRET = 'secret of blue'

describe('access tokens that are good for nothing', () => {
  const { desk, authServer, tokenFor, consentedToken, signed } = useOpenPayments()
  let node: TestNode
  let alice: TestWalletAddress
  let bob: TestWalletAddress
  let shop: TestWalletAddress
  let resources: string
  beforeAll(() => {
    ;({ node, alice, bob, shop, resources } = desk)
  })

  const create = (token: string, { by = shop, at = resources, to = bob.url } = {}) => {
    const url = `${at}/incoming-payments`
    const body = JSON.stringify({ walletAddress: to })
    return node.fetch(url, signed(by, 'POST', url, { token, body }))
  }

  /** The answer is the same whatever is wrong with a token: it tells nobody whether one exists. */
  async function expectInactive(token: string, how: Parameters<typeof create>[1] = {}) {
    const { status, headers, body } = await create(token, how)
    expect({ status, body }).toEqual({
      status: 403,
      body: { error: { code: '403', description: 'Inactive Token' } }
    })
    expect(headers['www-authenticate']).toMatch(/^GNAP as_uri=http:\/\/localhost:\d+$/)
  }

  async function grant() {
    const granted = await shop.client.grant.request(
      { url: await authServer() },
      { access_token: { access: [{ type: 'incoming-payment', actions: ['create'] }] } }
    )
    if (!isFinalizedGrantWithAccessToken(granted)) throw new Error('a grant without a token')
    const { value, manage } = granted.access_token
    expect((await create(value)).status).toBe(201)
    return { value, manage, continue: granted.continue }
  }

  it.each(['UNKNOWN', '%00', "';--", 'é'])('unknown: %s', async (token) => {
    await expectInactive(token)
  })

  it('too long to be one', async () => {
    expect(await create('A'.repeat(4_000))).toMatchObject({
      status: 401,
      body: { error: { code: '401', description: 'Invalid Token' } }
    })
  })

  it.each(['Bearer TOKEN', 'GNAP', 'GNAP a b', 'TOKEN', 'gnap TOKEN'])(
    'in an authorization header that is none: %s',
    async (authorization) => {
      const url = `${resources}/incoming-payments`
      const answer = await node.fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization,
          signature: 'sig1=:AA==:',
          'signature-input': 'sig1=("@method");keyid="shop-key"'
        },
        body: JSON.stringify({ walletAddress: bob.url })
      })
      expect(answer).toMatchObject({
        status: 401,
        body: { error: { code: '401', description: 'Missing or invalid authorization header value' } }
      })
      expect(answer.headers['www-authenticate']).toMatch(/^GNAP as_uri=/)
    }
  )

  it('expired', async () => {
    const { value } = await grant()
    node.shiftAuth(601_000)
    await expectInactive(value)
    node.shiftAuth(-601_000)
  })

  it('revoked', async () => {
    const { value, manage } = await grant()
    await shop.client.token.revoke({ url: manage, accessToken: value })
    await expectInactive(value)
  })

  it('rotated: the old value', async () => {
    const { value, manage } = await grant()
    const { access_token } = await shop.client.token.rotate({ url: manage, accessToken: value })
    await expectInactive(value)
    expect((await create(access_token.value)).status).toBe(201)
  })

  it('of a grant that was cancelled', async () => {
    const { value, continue: more } = await grant()
    await shop.client.grant.cancel({ url: more.uri, accessToken: more.access_token.value })
    await expectInactive(value)
  })

  it("of another client: its signature is not of the token's client", async () => {
    const { value } = await grant()
    expect(await create(value, { by: alice })).toMatchObject({
      status: 401,
      body: {
        error: {
          code: '401',
          description: 'Signature validation error: could not find key in list of client keys'
        }
      }
    })
  })

  it.each<['incoming-payment' | 'quote', string[]]>([
    ['incoming-payment', ['read', 'complete']],
    ['incoming-payment', ['read-all', 'list']],
    ['quote', ['create']]
  ])('of another access: %s %s creates no incoming payment', async (type, actions) => {
    expect(await create(await tokenFor(shop, type, actions))).toMatchObject({
      status: 403,
      body: { error: { code: '403', description: 'Insufficient Grant' } }
    })
  })

  it('for another wallet address', async () => {
    const token = await consentedToken(shop, {
      type: 'outgoing-payment',
      actions: ['create', 'list'],
      identifier: alice.url
    })
    const url = `${resources}/outgoing-payments?wallet-address=${encodeURIComponent(bob.url)}`
    expect(await node.fetch(url, signed(shop, 'GET', url, { token }))).toMatchObject({
      status: 403,
      body: { error: { code: '403', description: 'Insufficient Grant' } }
    })
    await expect(
      shop.client.outgoingPayment.create(
        { url: resources, accessToken: token },
        { walletAddress: bob.url, incomingPayment: `${resources}/incoming-payments/1`, debitAmount: usd('1') }
      )
    ).rejects.toMatchObject({ status: 403, description: 'Insufficient Grant' })
  })

  describe('of another tenant', () => {
    let blueWalletAddress: string
    const blueResources = () => resources.replace(OPERATOR_ID, TENANT)

    beforeAll(async () => {
      const blue = { tenantId: TENANT, secret: TENANT_SECRET }
      const run = async (mutation: string, input: object) => {
        const { data, errors } = await node.admin<Record<string, Record<string, { id: string }>>>(
          mutation,
          { input },
          blue
        )
        if (!data || errors) throw new Error(JSON.stringify(errors))
        return Object.values(Object.values(data)[0]!)[0]!
      }
      await node.createTenant(blue, `${node.openPaymentsUrl}/blue`)
      const asset = await run(
        `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`,
        { code: 'USD', scale: 2 }
      )
      blueWalletAddress = `${node.openPaymentsUrl}/blue/carol`
      await run(
        `mutation ($input: CreateWalletAddressInput!) { createWalletAddress(input: $input) { walletAddress { id } } }`,
        { address: blueWalletAddress, assetId: asset.id }
      )
    })

    it('are unknown: no tenant gives access to what is at another', async () => {
      const { value } = await grant()
      await expectInactive(value, { at: blueResources(), to: blueWalletAddress })
      const grantUrl = `${blueResources()}/outgoing-payment-grant`
      const outgoing = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create'],
        identifier: blueWalletAddress
      })
      expect((await node.fetch(grantUrl, signed(shop, 'GET', grantUrl, { token: outgoing }))).status).toBe(
        403
      )
      const url = `${blueResources()}/outgoing-payments`
      const body = JSON.stringify({
        walletAddress: blueWalletAddress,
        incomingPayment: `${resources}/incoming-payments/1`,
        debitAmount: usd('1')
      })
      expect(await node.fetch(url, signed(shop, 'POST', url, { token: outgoing, body }))).toMatchObject({
        status: 403,
        body: { error: { code: '403', description: 'Inactive Token' } }
      })
    })

    it('find no wallet address of this one', async () => {
      const { access_token } = (await shop.client.grant.request(
        { url: (await authServer()).replace(OPERATOR_ID, TENANT) },
        { access_token: { access: [{ type: 'incoming-payment', actions: ['create'] }] } }
      )) as { access_token: { value: string } }
      const token = access_token.value
      expect((await create(token, { at: blueResources(), to: blueWalletAddress })).status).toBe(201)
      expect(await create(token, { at: blueResources() })).toMatchObject({
        status: 404,
        body: { error: { code: '404', description: 'unknown wallet address' } }
      })
      await expectInactive(token)
    })
  })
})
