import { isFinalizedGrantWithAccessToken, isPendingGrant } from '@interledger/open-payments'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { TestNode, TestWalletAddress } from './testing.ts'
import { run, startPeeredNodes } from './two-nodes.test-support.ts'

type Network = Awaited<ReturnType<typeof startPeeredNodes>>
type Code = 'USD' | 'EUR'

const money = (value: string, assetCode: Code) => ({ value, assetCode, assetScale: 2 })

/** One grant with access to several wallet addresses, each with limits of its own. */
describe('A grant with several limits', () => {
  let network: Network
  let node: TestNode
  let dollars: TestWalletAddress
  let savings: TestWalletAddress
  let euros: TestWalletAddress
  let shop: TestWalletAddress
  let resources: string
  let authServer: string
  let freeToken: string

  beforeAll(async () => {
    network = await startPeeredNodes(inject('postgresUrl'))
    node = network.baobab
    const { data } = await node.admin<{ assets: { edges: { node: { id: string; code: string } }[] } }>(
      '{ assets { edges { node { id code } } } }',
      {}
    )
    const usd = data!.assets.edges.find((edge) => edge.node.code === 'USD')!.node.id
    await run(node, 'depositAssetLiquidity', 'DepositAssetLiquidityInput', '{ success }', {
      id: '7b0f2f0e-52b4-4a52-9b0e-d6ba0b1d1f3c',
      assetId: usd,
      amount: '1000000',
      idempotencyKey: 'dollars'
    })
    dollars = await node.createWalletAddress('dollars', usd, 11)
    savings = await node.createWalletAddress('savings', usd, 12)
    euros = await node.createWalletAddress('euros', network.euros, 13)
    shop = await node.createWalletAddress('shop', network.euros, 14)
    ;({ resourceServer: resources, authServer } = await shop.client.walletAddress.get({ url: shop.url }))
    const granted = await shop.client.grant.request(
      { url: authServer },
      {
        access_token: {
          access: [
            { type: 'incoming-payment', actions: ['create'] },
            { type: 'quote', actions: ['create'] }
          ]
        }
      }
    )
    if (!isFinalizedGrantWithAccessToken(granted)) throw new Error('a grant without a token')
    freeToken = granted.access_token.value
  })
  afterAll(() => network.stop())

  async function consented(limits: [TestWalletAddress, object][]): Promise<string> {
    const access = limits.map(([{ url }, limit]) => ({
      type: 'outgoing-payment',
      actions: ['create'],
      identifier: url,
      limits: limit
    }))
    const pending = await shop.client.grant.request(
      { url: authServer },
      {
        access_token: { access: access as never },
        interact: {
          start: ['redirect'],
          finish: { method: 'redirect', uri: 'https://shop.example/', nonce: 'n' }
        }
      }
    )
    if (!isPendingGrant(pending)) throw new Error('a grant without consent')
    const granted = await shop.client.grant.continue(
      { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
      { interact_ref: await node.accept(pending) }
    )
    if (!isFinalizedGrantWithAccessToken(granted)) throw new Error('a grant without a token')
    return granted.access_token.value
  }

  /** Pays so much; what was spent before, or the refusing status. */
  async function pay(
    accessToken: string,
    from: TestWalletAddress,
    value: string,
    { code = 'USD', to = shop }: { code?: Code; to?: TestWalletAddress } = {}
  ) {
    const { id: receiver } = await shop.client.incomingPayment.create(
      { url: resources, accessToken: freeToken },
      { walletAddress: to.url }
    )
    const quote = await shop.client.quote.create(
      { url: resources, accessToken: freeToken },
      { walletAddress: from.url, receiver, method: 'ilp', debitAmount: money(value, code) }
    )
    return shop.client.outgoingPayment
      .create({ url: resources, accessToken }, { walletAddress: from.url, quoteId: quote.id })
      .then(
        (payment) => payment.grantSpentDebitAmount,
        (error: unknown) => (error as { status: number }).status
      )
  }

  it('holds each in its own asset, whichever asset was paid in first', async () => {
    const token = await consented([
      [dollars, { debitAmount: money('1000', 'USD') }],
      [euros, { debitAmount: money('1000', 'EUR') }]
    ])
    expect(await pay(token, dollars, '100')).toEqual(money('0', 'USD'))
    expect(await pay(token, euros, '900', { code: 'EUR' })).toEqual(money('0', 'EUR'))
    expect(await pay(token, euros, '101', { code: 'EUR' })).toBe(403)
    expect(await pay(token, euros, '100', { code: 'EUR' })).toEqual(money('900', 'EUR'))
    expect(await pay(token, dollars, '901')).toBe(403)
    expect(await pay(token, dollars, '900')).toEqual(money('100', 'USD'))
    expect(await pay(token, dollars, '10')).toBe(403)
  })

  it('counts a payment against the limit that let it pass, and no other of the same asset', async () => {
    const token = await consented([
      [dollars, { debitAmount: money('1000', 'USD') }],
      [savings, { debitAmount: money('5000', 'USD') }]
    ])
    expect(await pay(token, savings, '4000')).toEqual(money('0', 'USD'))
    expect(await pay(token, dollars, '1000')).toEqual(money('0', 'USD'))
    expect(await pay(token, dollars, '10')).toBe(403)
    expect(await pay(token, savings, '1001')).toBe(403)
    expect(await pay(token, savings, '1000')).toEqual(money('4000', 'USD'))
  })

  it('holds what is debited, whatever assets the receivers have', async () => {
    const token = await consented([[dollars, { debitAmount: money('1000', 'USD') }]])
    expect(await pay(token, dollars, '400', { to: savings })).toEqual(money('0', 'USD'))
    expect(await pay(token, dollars, '400')).toEqual(money('400', 'USD'))
    expect(await pay(token, dollars, '400', { to: savings })).toBe(403)
    expect(await pay(token, dollars, '200')).toEqual(money('800', 'USD'))
  })
})
