import type { HttpClient } from '../../node/runtime/index.ts'
import { createAdminClient } from '../actors/admin-client.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import { endpointOf } from '../networks/provision.ts'
import type { ProvisionedNode } from '../networks/provision.ts'
import type { ServiceName } from '../networks/raise.ts'
import { assetName, sameAsset } from '../topology/model.ts'
import type { AssetId, LinkTransport } from '../topology/model.ts'
import { planOf } from '../networks/plan.ts'
import type { NodeUrls } from '../networks/plan.ts'
import type { WalletPolicy, WebhookEvent } from '../actors/wallet/webhooks.ts'
import type { LabParts } from './lab-network.ts'
import { ScenarioError } from './scenario.ts'
import { createLabTenant } from './lab-tenant.ts'
import type { LabTenant } from './lab-tenant.ts'

/** A node as its operator runs it: over its Admin API, and by starting and ending its services. */
export interface LabNode {
  readonly name: string
  readonly admin: AdminClient
  /** Its doors, as others reach them. */
  readonly urls: NodeUrls
  /** Ids that it gave to what the topology names. */
  readonly provisioned: ProvisionedNode
  /** Events that its wallet honoured, in order; repeated ones too. */
  readonly honoured: readonly WebhookEvent[]
  /** What its wallet says yes or no to, and when. */
  readonly policy: WalletPolicy
  /** Resolves when its wallet is asked to honour such an event: the node waits for the answer. */
  nextAsked(isMeant: (event: WebhookEvent) => boolean): Promise<WebhookEvent>
  /** The operator's Admin API over another wire: one that somebody listens at. */
  adminOver(http: Pick<HttpClient, 'request'>): AdminClient
  /** Another account servicing entity that uses the node. */
  createTenant(name: string): Promise<LabTenant>
  /** Ends a service as `kill -9` does. */
  kill(service: ServiceName): Promise<void>
  /** Starts it again; resolves when it answers. */
  restart(service: ServiceName): Promise<void>
  /** Starts a second process of its backend beside the first, on the same database: in the virtual world. */
  startSecond(): Promise<void>
  /** Whoever connects from now on reaches the one or the other of the two: what stands before them has noticed something. */
  leadTo(process: 'first' | 'second'): void
  /** Services that were ended and not started again. */
  readonly down: ReadonlySet<ServiceName>
  /** Minor units that the peer may still send before settlement, as this node has them. */
  peerLiquidity(peer: string): Promise<bigint>
  depositPeerLiquidity(peer: string, amount: bigint): Promise<void>
  /** Into the liquidity of an asset, by its name. */
  depositAssetLiquidity(asset: string, amount: bigint): Promise<void>
  /** The newest transfers of an account in the ledger, as its operator sees them. */
  transfers(accountId: string): Promise<{ amount: bigint; state: string }[]>
  withdrawPeerLiquidity(peer: string, amount: bigint): Promise<void>
  /** The most that one packet from the peer may carry, minor units of the link's asset. Default: as good as no limit. */
  limitPackets(peer: string, amount?: bigint): Promise<void>
  /** From now on the node's own packets to the peer go over this transport. */
  reachPeerOver(peer: string, transport: LinkTransport): Promise<void>
  /** What the node takes of what its customers send in an asset. */
  setSendingFee(asset: AssetId, fee: { fixed: bigint; basisPoints: number }): Promise<void>
  /** Its wallet's rate between two currencies becomes so many thousandths of what it is. */
  changeRate(base: string, other: string, permille: number): void
}

function oneProcess(): ScenarioError {
  return new ScenarioError('this world has one process of each service')
}

/** Minor units: more than any packet carries. */
const NO_LIMIT = 10n ** 18n

export function createLabNode(parts: LabParts, provisioned: ProvisionedNode): LabNode {
  const { network, controls, adminOf, tell, touch } = parts
  const { name, peers, assets } = provisioned
  const { urls, secrets } = planOf(network.plan.plans, name)
  const honoured: WebhookEvent[] = []
  network.wallets.get(name)!.onEvent((event) => void honoured.push(event))
  const admin = adminOf(name)
  const { random } = network.runtime
  const down = new Set<ServiceName>()

  function peerId(peer: string): string {
    const found = peers.find((one) => one.with === peer)
    if (!found) throw new Error(`node "${name}" has no peer "${peer}"`)
    return found.id
  }

  return {
    name,
    admin,
    urls,
    provisioned,
    honoured,
    policy: network.wallets.get(name)!.policy,
    nextAsked(isMeant) {
      const wallet = network.wallets.get(name)!
      return new Promise((resolve) => {
        const stop = wallet.onAsked((event) => {
          if (!isMeant(event)) return
          stop()
          resolve(event)
        })
      })
    },
    adminOver: (http) =>
      createAdminClient(
        { http: http as HttpClient, clock: network.runtime.clock },
        { url: urls.admin, tenantId: secrets.operatorTenantId, secret: secrets.adminApiSecret }
      ),
    createTenant: (tenant) => createLabTenant(parts, name, tenant),
    down,
    async kill(service) {
      tell('kill', `${name} ${service}`)
      down.add(service)
      touch(name)
      await controls.kill(name, service)
    },
    async restart(service) {
      await controls.restart(name, service)
      down.delete(service)
      tell('restart', `${name} ${service}`)
    },
    leadTo(process) {
      if (!controls.leadTo) throw oneProcess()
      controls.leadTo(name, process)
      tell('second', `the doors of ${name} are those of its ${process} process`)
    },
    async startSecond() {
      if (!controls.startSecond) throw oneProcess()
      await controls.startSecond(name)
      tell('second', `${name} has two processes of its backend`)
    },
    async peerLiquidity(peer) {
      const answer = await admin.call<{ peer: { liquidity: string } }>(PEER_LIQUIDITY, { id: peerId(peer) })
      return BigInt(answer.peer.liquidity)
    },
    async depositPeerLiquidity(peer, amount) {
      tell('deposit', `${name}: ${amount} for peer ${peer}`)
      await admin.call(DEPOSIT_PEER, {
        input: {
          peerId: peerId(peer),
          amount: amount.toString(),
          id: random.uuid(),
          idempotencyKey: random.uuid()
        }
      })
    },
    async depositAssetLiquidity(asset, amount) {
      tell('deposit', `${name}: ${amount} of ${asset}`)
      const found = provisioned.assets.find((one) => assetName(one.asset) === asset)
      if (!found) throw new Error(`node "${name}" has no asset ${asset}`)
      const input = { assetId: found.id, amount: amount.toString() }
      await admin.call(DEPOSIT_ASSET, {
        input: { ...input, id: random.uuid(), idempotencyKey: random.uuid() }
      })
    },
    async transfers(accountId) {
      interface Side {
        amount: string
        state: string
      }
      const { accountingTransfers } = await admin.call<{
        accountingTransfers: { debits: Side[]; credits: Side[] }
      }>(TRANSFERS, { id: accountId })
      const { debits, credits } = accountingTransfers
      return [...debits, ...credits].map(({ amount, state }) => ({ amount: BigInt(amount), state }))
    },
    async withdrawPeerLiquidity(peer, amount) {
      tell('withdrawal', `${name}: ${amount} of peer ${peer}`)
      await admin.call(WITHDRAW_PEER, {
        input: {
          peerId: peerId(peer),
          amount: amount.toString(),
          id: random.uuid(),
          idempotencyKey: random.uuid(),
          timeoutSeconds: 0
        }
      })
    },
    async limitPackets(peer, amount = NO_LIMIT) {
      tell('packet limit', `${name}: ${amount} for peer ${peer}`)
      await admin.call(UPDATE_PEER, { input: { id: peerId(peer), maxPacketAmount: amount.toString() } })
    },
    async reachPeerOver(peer, transport) {
      tell('transport', `${name}: ${transport} to peer ${peer}`)
      const { id, link } = peers.find((one) => one.with === peer)!
      const { token: authToken } = network.plan.linkTokens.find(
        (one) => one.link === link && one.presentedBy === name
      )!
      const endpoint = endpointOf(planOf(network.plan.plans, peer), transport)
      await admin.call(UPDATE_PEER, { input: { id, http: { outgoing: { endpoint, authToken } } } })
    },
    async setSendingFee(asset, { fixed, basisPoints }) {
      const assetId = assets.find((one) => sameAsset(one.asset, asset))?.id
      if (assetId === undefined) throw new Error(`node "${name}" has no asset ${assetName(asset)}`)
      tell('fee', `${name}: ${fixed} and ${basisPoints} basis points of ${assetName(asset)}`)
      const fee = { fixed: fixed.toString(), basisPoints }
      await admin.call(SET_FEE, { input: { assetId, type: 'SENDING', fee } })
    },
    changeRate(base, other, permille) {
      tell('rate', `${name}: ${base} to ${other} is ${permille} thousandths of what it was`)
      network.wallets.get(name)!.changeRate(base, other, permille)
    }
  }
}

const PEER_LIQUIDITY = 'query Peer($id: String!) { peer(id: $id) { liquidity } }'
const DEPOSIT_PEER = `mutation DepositPeerLiquidity($input: DepositPeerLiquidityInput!) {
  depositPeerLiquidity(input: $input) { success } }`
const DEPOSIT_ASSET = `mutation DepositAssetLiquidity($input: DepositAssetLiquidityInput!) {
  depositAssetLiquidity(input: $input) { success } }`
const TRANSFERS = `query AccountingTransfers($id: String!) { accountingTransfers(id: $id, limit: 100) {
  debits { amount state } credits { amount state } } }`
const WITHDRAW_PEER = `mutation CreatePeerLiquidityWithdrawal($input: CreatePeerLiquidityWithdrawalInput!) {
  createPeerLiquidityWithdrawal(input: $input) { success } }`
const UPDATE_PEER =
  'mutation UpdatePeer($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id } } }'
const SET_FEE = 'mutation SetFee($input: SetFeeInput!) { setFee(input: $input) { fee { id } } }'
