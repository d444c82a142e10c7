/** What a network is: nodes with assets, wallet addresses and rates, and the links between them. */
export interface Topology {
  name: string
  nodes: TopologyNode[]
  links: TopologyLink[]
  payments: TopologyPayment[]
}

export interface AssetId {
  code: string
  scale: number
}

export interface TopologyNode {
  name: string
  /** `test.<name>` unless given. */
  ilpAddress: string
  assets: TopologyAsset[]
  walletAddresses: TopologyWalletAddress[]
  /** base code → other code → units of the other per unit of the base, as exact decimals. */
  rates: Record<string, Record<string, string>>
  /** A decimal, such as 0.01. */
  slippage: string
  /** Variables of its backend beside those that its world gives it, by Rafiki's names. */
  environment?: Record<string, string>
  /** Its key is in a file, the same for each of its processes and starts. Default: each start makes one. In the virtual world. */
  hasKeyFile?: boolean
  /** Fixed ports of the local world; free ones where absent. */
  ports: Partial<Record<ServicePort, number>>
}

export const SERVICE_PORTS = [
  'admin',
  'openPayments',
  'connector',
  'auth',
  'authAdmin',
  'introspection',
  'interaction',
  'serviceApi',
  'wallet',
  'frontend'
] as const
export type ServicePort = (typeof SERVICE_PORTS)[number]

export interface TopologyAsset extends AssetId {
  /** Minor units deposited at the start. */
  liquidity: bigint
  sendingFee?: { fixed: bigint; basisPoints: number }
}

export interface TopologyWalletAddress {
  /** The last part of its URL. */
  name: string
  asset: AssetId
  publicName: string
  /** Minor units on the customer's account at the wallet. */
  balance: bigint
}

/** Two nodes that peer in one asset: each holds an account for the other. */
export interface TopologyLink {
  between: [string, string]
  asset: AssetId
  /** Minor units that each side may send before settlement: the credit that the other grants it. */
  liquidity: bigint
  maxPacketAmount?: bigint
  /** What carries packets, both ways. */
  transport: LinkTransport
}

/** ILP over HTTP (RFC 35), or BTP over WebSocket (RFC 23). */
export const LINK_TRANSPORTS = ['http', 'btp'] as const
export type LinkTransport = (typeof LINK_TRANSPORTS)[number]

export interface TopologyPayment {
  from: { walletAddress: string; node: string }
  to: { walletAddress: string; node: string }
  /** Minor units of the payer's asset, or of the receiver's. */
  amount: { kind: 'send' | 'receive'; value: bigint }
}

export function assetName({ code, scale }: AssetId): string {
  return `${code}/${scale}`
}

export function sameAsset(a: AssetId, b: AssetId): boolean {
  return a.code === b.code && a.scale === b.scale
}
