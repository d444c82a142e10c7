import type { AdminError, TestNode } from '../../open-payments/testing.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT } from '../../testing.ts'
import { KINDS, OPERATIONS } from './operations.test-support.ts'
import type { Kind, Resources } from './operations.test-support.ts'

export interface Party {
  name: string
  tenantId: string
  secret: string
}

/** What a caller was answered: errors by code and message, ids in them replaced. */
export interface Answered {
  data: unknown
  error?: string
}

export const OPERATOR: Party = {
  name: 'the operator',
  tenantId: OPERATOR_ID,
  secret: TEST_ENVIRONMENT.ADMIN_API_SECRET
}

const SNAPSHOT = [
  `query ($id: String!) {
    tenant(id: $id) { id email publicName apiSecret settings { key value } }
    assets(first: 100) { edges { node {
      id withdrawalThreshold liquidityThreshold liquidity tenant { id } sendingFee { id } receivingFee { id } } } }
    peers(first: 100) { edges { node { id name liquidity routes tenant { id } } } }
    webhookEvents(first: 100) { edges { node { id type tenant { id } } } }
  }`,
  `{
    walletAddresses(first: 100) { edges { node {
      id address publicName status tenant { id } additionalProperties { key value }
      walletAddressKeys(first: 100) { edges { node { id revoked } } }
      quotes(first: 100) { edges { node { id tenantId } } } } } }
    incomingPayments(first: 100) { edges { node { id url state metadata receivedAmount { value } tenant { id } } } }
    outgoingPayments(first: 100) { edges { node { id state metadata sentAmount { value } tenant { id } } } }
  }`
]

interface Edges<Node = { id: string }> {
  edges: { node: Node & { tenant?: { id: string }; tenantId?: string } }[]
}
interface Snapshot {
  assets: Edges
  peers: Edges
  webhookEvents: Edges
  walletAddresses: Edges<{ id: string; address: string; walletAddressKeys: Edges; quotes: Edges }>
  incomingPayments: Edges<{ id: string; url: string }>
  outgoingPayments: Edges
}

/** Tenants of their own for one history, on a node that all histories share. */
export async function createWorld(node: TestNode) {
  const id = () => node.runtime.random.uuid()
  const parties: Party[] = ['acme', 'bolt', 'cord'].map((name) => ({ name, tenantId: id(), secret: id() }))
  const has = new Map<string, Resources>()
  const seen = new Map<string, string>()
  const owners = new Map<string, string>()

  async function call(as: Party, document: string, variables: object = {}): Promise<Answered> {
    const { data, errors } = await node.admin<Record<string, unknown>>(document, variables, as)
    if (!errors) return { data: data && 'answer' in data ? data.answer : data }
    return { data: undefined, error: describe(errors, JSON.stringify(variables)) }
  }

  async function must<Result>(as: Party, document: string, variables: object): Promise<Result> {
    const { data, error } = await call(as, document, variables)
    if (error !== undefined) throw new Error(`${as.name}: ${document}: ${error}`)
    return data as Result
  }

  /** An operation of the table, run by who may. */
  async function run<Result>(as: Party, field: string, kind: Kind, target: string): Promise<Result> {
    const operation = OPERATIONS.find((one) => one.field === field && one.kind === kind)!
    const draw = { id, own: has.get(as.tenantId)! }
    return must(as, operation.document, operation.variables(target, draw))
  }

  const nothing = () => Object.fromEntries(KINDS.map((kind) => [kind, []])) as unknown as Resources

  async function settle(party: Party): Promise<void> {
    const base = `${node.openPaymentsUrl}/${party.tenantId}`
    await node.createTenant(party, base)
    const own = nothing()
    own.tenant.push(party.tenantId)
    has.set(party.tenantId, own)
    const { asset } = await must<{ asset: { id: string } }>(
      party,
      'mutation { answer: createAsset(input: { code: "USD", scale: 2 }) { asset { id } } }',
      {}
    )
    own.asset.push(asset.id)
    await run(party, 'depositAssetLiquidity', 'asset', asset.id)
    const withdrawalId = id()
    await must(
      party,
      `mutation ($input: CreateAssetLiquidityWithdrawalInput!) {
         answer: createAssetLiquidityWithdrawal(input: $input) { success } }`,
      {
        input: {
          assetId: asset.id,
          amount: '1',
          timeoutSeconds: '600',
          id: withdrawalId,
          idempotencyKey: id()
        }
      }
    )
    own.withdrawal.push(withdrawalId)
    await run(party, 'setFee', 'asset', asset.id)
    await run(party, 'createPeer', 'asset', asset.id)
    await run(party, 'createWalletAddress', 'asset', asset.id)
    await look(party)
    const [walletAddress] = own.walletAddress
    await run(party, 'createWalletAddressKey', 'walletAddress', walletAddress!)
    await run(party, 'createIncomingPayment', 'walletAddress', walletAddress!)
    await look(party)
    await run(party, 'createOutgoingPaymentFromIncomingPayment', 'walletAddress', walletAddress!)
    await run(party, 'createQuote', 'walletAddress', walletAddress!)
    await look(party)
  }

  /** Everything that a tenant sees, as its own; what it has is read from that. @throws where it is another's */
  async function look(party: Party): Promise<string> {
    const parts: unknown[] = []
    for (const document of SNAPSHOT) parts.push(await must(party, document, { id: party.tenantId }))
    const all = Object.assign({}, ...(parts as object[])) as Snapshot
    const own = has.get(party.tenantId)!
    const take = (kind: Kind, list: Edges) => {
      // Lists come newest first.
      const nodes = list.edges.map(({ node: one }) => one).reverse()
      for (const one of nodes) {
        const owner = one.tenant?.id ?? one.tenantId ?? party.tenantId
        if (owner !== party.tenantId || (owners.get(one.id) ?? owner) !== party.tenantId) {
          throw new Error(`${party.name} sees ${kind} ${one.id} of another`)
        }
        owners.set(one.id, party.tenantId)
      }
      own[kind] = nodes.map((one) => one.id)
    }
    take('asset', all.assets)
    take('peer', all.peers)
    take('event', all.webhookEvents)
    take('walletAddress', all.walletAddresses)
    take('incomingPayment', all.incomingPayments)
    take('outgoingPayment', all.outgoingPayments)
    const addresses = all.walletAddresses.edges.map(({ node: one }) => one)
    own.payment = [...own.incomingPayment, ...own.outgoingPayment]
    take('key', { edges: addresses.flatMap((one) => one.walletAddressKeys.edges) })
    take('quote', { edges: addresses.flatMap((one) => one.quotes.edges) })
    own.walletAddressUrl = addresses.map(({ address }) => address)
    own.incomingPaymentUrl = all.incomingPayments.edges.map(({ node: { url } }) => url)
    const text = JSON.stringify(parts)
    seen.set(party.tenantId, text)
    return text
  }

  await Promise.all(parties.map(settle))
  has.set(OPERATOR.tenantId, nothing())

  return {
    parties,
    id,
    call,
    look,
    has: (party: Party) => has.get(party.tenantId)!,
    seen: (party: Party) => seen.get(party.tenantId)!
  }
}

export type World = Awaited<ReturnType<typeof createWorld>>

const IDS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** Code, name, message and details of the first error, without ids: those of the caller's request differ. */
function describe([error]: AdminError[], variables: string): string {
  const { message, extensions } = error!
  const { code, failure, details } = extensions
  if (code === 'INTERNAL_SERVER_ERROR' && failure === undefined) {
    throw new Error(`an unexpected error: ${message} for ${variables}`)
  }
  return JSON.stringify({ code, failure, message, details }).replaceAll(IDS, '…')
}
