import { generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createBackend, loadBackendConfig } from '../../../node/backend/index.ts'
import type { Backend } from '../../../node/backend/index.ts'
import {
  conditionOf,
  decodeReply,
  deriveStreamKeys,
  encodePrepare,
  encryptStreamPacket,
  fulfillmentOf,
  isPacketError,
  StreamMoneyFrame
} from '../../../node/ilp/index.ts'
import { createHttpClient, createSystemRuntime } from '../../../node/runtime/index.ts'
import type { Database, HttpClient, Runtime } from '../../../node/runtime/index.ts'
import { backendEnvironment, planNetwork } from '../../networks/plan.ts'
import type { NodePlan } from '../../networks/plan.ts'
import { provisionNode } from '../../networks/provision.ts'
import type { ProvisionedNode } from '../../networks/provision.ts'
import { freePorts } from '../../services/free-ports.ts'
import { SERVICE_PORTS } from '../../topology/model.ts'
import type { ServicePort, TopologyNode } from '../../topology/model.ts'
import { signWebhook } from './wallet.test-support.ts'
import { createWallet } from './wallet.ts'
import type { Wallet } from './wallet.ts'
import type { WebhookEvent } from './webhooks.ts'

const USD = { code: 'USD', scale: 2 }
const EUR = { code: 'EUR', scale: 2 }
const PEER_TOKEN = 'token-of-the-peer'

const acacia: TopologyNode = {
  name: 'acacia',
  ilpAddress: 'test.acacia',
  assets: [
    { ...USD, liquidity: 1_000n, sendingFee: { fixed: 3n, basisPoints: 0 } },
    { ...EUR, liquidity: 100n }
  ],
  walletAddresses: [
    { name: 'alice', asset: USD, publicName: 'Alice', balance: 10_000n },
    { name: 'bob', asset: USD, publicName: 'Bob', balance: 0n },
    { name: 'carol', asset: EUR, publicName: 'Carol', balance: 0n }
  ],
  rates: { USD: { EUR: '1' } },
  slippage: '0',
  ports: {}
}

describe('the wallet, on a node of its own', () => {
  let runtime: Runtime
  let http: HttpClient
  let maintenance: Database
  let databaseName: string
  let plan: NodePlan
  let backend: Backend
  let wallet: Wallet
  let provisioned: ProvisionedNode
  const events: WebhookEvent[] = []
  const card = generateKeyPairSync('ed25519')

  beforeAll(async () => {
    runtime = createSystemRuntime({ name: 'wallet test', logLevel: 'silent' })
    http = createHttpClient(runtime)
    const url = new URL(inject('postgresUrl'))
    maintenance = runtime.openDatabase({ url: url.href, maxConnections: 1 })
    databaseName = `wallet_${runtime.random.uuid().replaceAll('-', '')}`
    await maintenance.knex.raw(`CREATE DATABASE ${databaseName}`)
    url.pathname = `/${databaseName}`
    const free = await freePorts(SERVICE_PORTS.length)
    const portOf = (service: ServicePort) => free[SERVICE_PORTS.indexOf(service)]!
    const urls = Object.fromEntries(
      SERVICE_PORTS.map((service) => [service, `http://127.0.0.1:${portOf(service)}`])
    ) as unknown as NodePlan['urls']
    const network = planNetwork(
      { name: 'one', nodes: [acacia], links: [], payments: [] },
      runtime.random,
      () => ({
        urls: { ...urls, openPayments: `https://localhost:${portOf('openPayments')}` },
        databaseUrls: { backend: url.href, auth: '' },
        ledger: { kind: 'postgres' }
      })
    )
    plan = network.plans[0]!
    wallet = createWallet(runtime, {
      plan,
      address: { host: '127.0.0.1', port: portOf('wallet') },
      cards: new Map([['alice', card.publicKey]]),
      policy: {
        decideIncoming: ({ metadata }) =>
          (metadata as { from?: string } | undefined)?.from === 'mallory'
            ? { cancelBecause: 'nothing of mallory' }
            : 'approve'
      }
    })
    wallet.onEvent((event) => void events.push(event))
    await wallet.start()
    backend = createBackend(
      loadBackendConfig({
        ...backendEnvironment(plan, {
          scheme: 'http',
          bindHost: '127.0.0.1',
          port: (_, service) => portOf(service),
          privateKeyFile: () => undefined
        }),
        LEDGER: 'memory',
        POLL_INCOMING_PAYMENT_CREATED_WEBHOOK: 'true',
        WALLET_ADDRESS_NOT_FOUND_POLLING_ENABLED: 'true',
        WALLET_ADDRESS_LOOKUP_TIMEOUT_MS: '10000',
        WITHDRAWAL_THROTTLE_DELAY: '1',
        CARD_WEBHOOK_SERVICE_URL: `${plan.urls.wallet}/webhooks`
      }),
      runtime
    )
    await backend.start()
    provisioned = await provisionNode(network, plan, { admin: wallet.admin, random: runtime.random })
  })
  afterAll(async () => {
    await backend.stop()
    await wallet.stop()
    await http.close()
    await maintenance.knex.raw(`DROP DATABASE ${databaseName}`)
    await maintenance.close()
    runtime.kill()
  })

  const idOf = (name: string) => provisioned.walletAddresses.find((one) => one.name === name)!.id
  const account = (name: string) => {
    const { balance, held } = wallet.accounts.get(name)!
    return { balance, held }
  }
  const amount = (value: string, { code, scale } = USD) => ({ value, assetCode: code, assetScale: scale })

  /** The event of this type about this resource, once the wallet has honoured it. */
  async function honoured(
    type: string,
    about: (data: Record<string, unknown>) => boolean
  ): Promise<WebhookEvent> {
    const found = () => events.find((event) => event.type === type && about(event.data))
    await wallet.until(() => found() !== undefined)
    return found()!
  }
  const of = (id: string) => (data: Record<string, unknown>) => data.id === id

  async function run<Result>(mutation: string, input: object): Promise<Result> {
    const [, name, type] = /^(\w+)\((\w+)\)/.exec(mutation)!
    const query = `mutation ${name}($input: ${type}!) { ${name}(input: $input) ${mutation.slice(mutation.indexOf('{'))} }`
    return (await wallet.admin.call<Record<string, Result>>(query, { input }))[name!]!
  }

  async function ask(name: string, input: object = {}): Promise<{ id: string; url: string }> {
    const { payment } = await run<{ payment: { id: string; url: string } }>(
      'createIncomingPayment(CreateIncomingPaymentInput) { payment { id url } }',
      { walletAddressId: idOf(name), ...input }
    )
    return payment
  }

  async function pay(incomingPayment: string, input: object = {}): Promise<string> {
    const { payment } = await run<{ payment: { id: string } }>(
      'createOutgoingPaymentFromIncomingPayment(CreateOutgoingPaymentFromIncomingPaymentInput) { payment { id } }',
      { walletAddressId: idOf('alice'), incomingPayment, ...input }
    )
    return payment.id
  }

  const liquidityOf = async (paymentId: string) =>
    (
      await wallet.admin.call<{ payment: { state: string; liquidity: string | null; metadata: object } }>(
        `query Payment($id: String!) { payment: outgoingPayment(id: $id) { state liquidity metadata } }`,
        { id: paymentId }
      )
    ).payment

  it('funds what its customer can pay, keeps the leftover as its own, and credits who received', async () => {
    const incoming = await ask('bob', { incomingAmount: amount('100') })
    const paymentId = await pay(incoming.url)
    await honoured('outgoing_payment.completed', of(paymentId))
    await honoured('incoming_payment.completed', of(incoming.id))
    expect(account('alice')).toEqual({ balance: 9_897n, held: 0n })
    expect(account('bob')).toEqual({ balance: 100n, held: 0n })
    expect(wallet.accounts.earned(USD)).toBe(3n)
    expect(await liquidityOf(paymentId)).toMatchObject({ state: 'COMPLETED', liquidity: '0' })
  })

  it('cancels what its customer cannot pay, and stays with that when it is asked again', async () => {
    const incoming = await ask('bob', { incomingAmount: amount('20000') })
    const paymentId = await pay(incoming.url)
    const created = await honoured('outgoing_payment.created', of(paymentId))
    expect(await liquidityOf(paymentId)).toMatchObject({
      state: 'CANCELLED',
      metadata: { cancellationReason: 'Account does not have enough balance.' }
    })
    wallet.accounts.credit('alice', 'a rich uncle', 20_000n)
    await repeat(created)
    expect(account('alice').held).toBe(0n)
    wallet.accounts.credit('alice', 'the uncle wants it back', -20_000n)
  })

  it('gives back what a failed payment did not send, and takes it out of the node', async () => {
    const before = account('alice')
    const incoming = await ask('carol', { incomingAmount: amount('500', EUR) }) // the node has 100 EUR
    const paymentId = await pay(incoming.url)
    const failed = await honoured('outgoing_payment.failed', of(paymentId))
    expect(failed.data).toMatchObject({ sentAmount: { value: '0' } })
    expect(account('alice')).toEqual(before)
    expect(await liquidityOf(paymentId)).toMatchObject({ state: 'FAILED', liquidity: '0' })
  })

  it('books nothing twice when events come again', async () => {
    const before = [account('alice'), account('bob'), wallet.accounts.earned(USD)]
    const seen = [...events]
    for (const event of seen) await repeat(event)
    expect([account('alice'), account('bob'), wallet.accounts.earned(USD)]).toEqual(before)
  })

  it('approves what its customers ask for, and cancels what they should not', async () => {
    // The node makes none before its wallet said yes.
    const incoming = await ask('bob')
    await expect(ask('bob', { metadata: { from: 'mallory' } })).rejects.toThrow(/cancelled|TIMEOUT/i)
    const { incomingPayments } = await wallet.admin.call<{
      incomingPayments: { edges: { node: Record<string, unknown> }[] }
    }>('query Newest { incomingPayments(first: 2) { edges { node { id cancellationReason } } } }')
    expect(incomingPayments.edges.map((edge) => edge.node)).toMatchObject([
      { cancellationReason: 'nothing of mallory' },
      { id: incoming.id, cancellationReason: null }
    ])
  })

  it('credits what an expired payment received', async () => {
    const before = account('bob').balance
    const expiresAt = new Date(runtime.clock.nowMs() + 1_500).toISOString()
    const incoming = await ask('bob', { expiresAt })
    await pay(incoming.url, { debitAmount: amount('10') })
    await honoured('incoming_payment.expired', of(incoming.id))
    expect(account('bob').balance).toBe(before + 7n)
  })

  it('fills the asset whose liquidity is low', async () => {
    const assetId = provisioned.assets.find(({ asset }) => asset.code === 'EUR')!.id
    await run('updateAsset(UpdateAssetInput) { asset { id } }', { id: assetId, liquidityThreshold: '50' })
    await pay((await ask('carol', { incomingAmount: amount('60', EUR) })).url)
    await honoured('asset.liquidity_low', of(assetId))
    const { asset } = await wallet.admin.call<{ asset: { liquidity: string } }>(
      'query Asset($id: String!) { asset(id: $id) { liquidity } }',
      { id: assetId }
    )
    expect(asset.liquidity).toBe('1000040')
  })

  it('creates the wallet address of a customer that somebody looks for, and of nobody else', async () => {
    wallet.accounts.open('dave', USD, 5n)
    const look = (name: string) =>
      http.request({
        method: 'GET',
        url: `${plan.urls.openPayments.replace('https:', 'http:')}/${name}`,
        headers: { accept: 'application/json' },
        timeoutMs: 20_000
      })
    const answer = await look('dave')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body.toString('utf8'))).toMatchObject({ publicName: 'dave', assetCode: 'USD' })
    const { port } = new URL(plan.urls.openPayments)
    const event = { id: runtime.random.uuid(), type: 'wallet_address.not_found' }
    const before = await walletAddressCount()
    await repeat({ ...event, data: { walletAddressUrl: `https://localhost:${port}/mallory` } })
    expect(await walletAddressCount()).toBe(before)
  })

  it('credits and withdraws what a wallet address itself received, and fills the peer who paid it', async () => {
    const assetId = provisioned.assets.find(({ asset }) => asset.code === 'USD')!.id
    const { peer } = await run<{ peer: { id: string } }>('createPeer(CreatePeerInput) { peer { id } }', {
      assetId,
      staticIlpAddress: 'test.payer',
      http: {
        incoming: { authTokens: [PEER_TOKEN] },
        outgoing: { endpoint: 'http://payer.invalid/', authToken: 'x' }
      },
      initialLiquidity: '100',
      liquidityThreshold: '50'
    })
    const before = account('bob').balance
    const spsp = await http.request({
      method: 'GET',
      url: `${plan.urls.openPayments.replace('https:', 'http:')}/bob`,
      headers: { accept: 'application/spsp4+json' }
    })
    const credentials = JSON.parse(spsp.body.toString('utf8')) as Record<string, string>
    const keys = deriveStreamKeys(Buffer.from(credentials.shared_secret!, 'base64url'))
    const frames = [new StreamMoneyFrame(1, 1)]
    const data = encryptStreamPacket(
      keys,
      { sequence: 1n, type: 12, prepareAmount: 0n, frames },
      runtime.random
    )
    const answer = await http.request({
      method: 'POST',
      url: plan.urls.connector,
      headers: { authorization: `Bearer ${PEER_TOKEN}`, 'content-type': 'application/octet-stream' },
      body: encodePrepare({
        amount: 60n,
        destination: credentials.destination_account!,
        executionCondition: conditionOf(fulfillmentOf(keys, data)),
        expiresAtMs: runtime.clock.nowMs() + 20_000,
        data
      })
    })
    expect(answer.status, answer.body.toString()).toBe(200)
    const reply = decodeReply(answer.body)
    expect(isPacketError(reply) || reply.type).toBe('fulfill')
    await honoured('wallet_address.web_monetization', () => true)
    expect(account('bob').balance).toBe(before + 60n)
    await honoured('peer.liquidity_low', of(peer.id))
    const left = await wallet.admin.call<{
      peer: { liquidity: string }
      walletAddress: { liquidity: string }
    }>(
      `query Left($peer: String!, $bob: String!) {
         peer(id: $peer) { liquidity } walletAddress(id: $bob) { liquidity } }`,
      { peer: peer.id, bob: idOf('bob') }
    )
    expect(left).toEqual({ peer: { liquidity: '1000040' }, walletAddress: { liquidity: '0' } })
  })

  it('funds a card payment that the customer’s card signed, and says what is wrong with another', async () => {
    const signed = (payload: string, key = card.privateKey) => ({
      requestId: runtime.random.uuid(),
      initiatedAt: new Date(runtime.clock.nowMs()).toISOString(),
      data: { payload, signature: sign(null, Buffer.from(payload), key).toString('base64') }
    })
    const atTerminal = async (cardDetails: object) => {
      const incoming = await ask('bob', { incomingAmount: amount('20'), isCardPayment: true })
      return { paymentId: await pay(incoming.url, { cardDetails }), incoming }
    }
    const good = await atTerminal(signed('{"counter":1}'))
    await honoured('outgoing_payment.completed', of(good.paymentId))
    await honoured('incoming_payment.completed', of(good.incoming.id))
    const before = account('alice')

    const forged = await atTerminal(signed('{"counter":2}', generateKeyPairSync('ed25519').privateKey))
    const strange = await atTerminal({ ...signed('x'), data: { payload: 7 } })
    for (const [{ paymentId }, cardPaymentFailureReason] of [
      [forged, 'invalid_signature'],
      [strange, 'invalid_request']
    ] as const) {
      await honoured('outgoing_payment.created', of(paymentId))
      expect(await liquidityOf(paymentId)).toMatchObject({
        state: 'CANCELLED',
        metadata: { cardPaymentFailureReason }
      })
    }
    expect(account('alice')).toEqual(before)
  })

  it('honours nothing that its node did not sign', async () => {
    const event = { id: runtime.random.uuid(), type: 'incoming_payment.completed', data: {} }
    const answer = await http.request({
      method: 'POST',
      url: `${plan.urls.wallet}/webhooks`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(event)
    })
    expect(answer.status).toBe(401)
    expect(await repeat({ ...event, type: 'incoming_payment.lost' }, 500)).toBe(500)
  })

  async function walletAddressCount(): Promise<number> {
    type Listed = { walletAddresses: { edges: object[] } }
    const query = 'query Addresses { walletAddresses(first: 100) { edges { cursor } } }'
    return (await wallet.admin.call<Listed>(query)).walletAddresses.edges.length
  }

  /** Sends an event once more, as the node does. */
  async function repeat(event: WebhookEvent, expected = 200): Promise<number> {
    const { status } = await http.request({
      method: 'POST',
      url: `${plan.urls.wallet}/webhooks`,
      headers: {
        'content-type': 'application/json',
        'rafiki-signature': signWebhook(plan.secrets.webhookSecret, event, runtime.clock.nowMs())
      },
      body: JSON.stringify(event)
    })
    expect(status).toBe(expected)
    return status
  }
})
