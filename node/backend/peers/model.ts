import type { Failure } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'
import type { Asset } from '../assets/model.ts'

export interface Peer {
  id: string
  tenantId: string
  asset: Asset
  name?: string
  staticIlpAddress: string
  /** Prefixes routed to it; the first is its own address. */
  routes: string[]
  http: { outgoing: { endpoint: string; authToken: string } }
  maxPacketAmount?: bigint
  liquidityThreshold?: bigint
  maxPacketsPerSecond?: number
  maxPacketsInFlight?: number
  maxAmountPerSecond?: bigint
  /** What the peer may settle by BTP Transfers in all, on its word alone; absent or 0: nothing. */
  maxSettledOverBtp?: bigint
  /** What it has so settled, as of the moment at which this was read from the database; absent: nothing. */
  settledOverBtp?: bigint
  /** Made by auto-peering: it chose its endpoint itself, and may change it. Absent: the operator did. */
  isAutoPeered?: true
  /** The host that peered so, and alone may change the peer by asking again. */
  autoPeeredHost?: string
  createdAt: Date
}

/** Where no setting of the peer says otherwise. */
export const DEFAULT_MAX_PACKETS_PER_SECOND = 20_000
export const DEFAULT_MAX_PACKETS_IN_FLIGHT = 2_000

/** Peers of all tenants of a node: every process holds them in memory. At the limit none is created (TooManyPeers). */
export const MAX_PEERS = 20_000
/** Of one tenant but the operator: none takes what the others need. */
export const MAX_PEERS_PER_TENANT = 5_000

/**
 * In-process directory of all peers with their tokens and routes, kept right by notifications. Answers without
 * I/O once started: it is asked for every packet.
 */
export interface PeerDirectory {
  get(id: string): Peer | undefined
  byIncomingToken(token: string): Peer | undefined
  /** Longest matching prefix by segments among the tenant's peers, without the one that sent the packet. */
  nextHop(tenantId: string, destination: string, options?: { exceptPeerId?: string }): Peer | undefined
}

export type PeerFailure =
  | 'DuplicateIncomingToken'
  | 'DuplicatePeer'
  | 'InvalidStaticIlpAddress'
  | 'InvalidHTTPEndpoint'
  | 'UnknownAsset'
  | 'UnknownPeer'
  | 'InvalidInitialLiquidity'
  | 'TooManyPeers'

export interface PeerInput {
  staticIlpAddress: string
  name?: string
  http: { incoming?: { authTokens: string[] }; outgoing: { endpoint: string; authToken: string } }
  routes?: string[]
  maxPacketAmount?: bigint
  liquidityThreshold?: bigint
  maxPacketsPerSecond?: number
  maxPacketsInFlight?: number
  maxAmountPerSecond?: bigint
  maxSettledOverBtp?: bigint
  /** An update that names another endpoint and not this makes the peer the operator's. */
  isAutoPeered?: boolean
  autoPeeredHost?: string
}

/** Settings that an update takes away with null. */
export type PeerSetting =
  | 'name'
  | 'maxPacketAmount'
  | 'liquidityThreshold'
  | 'maxPacketsPerSecond'
  | 'maxPacketsInFlight'
  | 'maxAmountPerSecond'
  | 'maxSettledOverBtp'

export type PeerChanges = Partial<Omit<PeerInput, PeerSetting>> & {
  [Setting in PeerSetting]?: PeerInput[Setting] | null
}

export interface Peers {
  create(
    input: PeerInput & { tenantId: string; assetId: string; initialLiquidity?: bigint }
  ): Promise<Peer | Failure<PeerFailure>>
  update(input: PeerChanges & { id: string; tenantId: string }): Promise<Peer | Failure<PeerFailure>>
  delete(input: { id: string; tenantId: string }): Promise<Peer | Failure<PeerFailure>>
  get(id: string, tenantId?: string): Promise<Peer | undefined>
  /** A peer's liquidity account, that of a deleted one too: it stays in the ledger with what it holds. */
  accountOf(id: string, tenantId?: string): Promise<{ accountId: string; asset: Asset } | undefined>
  byAddressAndAsset(input: {
    tenantId: string
    staticIlpAddress: string
    assetId: string
  }): Promise<Peer | undefined>
  page(request: PageRequest, tenantId?: string): Promise<Page<Peer>>
}
