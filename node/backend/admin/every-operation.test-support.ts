import { beforeAll, expect } from 'vitest'
import type { AdminError } from '../open-payments/testing.ts'
import { TENANT, useAdminApi } from './admin-api.test-support.ts'
import { everyArgument, INTROSPECTION } from './every-argument.test-support.ts'
import type { IntrospectedSchema, Leaf } from './every-argument.test-support.ts'
import * as operations from './operations.test-support.ts'

/** Tables that requests of an operator write. */
const TABLES = [
  'tenants',
  'tenantSettings',
  'assets',
  'fees',
  'peers',
  'httpTokens',
  'walletAddresses',
  'walletAddressKeys',
  'walletAddressAdditionalProperties',
  'incomingPayments',
  'quotes',
  'ilpQuoteDetails',
  'outgoingPayments',
  'webhookEvents',
  'liquidityTransfers',
  'autoPeeringRequests',
  'autoPeeringInvitations'
]

export const nameOf = ({ operation, path }: Leaf) => `${operation}(${path.join('.')})`
export const isId = ({ path, type }: Leaf) =>
  type === 'ID' || path.some((name) => /(^id|Id)$/.test(name) && name !== 'requestId')
export const isCursor = ({ path }: Leaf) => ['after', 'before'].includes(path.at(-1)!)
export const isText = (leaf: Leaf) => leaf.type === 'String' && !isId(leaf) && !isCursor(leaf)

export interface Answer {
  data?: Record<string, unknown>
  errors?: AdminError[]
}

/**
 * A node with one of everything, and requests of every operation that mean something there but for one value.
 * `made` has the ids of what there is.
 */
export function useEverything() {
  const { desk, id, ok } = useAdminApi()
  let every: ReturnType<typeof everyArgument>
  const made = {} as Record<string, string>

  beforeAll(async () => {
    const { node, assetId } = desk
    const schema = await node.admin<IntrospectedSchema>(INTROSPECTION)
    const [payer, payee] = [
      await node.createWalletAddress('payer', assetId),
      await node.createWalletAddress('payee', assetId, 2)
    ]
    const incoming = await ok<{ payment: { id: string; url: string } }>(operations.CREATE_INCOMING, {
      walletAddressId: payee.id,
      incomingAmount: { value: '10', assetCode: 'USD', assetScale: 2 }
    })
    const { quote } = await ok<{ quote: { id: string } }>(operations.CREATE_QUOTE, {
      walletAddressId: payer.id,
      receiver: incoming.payment.url
    })
    const { payment } = await ok<{ payment: { id: string } }>(operations.CREATE_OUTGOING, {
      walletAddressId: payer.id,
      quoteId: quote.id
    })
    const { peer } = await ok<{ peer: { id: string } }>(operations.CREATE_PEER, {
      assetId,
      staticIlpAddress: 'test.peer',
      http: {
        incoming: { authTokens: ['token'] },
        outgoing: { endpoint: 'http://127.0.0.1:1/', authToken: 'x' }
      },
      initialLiquidity: '1000'
    })
    const [{ id: keyId }] = (await node.database.knex('walletAddressKeys').select('id').limit(1)) as [
      { id: string }
    ]
    const [{ id: eventId }] = (await node.database
      .knex('webhookEvents')
      .select('id')
      .where('type', 'outgoing_payment.created')) as [{ id: string }]
    const withdrawalId = id()
    await ok(operations.WITHDRAW_ASSET, {
      assetId,
      amount: '1',
      id: withdrawalId,
      idempotencyKey: id(),
      timeoutSeconds: '600'
    })
    Object.assign(made, {
      asset: assetId,
      peer: peer.id,
      walletAddress: payer.id,
      walletAddressUrl: payee.url,
      incomingPayment: incoming.payment.id,
      incomingPaymentUrl: incoming.payment.url,
      outgoingPayment: payment.id,
      quote: quote.id,
      key: keyId,
      event: eventId,
      withdrawal: withdrawalId
    })
    every = everyArgument(schema.data!, meant)
  })

  /** What stands where nothing bad is tried. */
  function meant(operation: string, path: readonly string[]): unknown {
    const name = path.at(-1)!
    if (name === 'id') return idOf(operation)
    const values: Record<string, () => unknown> = {
      tenantId: () => TENANT.tenantId,
      assetId: () => made.asset,
      peerId: () => made.peer,
      walletAddressId: () => made.walletAddress,
      incomingPaymentId: () => made.incomingPayment,
      partialIncomingPaymentId: id,
      outgoingPaymentId: () => made.outgoingPayment,
      quoteId: () => made.quote,
      eventId: () => made.event,
      webhookEventId: () => made.event,
      withdrawalId: () => made.withdrawal,
      idempotencyKey: id,
      code: () => id().slice(-8),
      assetCode: () => 'USD',
      staticIlpAddress: () => `test.peer-${id()}`,
      routes: () => `test.route-${id()}`,
      authTokens: id,
      endpoint: () => 'http://127.0.0.1:1/',
      peerUrl: () => 'http://127.0.0.1:1/',
      address: () => `/${id()}`,
      receiver: () => made.incomingPaymentUrl,
      incomingPayment: () => made.incomingPaymentUrl,
      incomingPaymentUrl: () => made.incomingPaymentUrl,
      walletAddressUrl: () => made.walletAddressUrl,
      url: () => made.walletAddressUrl,
      expiresAt: () => '2100-01-01T00:00:00Z',
      initiatedAt: () => '2026-01-01T00:00:00Z',
      since: () => new Date(desk.node.runtime.clock.nowMs() - 3_600_000).toISOString(),
      bucketSeconds: () => 60,
      idpConsentUrl: () => 'https://idp.example/',
      kid: id,
      x: () => 'A'.repeat(43),
      before: () => made.asset,
      last: () => 1
    }
    if (name === 'key' && operation.includes('enant')) return 'WEBHOOK_MAX_RETRY'
    if (name === 'value' && operation.includes('enant')) return '3'
    if (name === 'value' && path.at(-2) === 'additionalProperties') return 'text'
    return values[name]?.()
  }

  function idOf(operation: string): string | undefined {
    if (/^(deposit|create)/.test(operation) || operation === 'deleteTenant') return id()
    if (/tenant/i.test(operation)) return TENANT.tenantId
    if (operation === 'receiver') return made.incomingPaymentUrl
    if (operation === 'revokeWalletAddressKey') return made.key
    if (/Receiver|IncomingPayment|incomingPayment/.test(operation)) return made.incomingPayment
    if (/OutgoingPayment|outgoingPayment/.test(operation)) return made.outgoingPayment
    if (/WalletAddress|walletAddress/.test(operation)) return made.walletAddress
    if (/peer/i.test(operation)) return made.peer
    if (operation === 'quote') return made.quote
    return made.asset
  }

  /** All that is stored, and the money. */
  async function state(): Promise<unknown> {
    const hashes = TABLES.map(
      (table) => `(SELECT md5(string_agg(xmin::text || ctid::text, '' ORDER BY ctid)) FROM "${table}" t)`
    )
    const { rows } = await desk.node.database.knex.raw<{ rows: unknown[] }>(`SELECT ARRAY[${hashes.join()}]`)
    const { data } = await desk.node.admin(
      `query ($asset: String!, $peer: String!) { asset(id: $asset) { liquidity } peer(id: $peer) { liquidity } }`,
      made
    )
    return { rows, data }
  }

  /** Tries values at leaves (undefined: what is meant there), and gives what went otherwise than `judge` wants. */
  async function sweep(
    isTried: (leaf: Leaf) => boolean,
    values: readonly unknown[],
    judge: (answer: Answer, leaf: Leaf, value: unknown) => string | undefined,
    as?: typeof TENANT
  ): Promise<string[]> {
    const wrong: string[] = []
    const leaves = every.leaves.filter(isTried)
    expect(leaves.length).toBeGreaterThan(10)
    for (const leaf of leaves) {
      const name = nameOf(leaf)
      for (const value of values) {
        const tried = {
          path: leaf.path,
          value: value === undefined ? meant(leaf.operation, leaf.path) : value
        }
        const { text, variables } = every.request(leaf.operation, tried)
        const answer = await desk.node.admin<Record<string, unknown>>(text, variables, as)
        const shown = String(JSON.stringify(tried.value)).slice(0, 40)
        for (const { message, extensions } of answer.errors ?? []) {
          if (!extensions?.code || extensions.code === 'INTERNAL_SERVER_ERROR')
            wrong.push(`${name} = ${shown}: ${message.slice(0, 200)} ${extensions?.code}`)
          if (message.length > 1_100)
            wrong.push(`${name} = ${shown}: a message of ${message.length} characters`)
        }
        const problem = judge(answer, leaf, value)
        if (problem !== undefined) wrong.push(`${name} = ${shown}: ${problem}`)
      }
    }
    return wrong
  }

  return { desk, made, meant, state, sweep }
}
