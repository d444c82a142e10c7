import type { AuditableLedger, Transfer } from '../../node/ledger/index.ts'
import { createHttpClient, uuidToId } from '../../node/runtime/index.ts'
import { createAdminClient } from '../actors/admin-client.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import type { Network } from '../networks/network.ts'
import type { LabNetwork } from '../scenarios/lab-network.ts'
import { mostSentWhen } from './fees.ts'
import type { SendingFee } from './fees.ts'
import { readPages } from './pages.ts'
import type { GrantFacts, IncomingFacts, OutgoingFacts, RestingNode, WebhookFacts } from './payments.ts'

interface Value {
  value: string
}

interface OutgoingRow {
  id: string
  state: string
  receiver: string
  grantId: string | null
  debitAmount: Value
  receiveAmount: Value
  sentAmount: Value
  createdAt: string
  walletAddressId: string
  quote: { createdAt: string } | null
}

interface AssetRow {
  id: string
  fees: {
    edges: { node: { type: string; fixed: string; basisPoints: number; createdAt: string } }[]
    pageInfo: { hasNextPage: boolean }
  }
}

interface IncomingRow {
  id: string
  url: string
  state: string
  expiresAt: string
  incomingAmount: Value | null
  receivedAmount: Value
}

interface EventRow {
  id: string
  type: string
  createdAt: string
  data: { id?: string; receivedAmount?: Value }
  deliveries: { state: string }[]
}

interface GrantRow {
  id: string
  access: {
    type: string
    limits: { debitAmount: Value | null; receiveAmount: Value | null; interval: string | null } | null
  }[]
}

const TRANSFERS_PER_PAGE = 1_000

/**
 * What the nodes of a network at rest say of payments, grants and webhooks, and their ledgers beside it: over the Admin
 * APIs, whatever the world.
 *
 * @param options.beganAtMs no quote was asked for before
 * @param options.closingOf when an incoming payment was closed through somebody of the laboratory
 */
export async function readPayments(
  net: Pick<LabNetwork, 'node' | 'touched' | 'stepped' | 'honouredOf'>,
  network: Network,
  options: {
    beganAtMs: number
    closingOf: LabNetwork['closingOf']
  }
): Promise<RestingNode[]> {
  const http = createHttpClient(network.runtime)
  const nodes: RestingNode[] = []
  try {
    for (const { node, urls, secrets } of network.plan.plans) {
      const { name } = node
      const { admin } = net.node(name)
      const ledger = network.ledgerOf(name)
      const places = new Map([...net.honouredOf(name)].map((id, index) => [id, index]))
      const events = await readPages<EventRow>(admin, WEBHOOK_EVENTS, 'webhookEvents')
      const authAdmin = createAdminClient(
        { http, clock: network.runtime.clock },
        { url: urls.authAdmin, tenantId: secrets.operatorTenantId, secret: secrets.adminApiSecret }
      )
      nodes.push({
        name,
        isTouched: net.touched.has(name),
        isClockStepped: net.stepped.has(name),
        outgoing: await outgoingOf(admin, ledger, events, options.beganAtMs),
        incoming: await incomingOf(admin, ledger, events, options.closingOf),
        grants: await grantsOf(authAdmin),
        webhooks: events.map((event) => webhookOf(event, places))
      })
    }
  } finally {
    await http.close()
  }
  return nodes
}

async function outgoingOf(
  admin: AdminClient,
  ledger: AuditableLedger,
  events: readonly EventRow[],
  beganAtMs: number
): Promise<OutgoingFacts[]> {
  const feesOf = await readFees(admin)
  const ends = new Map(
    events
      .filter(({ type }) => type === 'outgoing_payment.completed' || type === 'outgoing_payment.failed')
      .map(({ data, createdAt }) => [data.id, Date.parse(createdAt)])
  )
  const rows = await readPages<OutgoingRow>(admin, OUTGOING_PAYMENTS, 'outgoingPayments')
  const payments: OutgoingFacts[] = []
  for (const row of rows) {
    const { id, state, receiver, grantId, debitAmount, receiveAmount, sentAmount, quote } = row
    const debit = BigInt(debitAmount.value)
    const fees = feesOf(row.walletAddressId)
    const mostSent =
      fees && quote
        ? mostSentWhen(debit, fees, { quotedAtMs: Date.parse(quote.createdAt), beganAtMs })
        : debit
    payments.push({
      ...{
        id,
        state,
        receiver: withoutScheme(receiver),
        grantId: grantId ?? undefined,
        createdAtMs: Date.parse(row.createdAt),
        endedAtMs: ends.get(id)
      },
      ...{ debit, mostSent },
      promised: BigInt(receiveAmount.value),
      sent: BigInt(sentAmount.value),
      ledger: sumsOf(await transfersOf(ledger, { userData128: uuidToId(id) }))
    })
  }
  return payments
}

/**
 * The sending fees that each wallet address's asset ever had. Undefined where they are not to be told: the asset is gone,
 * or had more than a page of them.
 */
async function readFees(
  admin: AdminClient
): Promise<(walletAddressId: string) => readonly SendingFee[] | undefined> {
  const assets = await readPages<AssetRow>(admin, ASSETS, 'assets')
  const feesOf = new Map(
    assets.map(({ id, fees: { edges, pageInfo } }) => [
      id,
      pageInfo.hasNextPage
        ? undefined
        : edges.flatMap(({ node: { type, fixed, basisPoints, createdAt } }) =>
            type === 'SENDING'
              ? [{ fixed: BigInt(fixed), basisPoints: BigInt(basisPoints), setAtMs: Date.parse(createdAt) }]
              : []
          )
    ])
  )
  const addresses = await readPages<{ id: string; asset: { id: string } }>(
    admin,
    WALLET_ADDRESSES,
    'walletAddresses'
  )
  const assetOf = new Map(addresses.map(({ id, asset }) => [id, asset.id]))
  return (walletAddressId) => feesOf.get(assetOf.get(walletAddressId) ?? '')
}

/** Clients of the local world reach https addresses over http. */
function withoutScheme(url: string): string {
  return url.replace(/^https?:\/\//, '')
}

/** Its packets carry a payment's id, and what they delivered; a reservation that is posted or voided is not counted. */
function sumsOf(transfers: readonly Transfer[]): OutgoingFacts['ledger'] {
  const over = new Set(transfers.map(({ pendingId }) => pendingId))
  const sums = { voided: 0, posted: 0n, pending: 0n, delivered: 0n }
  for (const { id, amount, flags, userData64 } of transfers) {
    if (flags.voidPending) {
      sums.voided += 1
      continue
    }
    if (flags.pending) {
      if (!over.has(id)) sums.pending += amount
      continue
    }
    sums.posted += amount
    sums.delivered += userData64
  }
  return sums
}

async function incomingOf(
  admin: AdminClient,
  ledger: AuditableLedger,
  events: readonly EventRow[],
  closingOf: LabNetwork['closingOf']
): Promise<IncomingFacts[]> {
  const told = new Map(
    events
      .filter(({ type }) => type === 'incoming_payment.completed' || type === 'incoming_payment.expired')
      .map(({ data }) => [data.id, data.receivedAmount?.value])
  )
  const rows = await readPages<IncomingRow>(admin, INCOMING_PAYMENTS, 'incomingPayments')
  const payments: IncomingFacts[] = []
  for (const { id, url, state, expiresAt, incomingAmount, receivedAmount } of rows) {
    const credits = await transfersOf(ledger, { accountId: uuidToId(id), side: 'credit' })
    const value = told.get(id)
    payments.push({
      ...{
        id,
        url: withoutScheme(url),
        state,
        expiresAtMs: Date.parse(expiresAt),
        closing: closingOf(url)
      },
      incomingAmount: incomingAmount === null ? undefined : BigInt(incomingAmount.value),
      received: BigInt(receivedAmount.value),
      credits: credits
        .filter(({ flags }) => !flags.pending && !flags.voidPending)
        .map(({ amount, createdAtMs }) => ({ amount, atMs: createdAtMs })),
      told: value === undefined ? undefined : BigInt(value)
    })
  }
  return payments
}

async function transfersOf(
  ledger: AuditableLedger,
  filter: { userData128: bigint } | { accountId: bigint; side: 'credit' }
): Promise<Transfer[]> {
  const transfers: Transfer[] = []
  for (;;) {
    const after = transfers.at(-1)?.timestamp
    const page = await ledger.queryTransfers({
      ...filter,
      ...{ limit: TRANSFERS_PER_PAGE, order: 'oldestFirst' },
      ...(after !== undefined && { after })
    })
    transfers.push(...page)
    if (page.length < TRANSFERS_PER_PAGE) return transfers
  }
}

/** Grants whose limit is for their whole life. */
async function grantsOf(authAdmin: AdminClient): Promise<GrantFacts[]> {
  const rows = await readPages<GrantRow>(authAdmin, GRANTS, 'grants')
  const amount = (value: Value | null) => (value === null ? undefined : BigInt(value.value))
  return rows.flatMap(({ id, access }) =>
    access
      .filter(
        ({ type, limits }) => type === 'outgoing-payment' && limits !== null && limits.interval === null
      )
      .map(({ limits }) => ({
        ...{ id, debitLimit: amount(limits!.debitAmount), receiveLimit: amount(limits!.receiveAmount) }
      }))
  )
}

function webhookOf(
  { id, type, data, createdAt, deliveries }: EventRow,
  places: ReadonlyMap<string, number>
): WebhookFacts {
  return {
    ...{ id, type, resource: data.id ?? id, createdAtMs: Date.parse(createdAt), honouredAs: places.get(id) },
    givenUp: deliveries.some(({ state }) => state === 'FAILED')
  }
}

const OUTGOING_PAYMENTS = `query OutgoingPayments($first: Int, $after: String) {
  outgoingPayments(first: $first, after: $after) {
    edges { node { id state receiver grantId debitAmount { value } receiveAmount { value } sentAmount { value } createdAt walletAddressId quote { createdAt } } }
    pageInfo { endCursor hasNextPage } } }`
const ASSETS = `query Assets($first: Int, $after: String) {
  assets(first: $first, after: $after) {
    edges { node { id fees(first: 20) {
      edges { node { type fixed basisPoints createdAt } } pageInfo { hasNextPage } } } }
    pageInfo { endCursor hasNextPage } } }`
const WALLET_ADDRESSES = `query WalletAddresses($first: Int, $after: String) {
  walletAddresses(first: $first, after: $after) {
    edges { node { id asset { id } } } pageInfo { endCursor hasNextPage } } }`
const INCOMING_PAYMENTS = `query IncomingPayments($first: Int, $after: String) {
  incomingPayments(first: $first, after: $after) {
    edges { node { id url state expiresAt incomingAmount { value } receivedAmount { value } } }
    pageInfo { endCursor hasNextPage } } }`
const WEBHOOK_EVENTS = `query WebhookEvents($first: Int, $after: String) {
  webhookEvents(first: $first, after: $after) {
    edges { node { id type createdAt data deliveries { state } } } pageInfo { endCursor hasNextPage } } }`
const GRANTS = `query Grants($first: Int, $after: String) {
  grants(first: $first, after: $after) {
    edges { node { id access { type limits { debitAmount { value } receiveAmount { value } interval } } } }
    pageInfo { endCursor hasNextPage } } }`
