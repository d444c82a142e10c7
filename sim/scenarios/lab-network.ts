import { createHttpClient } from '../../node/runtime/index.ts'
import type { HttpClient } from '../../node/runtime/index.ts'
import { createAdminClient } from '../actors/admin-client.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import { createPacketPeer } from '../actors/packet-peer.ts'
import type { KnownFulfillments, PacketPeer, PacketPeerOptions } from '../actors/packet-peer.ts'
import { describeFault, nodesTouched } from '../faults/model.ts'
import type { ArmedFault, Fault, Traffic } from '../faults/model.ts'
import type { Network } from '../networks/network.ts'
import { planOf } from '../networks/plan.ts'
import { audit, payingNetworkOf } from '../networks/network.ts'
import type { Audit } from '../invariants/audit.ts'
import type { ServiceName } from '../networks/raise.ts'
import { assetName } from '../topology/model.ts'
import { createLabAccount } from './lab-account.ts'
import type { LabAccount } from './lab-account.ts'
import { createLabNode } from './lab-node.ts'
import type { LabNode } from './lab-node.ts'
import type { LabTenant } from './lab-tenant.ts'
import type { LabPayment } from './lab-payment.ts'
import { ScenarioError } from './scenario.ts'
import type { WorldName } from './scenario.ts'
import type { Wallet } from '../actors/wallet/wallet.ts'
import { createUntil } from './until.ts'
import type { Until } from './until.ts'

/** What the world that a network stands in can do to it. */
export interface NetworkControls {
  kill(nodeName: string, service: ServiceName): void | Promise<void>
  restart(nodeName: string, service: ServiceName): Promise<void>
  /** A second process of a node's backend, on the same database. Absent where the world has none. */
  startSecond?(nodeName: string): Promise<void>
  leadTo?(nodeName: string, process: 'first' | 'second'): void
  /** Absent where the world has no faults but kills. */
  arm?(fault: Fault, onStrike: () => void): ArmedFault
  count?(traffic: Traffic): () => number
}

/** A network as a scenario sees it: accounts that pay, nodes that are operated, and time. */
export interface LabNetwork {
  readonly world: WorldName
  /** The account of a customer, as `alice@acacia`. */
  wallet(account: string): LabAccount
  node(name: string): LabNode
  /** Every payment that was begun. */
  readonly payments: readonly LabPayment[]
  /** Arms a fault beside those that the scenario lists; `onStrike` is told when it strikes. */
  fault(fault: Fault, onStrike?: () => void): ArmedFault
  /** Counts traffic from now on: a fault that is to strike within it is drawn from that. */
  count(traffic: Traffic): () => number
  /** Takes back the faults that have not struck, and waits until the others are over. */
  faultsOver(): Promise<void>
  /** Nodes that a fault or a kill touched. */
  readonly touched: ReadonlySet<string>
  /** Nodes of which a clock stepped: the times that they write tell no order. */
  readonly stepped: ReadonlySet<string>
  /** Whether strangers speak ILP here: what they pay and book is told by no node. */
  readonly strangers: boolean
  /** A stranger that becomes a peer of a node and speaks ILP packet by packet: in the virtual world. */
  packetPeer(
    node: string,
    options: Omit<PacketPeerOptions, 'assetId'> & {
      /** One of the topology, by its name; of a tenant's asset its id, with the tenant. */
      asset: string
      tenant?: LabTenant
    }
  ): Promise<PacketPeer>
  /** The wire as any stranger has it: for requests that no client makes. */
  readonly http: HttpClient
  /** Ids of the events of a node that one of its wallets honoured, in the order of the first time. */
  honouredOf(node: string): ReadonlySet<string>
  /** When an incoming payment was closed through an account of this network; undefined where none was asked to. */
  closingOf(url: string): Closing | undefined
  sleep(durationMs: number): Promise<void>
  until: Until
  audit(): Promise<Audit>
}

/** When somebody first asked to close an incoming payment, and first was told that it is. */
export interface Closing {
  askedAtMs: number
  heardAtMs: number | undefined
}

/** What the parts of a network share. */
export interface LabParts {
  network: Network
  controls: NetworkControls
  paying: ReturnType<typeof payingNetworkOf>
  /** A node's Admin API, as its operator calls it: not from where the wallet is, which a fault may cut off. */
  adminOf(node: string): AdminClient
  /** A line of the run's story. */
  tell(step: string, detail: string): void
  begun(payment: LabPayment): void
  touch(node: string): void
  /** Somebody is about to ask to close an incoming payment. Returns what to call when it was heard. */
  closing(url: string): () => void
  until: Until
  http: HttpClient
  /** From now on this wallet honours events of a node too. */
  joins(node: string, wallet: Pick<Wallet, 'onEvent'>): void
  /** A port of the laboratory's own host that nobody listens at. */
  newPort(): { host: string; port: number }
}

export function createLabNetwork(
  network: Network,
  world: WorldName,
  controls: NetworkControls,
  tell: LabParts['tell']
): LabNetwork {
  const { clock } = network.runtime
  const until = createUntil(clock)
  const payments: LabPayment[] = []
  const touched = new Set<string>()
  const stepped = new Set<string>()
  const closings = new Map<string, Closing>()
  const armed: ArmedFault[] = []
  const honoured = new Map(network.nodes.map(({ name }) => [name, new Set<string>()]))
  let lastPort = 7_000
  let hasStrangers = false
  const http = createHttpClient(network.runtime)
  const admins = new Map(
    network.plan.plans.map(({ node, urls, secrets }) => [
      node.name,
      createAdminClient(
        { http, clock },
        { url: urls.admin, tenantId: secrets.operatorTenantId, secret: secrets.adminApiSecret }
      )
    ])
  )
  const parts: LabParts = {
    network,
    controls,
    tell,
    paying: payingNetworkOf(network),
    adminOf: (node) => found(admins, node, 'node'),
    begun: (payment) => void payments.push(payment),
    touch: (node) => void touched.add(node),
    closing(url) {
      const found = closings.get(url) ?? { askedAtMs: clock.nowMs(), heardAtMs: undefined }
      closings.set(url, found)
      return () => void (found.heardAtMs ??= clock.nowMs())
    },
    until,
    http,
    joins(node, wallet) {
      wallet.onEvent(({ id }) => void found(honoured, node, 'node').add(id))
    },
    newPort: () => ({ host: LABORATORY, port: ++lastPort })
  }
  const accounts = new Map<string, LabAccount>()
  for (const { node } of network.plan.plans) {
    for (const { name } of node.walletAddresses) {
      accounts.set(`${name}@${node.name}`, createLabAccount(parts, { walletAddress: name, node: node.name }))
    }
  }
  for (const [node, wallet] of network.wallets) parts.joins(node, wallet)
  const fulfillments: KnownFulfillments = new Map()
  const nodes = new Map(network.nodes.map((node) => [node.name, createLabNode(parts, node)]))

  function noFaults(): ScenarioError {
    return new ScenarioError(`the ${world} world has no faults as data; use kill and restart of a node`)
  }

  return {
    world,
    payments,
    touched,
    stepped,
    get strangers() {
      return hasStrangers
    },
    fault(fault, onStrike) {
      if (!controls.arm) throw noFaults()
      const made = controls.arm(fault, () => {
        for (const node of nodesTouched(fault)) touched.add(node)
        if (fault.fault === 'clock') stepped.add(fault.node)
        tell('fault', describeFault(fault))
        onStrike?.()
      })
      armed.push(made)
      return made
    },
    count(traffic) {
      if (!controls.count) throw noFaults()
      return controls.count(traffic)
    },
    async faultsOver() {
      for (const fault of armed) {
        if (fault.struck()) await fault.over
        else fault.disarm()
      }
    },
    wallet: (account) => found(accounts, account, 'account'),
    node: (name) => found(nodes, name, 'node'),
    async packetPeer(node, { asset, tenant, ...options }) {
      if (world === 'local') throw new ScenarioError(`the ${world} world has no packet peers`)
      const { assets } = network.nodes.find(({ name }) => name === node)!
      const assetId = tenant ? asset : assets.find((one) => assetName(one.asset) === asset)?.id
      if (assetId === undefined) throw new ScenarioError(`node "${node}" has no asset ${asset}`)
      tell('peers', `${options.name} with ${node} in ${asset}`)
      hasStrangers = true
      const { connector } = planOf(network.plan.plans, node).urls
      const door = { ...parts.newPort(), connectorUrl: connector, fulfillments }
      return createPacketPeer(
        network.runtime,
        { ...door, admin: tenant?.admin ?? parts.adminOf(node) },
        { ...options, assetId }
      )
    },
    http,
    honouredOf: (node) => found(honoured, node, 'node'),
    closingOf: (url) => closings.get(url),
    sleep: (durationMs) => clock.sleep(durationMs),
    until,
    audit: () => audit(network)
  }
}

/** The host on which the laboratory's own actors live in the virtual world. */
const LABORATORY = 'laboratory'

function found<T>(map: ReadonlyMap<string, T>, name: string, kind: string): T {
  const value = map.get(name)
  if (value === undefined)
    throw new Error(`no ${kind} "${name}" in the topology; there are ${[...map.keys()].join(', ')}`)
  return value
}
