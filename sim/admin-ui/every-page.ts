import { pages } from '../../node/frontend/index.ts'
import { createHttpClient, createSystemRuntime } from '../../node/runtime/index.ts'
import { createAdminClient } from '../actors/admin-client.ts'
import { openQuietTenant, usd } from './quiet-tenant.ts'
import type { QuietTenant } from './quiet-tenant.ts'
import type { AdminUiNode } from './ui-network.ts'

/** A page of the admin UI with something on it, and who can see it. */
export interface ShownPage {
  /** Of its picture: `assets`, `peer-deposit` … */
  name: string
  /** As app/pages.ts has it. */
  route: string
  path: string
  as: 'operator' | 'tenant' | 'nobody' | 'not-logged-in'
}

/** Addresses that show no page of ours, and why. */
export const NOT_SHOWN: Readonly<Record<string, string>> = {
  'api/set-credentials': 'takes a form',
  'api/theme': 'takes a form',
  'auth/login': 'leads to the login service; with Ory Kratos, which there is none of here, it shows its form',
  'auth/callback': 'takes what the login service answers',
  'auth/logout': 'takes a form',
  'auth/manual-logout': 'for people who logged in: seen by the tests of the login',
  'auth/recovery': 'of Ory Kratos, which there is none of here',
  settings: 'of Ory Kratos, which there is none of here',
  errors: 'of Ory Kratos, which there is none of here'
}

/** Every address of app/pages.ts, with its parameters by name. */
export function routesOfTheUi(): string[] {
  const routes: string[] = []
  const within: string[] = []
  pages((define) => {
    define(((path: string | undefined, _file: string, ...rest: unknown[]) => {
      const own = [...within, path ?? ''].filter((part) => part !== '').join('/')
      routes.push(own)
      const children = rest.at(-1)
      if (typeof children !== 'function') return
      within.push(path ?? '')
      ;(children as () => void)()
      within.pop()
    }) as Parameters<typeof define>[0])
    return {}
  })
  return routes
}

export interface EveryPage {
  pages: ShownPage[]
  tenant: QuietTenant
  stop(): Promise<void>
}

/**
 * Makes what pages show on a node (payments in several states, a webhook that was given up, a key, a fee) and lists
 * every page. `prefix` keeps what it makes apart from what others make on the same node.
 */
export async function prepareEveryPage(node: AdminUiNode, prefix: string): Promise<EveryPage> {
  const tenant = await openQuietTenant(node, prefix)
  const silent = await openQuietTenant(node, `${prefix}-silent`, { WEBHOOK_MAX_RETRY: '0' })
  silent.refuseWebhooks(true)
  const [operator, close] = operatorOf(node)
  const ids = await idsOf(operator)

  const completedIncoming = await tenant.createIncomingPayment(tenant.payee.id, usd(975))
  const completedOutgoing = await tenant.createOutgoingPayment(completedIncoming.url)
  await tenant.deposit(completedOutgoing)
  await tenant.told('outgoing_payment.completed', completedOutgoing)
  await tenant.told('incoming_payment.completed', completedIncoming.id)
  const pending = await tenant.createIncomingPayment(tenant.payee.id, usd(1_250))
  const waiting = await tenant.createOutgoingPayment(pending.url)
  const foreign = await tenant.createIncomingPayment(tenant.foreignPayee.id)
  const failed = await tenant.createOutgoingPayment(foreign.url, usd(500))
  await tenant.deposit(failed)
  await tenant.told('outgoing_payment.failed', failed)
  const refused = await silent.createIncomingPayment(silent.payee.id)
  const event = await givenUp(operator, refused.id)

  const { asset, peer, walletAddress, key } = ids
  const operatorPages: [name: string, route: string, path: string][] = [
    ['home', '/', '/'],
    ['overview', 'overview', '/overview'],
    ['tenants', 'tenants', '/tenants'],
    ['tenant-create', 'tenants/create', '/tenants/create'],
    ['tenant', 'tenants/:tenantId', `/tenants/${tenant.id}`],
    ['assets', 'assets', '/assets'],
    ['asset-create', 'assets/create', '/assets/create'],
    ['asset', 'assets/:assetId', `/assets/${asset}`],
    ['asset-deposit', 'assets/:assetId/deposit-liquidity', `/assets/${asset}/deposit-liquidity`],
    ['asset-withdraw', 'assets/:assetId/withdraw-liquidity', `/assets/${asset}/withdraw-liquidity`],
    ['asset-fees', 'assets/:assetId/fee-history', `/assets/${asset}/fee-history`],
    ['peers', 'peers', '/peers'],
    ['peer-create', 'peers/create', '/peers/create'],
    ['peer-requests', 'peers/requests', '/peers/requests'],
    ['peer', 'peers/:peerId', `/peers/${peer}`],
    ['peer-deposit', 'peers/:peerId/deposit-liquidity', `/peers/${peer}/deposit-liquidity`],
    ['peer-withdraw', 'peers/:peerId/withdraw-liquidity', `/peers/${peer}/withdraw-liquidity`],
    ['wallet-addresses', 'wallet-addresses', '/wallet-addresses'],
    ['wallet-address-create', 'wallet-addresses/create', '/wallet-addresses/create'],
    ['wallet-address', 'wallet-addresses/:walletAddressId', `/wallet-addresses/${walletAddress}`],
    [
      'wallet-address-withdraw',
      'wallet-addresses/:walletAddressId/withdraw-liquidity',
      `/wallet-addresses/${walletAddress}/withdraw-liquidity`
    ],
    [
      'key-revoke',
      'wallet-addresses/:walletAddressId/keys/:keyId/revoke',
      `/wallet-addresses/${walletAddress}/keys/${key}/revoke`
    ],
    ['payments', 'payments', '/payments'],
    ['webhook-events', 'webhook-events', `/webhook-events?resourceId=${refused.id}`],
    ['webhook-data', 'webhook-events/data', `/webhook-events/data?resourceId=${refused.id}&event=${event}`],
    [
      'webhook-send-again',
      'webhook-events/send-again',
      `/webhook-events/send-again?resourceId=${refused.id}&event=${event}`
    ],
    ['not-found', '*', '/there-is-no-such-page']
  ]
  const incoming = `/payments/incoming/${completedIncoming.id}`
  const tenantPages: [name: string, route: string, path: string][] = [
    ['incoming-payment', 'payments/incoming/:paymentId', incoming],
    ['incoming-approve', 'payments/incoming/:paymentId/approve', `/payments/incoming/${pending.id}/approve`],
    ['incoming-cancel', 'payments/incoming/:paymentId/cancel', `/payments/incoming/${pending.id}/cancel`],
    [
      'incoming-withdraw',
      'payments/incoming/:paymentId/withdraw-liquidity',
      `${incoming}/withdraw-liquidity`
    ],
    ['outgoing-payment', 'payments/outgoing/:paymentId', `/payments/outgoing/${completedOutgoing}`],
    ['outgoing-failed', 'payments/outgoing/:paymentId', `/payments/outgoing/${failed}`],
    ['outgoing-cancel', 'payments/outgoing/:paymentId/cancel', `/payments/outgoing/${waiting}/cancel`],
    [
      'outgoing-deposit',
      'payments/outgoing/:paymentId/deposit-liquidity',
      `/payments/outgoing/${waiting}/deposit-liquidity`
    ],
    [
      'outgoing-withdraw',
      'payments/outgoing/:paymentId/withdraw-liquidity',
      `/payments/outgoing/${failed}/withdraw-liquidity`
    ],
    ['own-tenant', 'tenants/:tenantId', `/tenants/${tenant.id}`]
  ]
  const shown =
    (as: ShownPage['as']) =>
    ([name, route, path]: [string, string, string]): ShownPage => ({
      name,
      route,
      path,
      as
    })
  return {
    pages: [
      ...operatorPages.map(shown('operator')),
      ...tenantPages.map(shown('tenant')),
      { name: 'sign-in', route: '/', path: '/', as: 'nobody' },
      { name: 'login', route: 'auth', path: '/auth', as: 'not-logged-in' }
    ],
    tenant,
    async stop() {
      await Promise.all([tenant.stop(), silent.stop(), close()])
    }
  }
}

type Operator = ReturnType<typeof createAdminClient>

function operatorOf(node: AdminUiNode): [operator: Operator, close: () => Promise<void>] {
  const runtime = createSystemRuntime({ name: 'operator of the pages', logLevel: 'silent' })
  const http = createHttpClient(runtime)
  const operator = createAdminClient(
    { http, clock: runtime.clock },
    {
      url: node.graphqlUrl.replace(/\/graphql$/, ''),
      tenantId: node.operatorTenantId,
      secret: node.adminApiSecret
    }
  )
  return [operator, () => http.close()]
}

interface Named {
  edges: { node: { id: string } }[]
}

/** The operator's own asset, peer and wallet address: the first that there were. */
async function idsOf(
  operator: Operator
): Promise<Record<'asset' | 'peer' | 'walletAddress' | 'key', string>> {
  const { assets, peers, walletAddresses } = await operator.call<{
    assets: Named
    peers: Named
    walletAddresses: { edges: { node: { id: string; walletAddressKeys: Named } }[] }
  }>(`query Ids {
    assets(first: 1, sortOrder: ASC) { edges { node { id } } }
    peers(first: 1, sortOrder: ASC) { edges { node { id } } }
    walletAddresses(first: 1, sortOrder: ASC) {
      edges { node { id walletAddressKeys(first: 1) { edges { node { id } } } } } } }`)
  const walletAddress = walletAddresses.edges[0]!.node
  return {
    asset: assets.edges[0]!.node.id,
    peer: peers.edges[0]!.node.id,
    walletAddress: walletAddress.id,
    key: walletAddress.walletAddressKeys.edges[0]!.node.id
  }
}

const GIVEN_UP_WITHIN_MS = 30_000

/** The event of a payment, once its wallet refused it for good. */
async function givenUp(operator: Operator, paymentId: string): Promise<string> {
  const deadlineMs = Date.now() + GIVEN_UP_WITHIN_MS
  for (;;) {
    const { webhookEvents } = await operator.call<{ webhookEvents: Named }>(
      `query GivenUp($filter: WebhookEventFilter) { webhookEvents(first: 1, filter: $filter) { edges { node { id } } } }`,
      { filter: { resourceId: { in: [paymentId] }, deliveryState: 'FAILED' } }
    )
    const [found] = webhookEvents.edges
    if (found) return found.node.id
    if (Date.now() > deadlineMs) throw new Error('the refused webhook was not given up in time')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
