import { RATES } from '../topology/builders.ts'
import type { AssetId, Topology } from '../topology/model.ts'
import { ACCOUNTS, NODE_NAMES } from './history.ts'
import type { History } from './history.ts'

/** Minor units of each asset that every node has: links run short, nodes do not. */
const PLENTY = 10n ** 15n

/** The network that a history happens in. */
export function topologyOf({ nodes, shape, slippage, balance }: History): Topology {
  const names = NODE_NAMES.slice(0, nodes.length)
  const ring = shape === 'ring' && nodes.length > 2
  const links = nodes.slice(0, ring ? nodes.length : nodes.length - 1).map(({ link }, index) => ({
    between: [names[index]!, names[(index + 1) % nodes.length]!] satisfies [string, string],
    asset: assetOf(link.asset),
    liquidity: link.liquidity,
    ...(link.maxPacketAmount > 0n && { maxPacketAmount: link.maxPacketAmount }),
    transport: link.transport
  }))
  return {
    name: names.join('-'),
    nodes: nodes.map(({ asset, fee }, index) => {
      const name = names[index]!
      const own = assetOf(asset)
      const assets = new Map([[asset as string, own]])
      for (const link of links)
        if (link.between.includes(name)) assets.set(`${link.asset.code}/${link.asset.scale}`, link.asset)
      return {
        name,
        ilpAddress: `test.${name}`,
        assets: [...assets.values()].map((one) => ({
          ...one,
          liquidity: PLENTY,
          ...((fee.fixed > 0n || fee.basisPoints > 0) && { sendingFee: fee })
        })),
        walletAddresses: ACCOUNTS.slice(index * 2, index * 2 + 2).map((account) => {
          const customer = account.slice(0, account.indexOf('@'))
          return { name: customer, asset: own, publicName: customer, balance }
        }),
        rates: structuredClone(RATES),
        slippage,
        ports: {}
      }
    }),
    links,
    payments: []
  }
}

export function assetOf(text: string): AssetId {
  const [code, scale] = text.split('/')
  return { code: code!, scale: Number(scale) }
}
