import { sameAsset } from './model.ts'
import type { AssetId, LinkTransport, Topology, TopologyNode } from './model.ts'

/** Units of the other per unit of the base: what every node of a built topology uses. */
export const RATES: TopologyNode['rates'] = {
  USD: { EUR: '0.91', MXN: '18.5' },
  EUR: { USD: '1.09', MXN: '20.2' },
  MXN: { USD: '0.054', EUR: '0.0494' }
}
/** Two customers for each node, by its place in the line. */
const CUSTOMERS = [
  ['alice', 'adam'],
  ['bob', 'bella'],
  ['carol', 'chris'],
  ['dora', 'dan']
] as const
const PLENTY = 1_000_000_000_000n

export type AssetText = `${string}/${number}`

export interface LineOptions {
  /** The nodes in the order in which they peer, each with the asset of its customers. At most four. */
  nodes: Record<string, AssetText>
  /** The asset in which neighbours settle: one for all links, or one for each. Default: the left node's. */
  link?: AssetText | readonly AssetText[]
  /** Minor units of the link's asset that each side may send before settlement. */
  peerLiquidity?: bigint
  maxPacketAmount?: bigint
  transport?: LinkTransport
  /** What a node takes of each payment that its customers send, in minor units and hundredths of a percent. */
  sendingFee?: { fixed: bigint; basisPoints: number }
  /** Default: 0.01. */
  slippage?: string
  /** Minor units on each customer's account at the wallet. */
  balance?: bigint
  /** Variables of each node's backend, by Rafiki's names. */
  environment?: Record<string, string>
  /** A node's key is the same for each of its processes and starts. */
  hasKeyFiles?: boolean
  /** Assets that every node has besides, for peers that a scenario adds. */
  moreAssets?: readonly AssetText[]
}

/**
 * Nodes in a line, each peering with the next. The first node's customers are alice and adam, then bob and bella, carol
 * and chris, dora and dan. Everything that is not said is plentiful.
 */
export function line(options: LineOptions): Topology {
  const entries = Object.entries(options.nodes)
  if (entries.length < 1 || entries.length > CUSTOMERS.length) {
    throw new RangeError(`a line has 1 to ${CUSTOMERS.length} nodes, not ${entries.length}`)
  }
  const links = entries.slice(1).map(([right], index) => {
    const [left, leftAsset] = entries[index]!
    const asset = typeof options.link === 'string' ? options.link : (options.link?.[index] ?? leftAsset)
    return { left, right, asset: assetOf(asset) }
  })
  return {
    name: entries.map(([name]) => name).join('-'),
    nodes: entries.map(([name, asset], index) => {
      const own = assetOf(asset)
      const linked = links.filter(({ left, right }) => left === name || right === name)
      const assets = new Map<string, AssetId>()
      for (const one of [
        own,
        ...linked.map((link) => link.asset),
        ...(options.moreAssets ?? []).map(assetOf)
      ]) {
        assets.set(`${one.code}/${one.scale}`, one)
      }
      return {
        name,
        ilpAddress: `test.${name}`,
        assets: [...assets.values()].map((one) => ({
          ...one,
          liquidity: PLENTY,
          ...(options.sendingFee && { sendingFee: options.sendingFee })
        })),
        walletAddresses: CUSTOMERS[index]!.map((customer) => ({
          name: customer,
          asset: own,
          publicName: customer[0]!.toUpperCase() + customer.slice(1),
          balance: options.balance ?? 10_000_000n
        })),
        rates: RATES,
        slippage: options.slippage ?? '0.01',
        ...(options.environment && { environment: options.environment }),
        ...(options.hasKeyFiles && { hasKeyFile: true }),
        ports: {}
      }
    }),
    links: links.map(({ left, right, asset }) => ({
      between: [left, right],
      asset,
      liquidity: options.peerLiquidity ?? PLENTY,
      ...(options.maxPacketAmount !== undefined && { maxPacketAmount: options.maxPacketAmount }),
      transport: options.transport ?? 'http'
    })),
    payments: []
  }
}

function assetOf(text: AssetText): AssetId {
  const [code, scale] = text.split('/')
  return { code: code!, scale: Number(scale) }
}

/** Names of trees. */
const TREES = [
  ...['acacia', 'baobab', 'cedar', 'dogwood', 'elm', 'fir', 'ginkgo', 'hazel', 'ironwood', 'juniper'],
  ...['katsura', 'larch', 'maple', 'nutmeg', 'oak', 'pine', 'quince', 'rowan', 'sequoia', 'teak']
]

export interface MeshOptions {
  /** 3 to 20. */
  size: number
  /** Assets of the nodes' customers, in turn. */
  assets: readonly AssetText[]
  /** The asset in which neighbours settle. */
  link: AssetText
  /** Each node peers with the next, and with the one so many further on. */
  chord: number
  /** Default: as good as no limit. */
  maxPacketAmount?: bigint
}

/** A ring of nodes with chords. Each has one customer, who is called after it: `at-elm@elm`. */
export function mesh({ size, assets, link, chord, maxPacketAmount }: MeshOptions): Topology {
  if (size < 3 || size > TREES.length)
    throw new RangeError(`a mesh has 3 to ${TREES.length} nodes, not ${size}`)
  const names = TREES.slice(0, size)
  const settled = assetOf(link)
  const pairs = names.flatMap((name, index) =>
    [1, chord].map((step) => [name, names[(index + step) % size]!] satisfies [string, string])
  )
  return {
    name: `mesh-of-${size}`,
    nodes: names.map((name, index) => {
      const own = assetOf(assets[index % assets.length]!)
      const held = sameAsset(own, settled) ? [own] : [own, settled]
      return {
        name,
        ilpAddress: `test.${name}`,
        assets: held.map((asset) => ({ ...asset, liquidity: PLENTY })),
        walletAddresses: [{ name: `at-${name}`, asset: own, publicName: name, balance: 10_000_000n }],
        rates: RATES,
        slippage: '0.01',
        ports: {}
      }
    }),
    links: pairs.map((between) => ({
      between,
      asset: settled,
      liquidity: PLENTY,
      ...(maxPacketAmount !== undefined && { maxPacketAmount }),
      transport: 'http' as const
    })),
    payments: []
  }
}
