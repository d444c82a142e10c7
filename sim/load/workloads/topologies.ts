import type { LoadTopology } from '../engine/model.ts'
import type { LinkTransport, Topology, TopologyNode } from '../../topology/model.ts'

/** Minor units: enough for every packet of the longest run, on every account that packets draw on. */
export const PLENTY = 10n ** 15n

const USD = { code: 'USD', scale: 9 }
const EUR = { code: 'EUR', scale: 9 }
/** EUR per USD at the node that changes currencies. */
const RATE = '0.91'

/** The nodes of a topology, and how packets go through them. */
export interface PacketPath {
  topology: Topology
  /** Where packets enter, and where they leave or end. */
  first: string
  last: string
  firstAsset: typeof USD
  lastAsset: typeof USD
  /** What a packet carries in, and what comes out: minor units. */
  amountIn: bigint
  amountOut: bigint
  senders: number
  /** At the end: a peer that fulfils or rejects, or an incoming payment of the last node. */
  end: 'fulfil' | 'reject' | 'account'
}

/** The networks that packets are sent through (docs/performance.md, load). */
export function pathOf(name: LoadTopology, transport: LinkTransport): PacketPath {
  const one = { topology: network(name, [node('acacia')], []), first: 'acacia', last: 'acacia' }
  const common = { firstAsset: USD, lastAsset: USD, amountIn: 1n, amountOut: 1n, senders: 1 } as const
  switch (name) {
    case 'loopback-fulfil':
      return { ...common, ...one, end: 'fulfil' }
    case 'loopback-reject':
      return { ...common, ...one, end: 'reject' }
    case 'fan-in':
      return { ...common, ...one, senders: 10, end: 'fulfil' }
    case 'hot-account':
      return { ...common, ...one, end: 'account' }
    case 'pair':
      return {
        ...common,
        topology: network(name, [node('acacia'), node('baobab')], [link('acacia', 'baobab', USD, transport)]),
        first: 'acacia',
        last: 'baobab',
        end: 'fulfil'
      }
    case 'three-hops':
      return {
        ...common,
        lastAsset: EUR,
        // 100 → 91: exact, so that a unit more or less is a fault and not a rounding.
        amountIn: 100n,
        amountOut: 91n,
        topology: network(
          name,
          [node('acacia'), node('baobab', [USD, EUR]), node('cedar', [EUR])],
          [link('acacia', 'baobab', USD, transport), link('baobab', 'cedar', EUR, transport)]
        ),
        first: 'acacia',
        last: 'cedar',
        end: 'fulfil'
      }
  }
}

function network(name: string, nodes: TopologyNode[], links: Topology['links']): Topology {
  return { name, nodes, links, payments: [] }
}

function node(name: string, assets: readonly (typeof USD)[] = [USD]): TopologyNode {
  return {
    name,
    ilpAddress: `test.${name}`,
    assets: assets.map((asset) => ({ ...asset, liquidity: PLENTY })),
    walletAddresses: [],
    rates: { USD: { EUR: RATE } },
    slippage: '0.01',
    ports: {}
  }
}

function link(one: string, other: string, asset: typeof USD, transport: LinkTransport) {
  return {
    between: [one, other] satisfies [string, string] as [string, string],
    asset,
    liquidity: PLENTY,
    transport
  }
}
