import { createUnauthenticatedClient, isFinalizedGrantWithAccessToken } from '@interledger/open-payments'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { decodeReply, encodePrepare } from '../../ilp/index.ts'
import { createSystemRuntime, serveHttp } from '../../runtime/index.ts'
import type { HttpServer, Runtime } from '../../runtime/index.ts'
import { startTestNode } from '../open-payments/testing.ts'
import type { TestNode, ToldEvent } from '../open-payments/testing.ts'
import { until } from '../testing.ts'
import { asError } from './admin-api.test-support.ts'
import * as operations from './operations.test-support.ts'

interface TestTenant {
  tenantId: string
  secret: string
  assetId: string
  walletAddressId: string
  walletAddressUrl: string
}

/** Two tenants of one node: each with rates, an asset, a wallet address, a webhook receiver and peers of its own. */
describe('two tenants of one node', () => {
  let runtime: Runtime
  let node: TestNode
  let services: HttpServer
  let acme: TestTenant
  let bolt: TestTenant
  const told: Record<string, ToldEvent[]> = { acme: [], bolt: [] }
  let drawn = 0
  const id = () => `00000000-0000-4000-8000-${(++drawn).toString().padStart(12, '0')}`

  beforeAll(async () => {
    runtime = createSystemRuntime({ name: 'services', logLevel: 'fatal' })
    // What a tenant runs: its rates (one USD is 0.50 EUR for the operator, 0.90 for acme), its webhook receiver.
    services = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://services')
      const [, who = '', what] = pathname.split('/')
      if (what === 'rates') {
        const rates = { EUR: who === 'acme' ? 0.9 : 0.5 }
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ base: searchParams.get('base'), rates }))
        return
      }
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        told[who]!.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as ToldEvent)
        response.end()
      })
    })
    node = await startTestNode(inject('postgresUrl'), {
      backend: { EXCHANGE_RATES_URL: service('operator', 'rates') }
    })
    acme = await createTenant('acme', 'USD')
    bolt = await createTenant('bolt', 'EUR')
  })
  afterAll(async () => {
    await node.stop()
    await services.stop(0)
    runtime.kill()
  })

  const service = (who: string, what: string) => `http://127.0.0.1:${services.address.port}/${who}/${what}`

  async function ok<Result>(mutation: string, input: object, as?: TestTenant): Promise<Result> {
    const { data, errors } = await node.admin<Record<string, Result>>(mutation, { input }, as)
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return Object.values(data)[0]!
  }
  const errorOf = async (mutation: string, input: object, as?: TestTenant) =>
    (await node.admin(mutation, { input }, as)).errors?.[0]

  async function set(as: TestTenant, ...settings: { key: string; value: string }[]) {
    return ok(
      `mutation ($input: CreateTenantSettingsInput!) { createTenantSettings(input: $input) { settings { key value } } }`,
      { settings },
      as
    )
  }

  async function createTenant(name: string, code: string): Promise<TestTenant> {
    const tenant = { tenantId: id(), secret: `${name} secret` } as TestTenant
    await node.createTenant(tenant, `${node.openPaymentsUrl}/${name}`)
    await set(
      tenant,
      { key: 'WEBHOOK_URL', value: service(name, 'hooks') },
      { key: 'EXCHANGE_RATES_URL', value: service(name, 'rates') },
      { key: 'ILP_ADDRESS', value: `test.${name}` }
    )
    const { asset } = await ok<{ asset: { id: string } }>(operations.CREATE_ASSET, { code, scale: 2 }, tenant)
    await ok(
      operations.DEPOSIT_ASSET,
      { assetId: asset.id, amount: '100000', id: id(), idempotencyKey: id() },
      tenant
    )
    const walletAddressUrl = `${node.openPaymentsUrl}/${name}/alice`
    const { walletAddress } = await ok<{ walletAddress: { id: string } }>(
      operations.CREATE_WALLET_ADDRESS,
      { address: '/alice', assetId: asset.id },
      tenant
    )
    await ok(
      operations.CREATE_PEER,
      {
        assetId: asset.id,
        staticIlpAddress: `test.peer-of-${name}`,
        http: {
          incoming: { authTokens: [`token-of-${name}`] },
          outgoing: { endpoint: 'http://127.0.0.1:1/', authToken: 'x' }
        },
        initialLiquidity: '1000'
      },
      tenant
    )
    return { ...tenant, assetId: asset.id, walletAddressId: walletAddress.id, walletAddressUrl }
  }

  const createReceiver = (walletAddressUrl: string, value: string, assetCode: string, as: TestTenant) =>
    ok<{ receiver: { id: string } }>(
      `mutation ($input: CreateReceiverInput!) { createReceiver(input: $input) { receiver { id } } }`,
      { walletAddressUrl, incomingAmount: { value, assetCode, assetScale: 2 } },
      as
    )

  /** Pays a receiver and waits for the word to both wallets. */
  async function pay(receiver: string, as: TestTenant, asName: string) {
    const { quote } = await ok<{ quote: { id: string; debitAmount: { value: string } } }>(
      `mutation ($input: CreateQuoteInput!) { createQuote(input: $input) { quote { id debitAmount { value } } } }`,
      { walletAddressId: as.walletAddressId, receiver },
      as
    )
    const { payment } = await ok<{ payment: { id: string } }>(
      operations.CREATE_OUTGOING,
      { walletAddressId: as.walletAddressId, quoteId: quote.id },
      as
    )
    await ok(operations.FUND, { outgoingPaymentId: payment.id, idempotencyKey: id() }, as)
    const completed = await toldTo(asName, 'outgoing_payment.completed', payment.id)
    return { debited: BigInt(quote.debitAmount.value), completed }
  }

  async function toldTo(who: string, type: string, resourceId: string): Promise<ToldEvent> {
    const find = () => told[who]!.find((event) => event.type === type && event.data.id === resourceId)
    await until(() => find() !== undefined)
    return find()!
  }

  const idOf = (url: string) => url.split('/').at(-1)!

  it('pay each other: at the rates of the sender, with its fee, each wallet told its part', async () => {
    await ok(
      operations.SET_FEE,
      { assetId: acme.assetId, type: 'SENDING', fee: { fixed: '3', basisPoints: 0 } },
      acme
    )
    const { receiver } = await createReceiver(bolt.walletAddressUrl, '90', 'EUR', acme)
    expect(receiver.id).toContain(`/${bolt.tenantId}/incoming-payments/`)
    const { debited } = await pay(receiver.id, acme, 'acme')
    expect(debited).toBe(103n) // 90 EUR are 100 USD at 0.9, and the fee
    const event = await toldTo('bolt', 'incoming_payment.completed', idOf(receiver.id))
    expect(event.data).toMatchObject({ receivedAmount: { value: '90', assetCode: 'EUR' } })
    const types = (name: string) => new Set(told[name]!.map(({ type }) => type.split('.')[0]))
    expect([...types('acme')]).toEqual(['outgoing_payment'])
    expect([...types('bolt')]).toEqual(['incoming_payment'])
  })

  it('pay what a client created over Open Payments, and oneself', async () => {
    const client = await createUnauthenticatedClient({ useHttp: true, logLevel: 'silent' })
    const payer = await node.createWalletAddress('payer', await operatorsAsset())
    const { authServer, resourceServer } = await client.walletAddress.get({ url: bolt.walletAddressUrl })
    expect(new URL(resourceServer!).pathname).toBe(`/${bolt.tenantId}`)
    const grant = await payer.client.grant.request(
      { url: authServer },
      { access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'complete', 'read'] }] } }
    )
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('the grant has no token')
    const incoming = await payer.client.incomingPayment.create(
      { url: resourceServer!, accessToken: grant.access_token.value },
      {
        walletAddress: bolt.walletAddressUrl,
        incomingAmount: { value: '9', assetCode: 'EUR', assetScale: 2 }
      }
    )
    expect(incoming.methods[0]).toMatchObject({ type: 'ilp' })
    expect((incoming.methods[0] as { ilpAddress: string }).ilpAddress).toMatch(/^test\.bolt\./)
    await pay(incoming.id, acme, 'acme')
    await toldTo('bolt', 'incoming_payment.completed', idOf(incoming.id))

    const { receiver } = await createReceiver(acme.walletAddressUrl, '7', 'USD', acme)
    const { debited } = await pay(receiver.id, acme, 'acme')
    expect(debited).toBe(10n)
    await toldTo('acme', 'incoming_payment.completed', idOf(receiver.id))
  })

  async function operatorsAsset(): Promise<string> {
    return (await ok<{ asset: { id: string } }>(operations.CREATE_ASSET, { code: 'USD', scale: 2 })).asset.id
  }

  const COMPLETE = `mutation ($input: CompleteReceiverInput!) { completeReceiver(input: $input) { receiver { completed } } }`

  it('complete what they had created at each other, and nothing else of the other', async () => {
    const { receiver } = await createReceiver(bolt.walletAddressUrl, '5', 'EUR', acme)
    const { receiver: own } = await createReceiver(bolt.walletAddressUrl, '5', 'EUR', bolt)
    expect(await errorOf(COMPLETE, { incomingPaymentUrl: own.id }, acme)).toMatchObject(
      asError('NOT_FOUND', 'unknown incoming payment')
    )
    for (const [incomingPaymentUrl, as] of [
      [receiver.id, acme],
      [own.id, bolt]
    ] as const) {
      expect(await ok(COMPLETE, { incomingPaymentUrl }, as)).toEqual({ receiver: { completed: true } })
    }
  })

  it('read what they need to pay each other, and not what the other noted', async () => {
    const { payment } = await ok<{ payment: { url: string } }>(
      operations.CREATE_INCOMING,
      {
        walletAddressId: bolt.walletAddressId,
        incomingAmount: { value: '4', assetCode: 'EUR', assetScale: 2 },
        metadata: { note: 'private' }
      },
      bolt
    )
    const read = async (as?: TestTenant) =>
      (
        await node.admin(
          `query ($id: String!) { receiver(id: $id) { metadata walletAddressUrl incomingAmount { value } } }`,
          { id: payment.url },
          as
        )
      ).data
    const toPay = { walletAddressUrl: bolt.walletAddressUrl, incomingAmount: { value: '4' } }
    expect(await read(acme)).toEqual({ receiver: { ...toPay, metadata: null } })
    for (const as of [bolt, undefined]) {
      expect(await read(as)).toEqual({ receiver: { ...toPay, metadata: { note: 'private' } } })
    }
  })

  it('take a change of rates and webhooks at once', async () => {
    await set(
      bolt,
      { key: 'EXCHANGE_RATES_URL', value: service('other', 'rates') },
      { key: 'WEBHOOK_URL', value: service('acme', 'hooks') }
    )
    const { receiver } = await createReceiver(bolt.walletAddressUrl, '5', 'EUR', bolt)
    await toldTo('acme', 'incoming_payment.created', idOf(receiver.id))
    await set(bolt, { key: 'WEBHOOK_URL', value: service('bolt', 'hooks') })
    await set(acme, { key: 'EXCHANGE_RATES_URL', value: service('other', 'rates') })
    expect((await pay(receiver.id, acme, 'acme')).debited).toBe(13n) // 5 EUR are 10 USD at 0.5, and the fee
    await toldTo('bolt', 'incoming_payment.completed', idOf(receiver.id))
  })

  /** What the connector answers to a packet of the peer with a token. */
  async function packet(token: string, destination: string) {
    const answer = await node.http.request({
      method: 'POST',
      url: node.connectorUrl,
      headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${token}` },
      body: encodePrepare({
        amount: 1n,
        destination,
        executionCondition: Buffer.alloc(32),
        expiresAtMs: runtime.clock.nowMs() + 5_000,
        data: Buffer.alloc(0)
      })
    })
    return decodeReply(answer.body)
  }

  it('are reached by their own peers under their own ILP address, not by those of the other', async () => {
    // No STREAM packet: what takes it for its own answers F06, a stranger's address is unknown.
    const { receiver } = await createReceiver(bolt.walletAddressUrl, '5', 'EUR', bolt)
    const destination = await addressOf(receiver.id)
    expect(await packet('token-of-bolt', destination)).toMatchObject({ type: 'reject', code: 'F06' })
    expect(await packet('token-of-acme', destination)).toMatchObject({ type: 'reject', code: 'F02' })
  })

  /** The STREAM address of an incoming payment, as a client with a grant reads it. */
  async function addressOf(incomingPaymentUrl: string): Promise<string> {
    const reader = await node.createWalletAddress(`reader${++drawn}`, await anyAsset())
    const { authServer } = await reader.client.walletAddress.get({ url: bolt.walletAddressUrl })
    const grant = await reader.client.grant.request(
      { url: authServer },
      { access_token: { access: [{ type: 'incoming-payment', actions: ['read-all'] }] } }
    )
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('the grant has no token')
    const incoming = (await reader.client.incomingPayment.get({
      url: incomingPaymentUrl,
      accessToken: grant.access_token.value
    })) as { methods: { ilpAddress: string }[] }
    return incoming.methods[0]!.ilpAddress
  }

  async function anyAsset(): Promise<string> {
    return (await ok<{ asset: { id: string } }>(operations.CREATE_ASSET, { code: `A${++drawn}`, scale: 2 }))
      .asset.id
  }

  it('go one by one: a deleted one takes no more money, what it has is the operator’s to pay out', async () => {
    const { receiver } = await createReceiver(bolt.walletAddressUrl, '9', 'EUR', bolt)
    const destination = await addressOf(receiver.id)
    const half = await quoteFor(receiver.id, '5')
    await ok(operations.FUND, { outgoingPaymentId: half, idempotencyKey: id() }, acme)
    await toldTo('acme', 'outgoing_payment.completed', half)
    const open = await quoteFor(receiver.id, '3')

    const remove = () =>
      node.admin<{ deleteTenant: { success: boolean } }>(
        `mutation ($id: String!) { deleteTenant(id: $id) { success } }`,
        { id: bolt.tenantId }
      )
    expect((await remove()).data).toEqual({ deleteTenant: { success: true } })
    expect((await remove()).errors).toMatchObject([asError('NOT_FOUND', 'failed to delete tenant')])
    await expect(node.admin('{ whoami { id } }', {}, bolt)).rejects.toThrow('Unauthorized')
    expect((await node.fetch(bolt.walletAddressUrl)).status).toBe(404)
    expect(await packet('token-of-bolt', destination)).toMatchObject({ type: 'reject', code: 'F02' })
    expect(
      await errorOf(
        `mutation ($input: CreateReceiverInput!) { createReceiver(input: $input) { receiver { id } } }`,
        { walletAddressUrl: bolt.walletAddressUrl },
        acme
      )
    ).toMatchObject(asError('NOT_FOUND', 'unknown wallet address'))
    expect(
      await errorOf(
        operations.CREATE_QUOTE,
        { walletAddressId: acme.walletAddressId, receiver: receiver.id },
        acme
      )
    ).toMatchObject(asError('BAD_USER_INPUT', 'invalid receiver'))
    // What was quoted before ends without a payment: the receiver is closed, the money comes back.
    await ok(operations.FUND, { outgoingPaymentId: open, idempotencyKey: id() }, acme)
    const ended = await toldTo('acme', 'outgoing_payment.completed', open)
    expect(ended.data).toMatchObject({ sentAmount: { value: '0' } })

    // The operator ends what is open, hears of it, and pays it out.
    expect(await ok(COMPLETE, { incomingPaymentUrl: receiver.id })).toEqual({ receiver: { completed: true } })
    const event = await node.told('incoming_payment.completed', idOf(receiver.id))
    expect(event.data).toMatchObject({ receivedAmount: { value: '2' } })
    expect(
      await ok(operations.WITHDRAW_INCOMING, {
        incomingPaymentId: idOf(receiver.id),
        timeoutSeconds: '0',
        idempotencyKey: id()
      })
    ).toEqual({ success: true })
    expect(
      (await node.admin(`query ($id: String!) { tenant(id: $id) { deletedAt } }`, { id: bolt.tenantId })).data
    ).toEqual({ tenant: { deletedAt: expect.any(String) as string } })
  })

  /** An outgoing payment of acme's that debits so much, and waits for its deposit. */
  async function quoteFor(receiver: string, debit: string): Promise<string> {
    const { quote } = await ok<{ quote: { id: string } }>(
      operations.CREATE_QUOTE,
      {
        walletAddressId: acme.walletAddressId,
        receiver,
        debitAmount: { value: (BigInt(debit) + 3n).toString(), assetCode: 'USD', assetScale: 2 }
      },
      acme
    )
    const { payment } = await ok<{ payment: { id: string } }>(
      operations.CREATE_OUTGOING,
      { walletAddressId: acme.walletAddressId, quoteId: quote.id },
      acme
    )
    return payment.id
  }
})
