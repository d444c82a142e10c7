import {
  createUnauthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isFinalizedGrantWithSubject,
  isPendingGrant
} from '@interledger/open-payments'
import type { GrantRequest, PendingGrant } from '@interledger/open-payments'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { toJwk } from '../../http-signatures/index.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'
import { run, startPeeredNodes } from './two-nodes.test-support.ts'

// The client of Open Payments as it is published drives two peered nodes over sockets: alice has dollars at
// acacia, bob has euros at baobab, and the client is known by its wallet address at baobab. It validates every
// answer against the OpenAPI documents by itself.

const usd = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })
const eur = (value: string) => ({ value, assetCode: 'EUR', assetScale: 2 })

describe('every operation of @interledger/open-payments, against two peered nodes', () => {
  let network: Awaited<ReturnType<typeof startPeeredNodes>>
  let acacia: TestNode
  let baobab: TestNode
  let alice: TestWalletAddress
  let bob: TestWalletAddress
  let shop: TestWalletAddress
  const used = new Set<string>()
  let client: TestWalletAddress['client']
  let anybody: Awaited<ReturnType<typeof createUnauthenticatedClient>>

  beforeAll(async () => {
    network = await startPeeredNodes(inject('postgresUrl'))
    const { dollars, euros } = network
    ;({ acacia, baobab } = network)
    alice = await acacia.createWalletAddress('alice', dollars, 1)
    bob = await baobab.createWalletAddress('bob', euros, 2)
    shop = await baobab.createWalletAddress('shop', euros, 3)
    client = recorded('', shop.client)
    anybody = recorded(
      'unauthenticated ',
      await createUnauthenticatedClient({ useHttp: true, logLevel: 'silent' })
    )
  })
  afterAll(() => network.stop())

  /** The same client, which notes what is called. */
  function recorded<Client extends object>(who: string, whole: Client): Client {
    const nouns = Object.entries(whole).map(([noun, operations]) => [
      noun,
      Object.fromEntries(
        Object.entries(operations as Record<string, (...args: unknown[]) => unknown>).map(([name, call]) => [
          name,
          (...args: unknown[]) => {
            used.add(`${who}${noun}.${name}`)
            return call(...args)
          }
        ])
      )
    ])
    return Object.fromEntries(nouns) as Client
  }

  /** Where a wallet address's grants and resources are, as its own answer says. */
  async function doorsOf({ url }: TestWalletAddress) {
    const { authServer, resourceServer } = await client.walletAddress.get({ url })
    return { authServer, resources: resourceServer }
  }

  async function tokenWithoutConsent(at: TestWalletAddress, access: object, identity?: object) {
    const { authServer } = await doorsOf(at)
    const request = { access_token: { access: [access] } } as unknown as GrantRequest
    const grant = await client.grant.request({ url: authServer }, request, identity as never)
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('the grant has no token')
    return { ...grant.access_token, accessToken: grant.access_token.value, continue: grant.continue }
  }

  async function ask(at: TestWalletAddress, what: object): Promise<PendingGrant> {
    const { authServer } = await doorsOf(at)
    const grant = await client.grant.request({ url: authServer }, {
      ...what,
      interact: {
        start: ['redirect'],
        finish: { method: 'redirect', uri: 'https://shop.example/', nonce: 'n' }
      }
    } as unknown as GrantRequest)
    if (!isPendingGrant(grant)) throw new Error('the grant needs no consent')
    return grant
  }

  async function consented(node: TestNode, at: TestWalletAddress, what: object) {
    const pending = await ask(at, what)
    return client.grant.continue(
      { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
      { interact_ref: await node.accept(pending) }
    )
  }

  async function tokenWithConsent(node: TestNode, at: TestWalletAddress, access: object): Promise<string> {
    const grant = await consented(node, at, { access_token: { access: [access] } })
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('the grant has no token')
    return grant.access_token.value
  }

  async function createReceiver(incomingAmount?: ReturnType<typeof eur>) {
    const { accessToken } = await tokenWithoutConsent(bob, {
      type: 'incoming-payment',
      actions: ['create', 'read', 'list', 'complete']
    })
    const { resources } = await doorsOf(bob)
    const payment = await client.incomingPayment.create(
      { url: resources, accessToken },
      { walletAddress: bob.url, ...(incomingAmount && { incomingAmount }), metadata: { order: 'A1' } }
    )
    return { payment, accessToken, resources }
  }

  it('wallet addresses, their keys and DID documents', async () => {
    for (const one of [client, anybody]) {
      expect(await one.walletAddress.get({ url: alice.url })).toMatchObject({
        id: alice.url,
        assetCode: 'USD'
      })
      const { keys } = await one.walletAddress.getKeys({ url: bob.url })
      expect(keys).toMatchObject([{ kid: 'bob-key' }])
      expect(await one.walletAddress.getDIDDocument({ url: bob.url })).toMatchObject({
        alsoKnownAs: [bob.url]
      })
    }
  })

  it.each<[string, object]>([
    ['incoming-payment', { actions: ['create', 'complete', 'read', 'read-all', 'list'] }],
    ['quote', { actions: ['create', 'read', 'read-all'] }]
  ])('grants that need no consent (%s), whose tokens are rotated and revoked', async (type, rest) => {
    const granted = await tokenWithoutConsent(alice, { type, ...rest })
    const rotated = await client.token.rotate({ url: granted.manage, accessToken: granted.value })
    expect(rotated.access_token.value).not.toBe(granted.value)
    await expect(
      client.token.rotate({ url: granted.manage, accessToken: granted.value })
    ).rejects.toMatchObject({ status: 401, code: 'invalid_client' })
    const { manage, value } = rotated.access_token
    await client.token.revoke({ url: manage, accessToken: value })
    const { resources } = await doorsOf(alice)
    await expect(
      client.quote.create(
        { url: resources, accessToken: value },
        { walletAddress: alice.url, receiver: `${resources}/incoming-payments/1`, method: 'ilp' }
      )
    ).rejects.toMatchObject({ status: 403 })
  })

  it.each<[string, object]>([
    ['without limits', {}],
    ['with a limit on what is debited', { limits: { debitAmount: usd('100') } }],
    ['with a limit on what is received', { limits: { receiveAmount: eur('100') } }],
    [
      'with a receiver and an interval',
      {
        limits: {
          receiver: 'https://localhost/incoming-payments/08394f02-7b7b-45e2-b645-51d04e7c330c',
          debitAmount: usd('100'),
          interval: 'R12/2026-01-01T00:00:00Z/P1M'
        }
      }
    ]
  ])('grants for outgoing payments, with consent: %s', async (_, limits) => {
    const access = {
      type: 'outgoing-payment',
      actions: ['create', 'read', 'read-all', 'list', 'list-all'],
      identifier: alice.url,
      ...limits
    }
    const grant = await consented(acacia, alice, { access_token: { access: [access] } })
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('the grant has no token')
    expect(grant.access_token.access).toEqual([access])
  })

  it('grants for a subject', async () => {
    const subject = { sub_ids: [{ id: alice.url, format: 'uri' }] }
    const grant = await consented(acacia, alice, { subject })
    expect(isFinalizedGrantWithSubject(grant) && grant.subject).toEqual(subject)
  })

  it('grants for a client that is known by its key alone', async () => {
    const { kid, x, alg, kty, crv } = toJwk(shop.privateKey, shop.keyId)
    const identity = { jwk: { kid, x, alg, kty, crv } }
    const { accessToken } = await tokenWithoutConsent(
      bob,
      { type: 'incoming-payment', actions: ['create', 'read'] },
      identity
    )
    const { resources } = await doorsOf(bob)
    const { id } = await client.incomingPayment.create(
      { url: resources, accessToken },
      { walletAddress: bob.url }
    )
    expect(await client.incomingPayment.get({ url: id, accessToken })).toMatchObject({ id })
  })

  it('grants that are polled, and cancelled', async () => {
    const { authServer } = await doorsOf(alice)
    const access = [{ type: 'outgoing-payment', actions: ['create'], identifier: alice.url }]
    const pending = await client.grant.request({ url: authServer }, {
      access_token: { access },
      interact: { start: ['redirect'] }
    } as unknown as GrantRequest)
    if (!isPendingGrant(pending)) throw new Error('the grant needs no consent')
    const own = { url: pending.continue.uri, accessToken: pending.continue.access_token.value }
    const polled = await client.grant.continue(own)
    expect(isFinalizedGrantWithAccessToken(polled)).toBe(false)
    expect(polled.continue.uri).toBe(own.url)
    await client.grant.cancel(own)
    await expect(client.grant.continue(own)).rejects.toMatchObject({
      status: 401,
      code: 'invalid_continuation'
    })
  })

  it('incoming payments: created, read, listed and completed', async () => {
    const { payment, accessToken, resources } = await createReceiver(eur('40'))
    const { id } = payment
    expect(await client.incomingPayment.get({ url: id, accessToken })).toMatchObject({
      id,
      incomingAmount: eur('40'),
      metadata: { order: 'A1' }
    })
    const asked = { authServer: (await doorsOf(bob)).authServer, receivedAmount: eur('0') }
    expect(await anybody.incomingPayment.get({ url: id })).toEqual(asked)
    expect(await client.incomingPayment.getPublic({ url: id })).toEqual(asked)
    const list = (page?: { first?: number; cursor?: string }) =>
      client.incomingPayment.list({ url: resources, accessToken, walletAddress: bob.url }, page as never)
    expect((await list()).result[0]).toMatchObject({ id })
    const { result, pagination } = await list({ first: 1 })
    expect(result).toMatchObject([{ id }])
    expect(pagination).toMatchObject({ hasPreviousPage: false, startCursor: id.slice(-36) })
    expect(await client.incomingPayment.complete({ url: id, accessToken })).toMatchObject({
      id,
      completed: true
    })
  })

  it('quotes and outgoing payments across the nodes: paid, delivered, and counted in the grant', async () => {
    const { payment: receiver, accessToken: receiverToken } = await createReceiver(eur('4000'))
    const { resources } = await doorsOf(alice)
    const quoting = await tokenWithoutConsent(alice, { type: 'quote', actions: ['create', 'read'] })
    const quote = await client.quote.create(
      { url: resources, accessToken: quoting.accessToken },
      { walletAddress: alice.url, receiver: receiver.id, method: 'ilp' }
    )
    expect(quote).toMatchObject({ receiveAmount: eur('4000'), debitAmount: { assetCode: 'USD' } })
    // 5,000 cents at the rate of baobab, and acacia's reserve of a hundredth for what the path may lose.
    expect(Number(quote.debitAmount.value)).toBeGreaterThanOrEqual(5_000)
    expect(Number(quote.debitAmount.value)).toBeLessThanOrEqual(5_060)
    expect(await client.quote.get({ url: quote.id, accessToken: quoting.accessToken })).toEqual(quote)

    const accessToken = await tokenWithConsent(acacia, alice, {
      type: 'outgoing-payment',
      actions: ['create', 'read', 'list'],
      identifier: alice.url,
      limits: { debitAmount: usd('10000') }
    })
    const spent = () => client.outgoingPayment.getGrantSpentAmounts({ url: resources, accessToken })
    expect(await spent()).toEqual({ spentDebitAmount: null, spentReceiveAmount: null })
    const payment = await client.outgoingPayment.create(
      { url: resources, accessToken },
      { walletAddress: alice.url, quoteId: quote.id, metadata: { order: 'A1' } }
    )
    expect(payment).toMatchObject({ grantSpentDebitAmount: usd('0'), grantSpentReceiveAmount: eur('0') })
    expect(await spent()).toEqual({ spentDebitAmount: quote.debitAmount, spentReceiveAmount: eur('4000') })

    const id = payment.id.slice(-36)
    await acacia.told('outgoing_payment.created', id)
    const input = { outgoingPaymentId: id, idempotencyKey: id }
    const funding = 'depositOutgoingPaymentLiquidity'
    await run(acacia, funding, 'DepositOutgoingPaymentLiquidityInput', '{ success }', input)
    await acacia.told('outgoing_payment.completed', id)
    await baobab.told('incoming_payment.completed', receiver.id.slice(-36))
    const paid = await client.outgoingPayment.get({ url: payment.id, accessToken })
    expect(paid).toMatchObject({ failed: false, receiveAmount: eur('4000'), metadata: { order: 'A1' } })
    expect(Number(paid.sentAmount.value)).toBeGreaterThanOrEqual(5_000)
    expect(await client.incomingPayment.get({ url: receiver.id, accessToken: receiverToken })).toMatchObject({
      completed: true,
      receivedAmount: eur('4000'),
      methods: []
    })

    // A second one without a quote of its own, and the list of both in pages, both ways.
    const { payment: open } = await createReceiver()
    const second = await client.outgoingPayment.create(
      { url: resources, accessToken },
      { walletAddress: alice.url, incomingPayment: open.id, debitAmount: usd('100') }
    )
    const list = (page: { first?: number; last?: number; cursor?: string }) =>
      client.outgoingPayment.list({ url: resources, accessToken, walletAddress: alice.url }, page as never)
    const newest = await list({ first: 1 })
    expect(newest.result).toMatchObject([{ id: second.id }])
    expect(newest.pagination).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
    const older = await list({ first: 1, cursor: newest.pagination.endCursor! })
    expect(older.result).toMatchObject([{ id: payment.id }])
    expect(older.pagination).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    expect((await list({ last: 1, cursor: older.pagination.startCursor! })).result).toEqual(newest.result)
  })

  it('and no operation is left out', () => {
    const all = [
      ...operationsOf('', shop.client),
      ...operationsOf('unauthenticated ', {
        walletAddress: anybody.walletAddress,
        incomingPayment: anybody.incomingPayment
      })
    ]
    expect([...used].sort()).toEqual(all.sort())
    expect(all.length).toBe(23)
  })
})

function operationsOf(who: string, client: object): string[] {
  return Object.entries(client).flatMap(([noun, operations]) =>
    Object.keys(operations as object).map((name) => `${who}${noun}.${name}`)
  )
}
