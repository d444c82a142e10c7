import { beforeAll, describe, expect, it } from 'vitest'
import { isFinalizedGrantWithAccessToken } from '@interledger/open-payments'
import { toJwk } from '../../http-signatures/index.ts'
import { OPERATOR_ID, until } from '../testing.ts'
import { useOpenPayments, usd } from './open-payments.test-support.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'

describe('Open Payments, as third parties see it: wallet addresses and incoming payments', () => {
  const { desk, authServer, tokenFor, consentedToken } = useOpenPayments()
  let node: TestNode
  let alice: TestWalletAddress
  let bob: TestWalletAddress
  let shop: TestWalletAddress
  let resources: string
  beforeAll(() => {
    ;({ node, alice, bob, shop, resources } = desk)
  })

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

    it('that nobody has are not waited for, and no wallet hears of strangers asking', async () => {
      const unheard = `${node.openPaymentsUrl}/unheard`
      for (const url of [unheard, `${unheard}/jwks.json`, `${unheard}/did.json`]) {
        expect((await node.fetch(url)).status).toBe(404)
      }
      expect(
        await node.database.knex('webhookEvents').where({ type: 'wallet_address.not_found' }).first()
      ).toBeUndefined()
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

    it('are completed by the client that created them alone, whatever others were granted', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'read', 'complete'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url }
      )
      for (const actions of [['complete'], ['read-all', 'complete']]) {
        const others = await tokenFor(alice, 'incoming-payment', actions)
        await expect(
          alice.client.incomingPayment.complete({ url: id, accessToken: others })
        ).rejects.toMatchObject({ status: 404, description: 'Incoming payment does not exist' })
      }
      expect(await shop.client.incomingPayment.get({ url: id, accessToken })).toMatchObject({
        completed: false
      })
      expect(await shop.client.incomingPayment.complete({ url: id, accessToken })).toMatchObject({
        completed: true
      })
    })

    it('that are completed with nothing received end without an event', async () => {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'complete'])
      const { id: url } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url }
      )
      await shop.client.incomingPayment.complete({ url, accessToken })
      const id = url.slice(-36)
      await until(async () => {
        const row = await node.database.knex('incomingPayments').where({ id }).first<{ processAt: unknown }>()
        return row!.processAt === null
      })
      const types = await node.database.knex('webhookEvents').where({ incomingPaymentId: id }).pluck('type')
      expect(types).toEqual(['incoming_payment.created'])
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

    it('are seen by a client that is known by its key alone only where that key created them', async () => {
      const tokenOf = async ({ client, privateKey, keyId }: TestWalletAddress) => {
        const grant = await client.grant.request(
          { url: await authServer() },
          { access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read', 'list'] }] } },
          { jwk: toJwk(privateKey, keyId) } as never
        )
        if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('a grant without a token')
        return grant.access_token.value
      }
      const [own, other] = [await tokenOf(shop), await tokenOf(alice)]
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken: own },
        { walletAddress: bob.url }
      )
      expect(await shop.client.incomingPayment.get({ url: id, accessToken: own })).toMatchObject({ id })
      const list = (by: TestWalletAddress, accessToken: string) =>
        by.client.incomingPayment.list({ url: resources, accessToken, walletAddress: bob.url })
      expect((await list(shop, own)).result.map((payment) => payment.id)).toEqual([id])
      expect((await list(alice, other)).result).toEqual([])
      await expect(alice.client.incomingPayment.get({ url: id, accessToken: other })).rejects.toMatchObject({
        status: 404,
        description: 'Incoming payment does not exist'
      })
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
})
