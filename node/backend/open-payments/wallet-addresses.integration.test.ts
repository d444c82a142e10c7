import { beforeAll, describe, expect, it } from 'vitest'
import { useOpenPayments } from './open-payments.test-support.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'

describe('the wallet address server, fully configured', () => {
  const { desk, tokenFor } = useOpenPayments({
    backend: {
      WALLET_ADDRESS_NOT_FOUND_POLLING_ENABLED: 'true',
      // A wallet that answers has all the time it needs; none of these tests waits for its end.
      WALLET_ADDRESS_LOOKUP_TIMEOUT_MS: '15000',
      WALLET_ADDRESS_POLLING_FREQUENCY_MS: '10',
      WALLET_ADDRESS_REDIRECT_HTML_PAGE: 'https://wallet.example/account?of=%ewa&at=%wp',
      ENABLE_SPSP_PAYMENT_POINTERS: 'false',
      CARD_SERVICE_URL: 'https://cards.example'
    }
  })
  let node: TestNode
  let alice: TestWalletAddress
  let shop: TestWalletAddress
  beforeAll(() => {
    ;({ node, alice, shop } = desk)
  })

  it.each(['', '/jwks.json', '/did.json'])(
    'asks the wallet for an address that is unknown, and answers once it is there (GET …%s)',
    async (document) => {
      const name = `late${document.replace(/\W/g, '-')}`
      const url = `${node.openPaymentsUrl}/${name}`
      const asked = [node.fetch(`${url}${document}`), node.fetch(`${url}${document}`)]
      const { data } = await node.told('wallet_address.not_found', url)
      expect(data).toEqual({ walletAddressUrl: url })
      await node.createWalletAddress(name, desk.assetId, 7)
      const answers = await Promise.all(asked)
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const events = await node.database
        .knex('webhookEvents')
        .where({ type: 'wallet_address.not_found' })
        .whereRaw(`data->>'walletAddressUrl' = ?`, [url])
      expect(events).toMatchObject([{ walletAddressId: null }])
    }
  )

  it('waits for the wallet address of a resource request, too', async () => {
    const accessToken = await tokenFor(shop, 'incoming-payment', ['create'])
    const url = `${node.openPaymentsUrl}/late-payee`
    const creating = shop.client.incomingPayment.create(
      { url: desk.resources, accessToken },
      { walletAddress: url }
    )
    await node.told('wallet_address.not_found', url)
    await node.createWalletAddress('late-payee', desk.assetId, 7)
    expect(await creating).toMatchObject({ walletAddress: url })
  })

  it('tells nobody of addresses that no wallet of this node could have', async () => {
    const answer = await node.fetch(alice.url, { headers: { host: 'elsewhere.example' } })
    expect(answer).toMatchObject({
      status: 404,
      body: {
        error: {
          code: '404',
          description: 'Could not get wallet address',
          details: { walletAddressUrl: 'https://elsewhere.example/alice' }
        }
      }
    })
    const told = await node.database
      .knex('webhookEvents')
      .whereRaw(`data->>'walletAddressUrl' LIKE 'https://elsewhere%'`)
    expect(told).toEqual([])
  })

  it('sends browsers to the page of the wallet address, and programs its data with the card service', async () => {
    const page = await node.fetch(alice.url, { headers: { accept: 'text/html,application/xhtml+xml' } })
    const { host } = new URL(alice.url)
    expect(page.status).toBe(302)
    expect(page.headers.location).toBe(
      `https://wallet.example/account?of=${encodeURIComponent(alice.url)}&at=${host}/alice`
    )
    const nobody = await node.fetch(`${node.openPaymentsUrl}/nobody`, { headers: { accept: 'text/html' } })
    expect([nobody.status, nobody.headers.location]).toEqual([302, expect.stringContaining(`${host}/nobody`)])
    expect(await node.fetch(`${alice.url}/jwks.json`, { headers: { accept: 'text/html' } })).toMatchObject({
      status: 200
    })
    expect(await shop.client.walletAddress.get({ url: alice.url })).toMatchObject({
      id: alice.url,
      cardService: 'https://cards.example/'
    })
  })

  it('answers who asks for SPSP with the wallet address, where SPSP is off', async () => {
    const answer = await node.fetch(alice.url, { headers: { accept: 'application/spsp4+json' } })
    expect(answer).toMatchObject({ status: 200, body: { id: alice.url, assetCode: 'USD' } })
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
  })

  it('publishes a DID document with the keys that are in force', async () => {
    const document = await shop.client.walletAddress.getDIDDocument({ url: alice.url })
    const { port } = new URL(alice.url)
    const id = `did:web:localhost%3A${port}:alice`
    const { keys } = await shop.client.walletAddress.getKeys({ url: alice.url })
    expect(document).toMatchObject({
      id,
      alsoKnownAs: [alice.url],
      verificationMethod: [
        { id: `${id}#alice-key`, type: 'JsonWebKey2020', controller: id, publicKeyJwk: { x: keys[0]!.x } }
      ],
      authentication: [`${id}#alice-key`]
    })
    const { status, body } = await node.fetch(`${node.openPaymentsUrl}/.well-known/pay/did.json`)
    expect([status, body]).toMatchObject([200, { verificationMethod: [{ publicKeyJwk: { kid: 'key' } }] }])
  })
})
