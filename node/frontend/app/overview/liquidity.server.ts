import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import type { AdminApi } from '../admin-api/admin-api.ts'
import { uint64 } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'
import type { PageInfo } from '../ui/page-info.ts'
import { mostUrgent } from './liquidity.ts'
import type { Account, LiquidityList } from './liquidity.ts'

const tenant = z.object({ id: z.string(), publicName: z.string().nullable() }).nullable()
const balance = {
  id: z.string(),
  liquidity: uint64.nullable(),
  liquidityThreshold: uint64.nullable(),
  tenant
}

const ASSET_LIQUIDITY = operation(
  /* GraphQL */ `
    query AssetLiquidity($after: String, $first: Int) {
      assets(after: $after, first: $first) {
        edges {
          node {
            id
            code
            scale
            liquidity
            liquidityThreshold
            tenant {
              id
              publicName
            }
          }
        }
        ${PAGE_INFO}
      }
    }
  `,
  z.object({ assets: connection(z.object({ ...balance, code: z.string(), scale: z.number() })) })
)

const PEER_LIQUIDITY = operation(
  /* GraphQL */ `
    query PeerLiquidity($after: String, $first: Int) {
      peers(after: $after, first: $first) {
        edges {
          node {
            id
            name
            staticIlpAddress
            asset {
              code
              scale
            }
            liquidity
            liquidityThreshold
            tenant {
              id
              publicName
            }
          }
        }
        ${PAGE_INFO}
      }
    }
  `,
  z.object({
    peers: connection(
      z.object({
        ...balance,
        name: z.string().nullable(),
        staticIlpAddress: z.string(),
        asset: z.object({ code: z.string(), scale: z.number() })
      })
    )
  })
)

const PAGE_SIZE = 100
/** The most urgent of so many pages: a page costs the node a few milliseconds, and one follows the other. */
const MAX_PAGES = 10

export function loadAssetLiquidity(api: AdminApi): Promise<LiquidityList> {
  return readPages(async (page) => {
    const { assets } = await api.call(ASSET_LIQUIDITY, page)
    const accounts = assets.edges.map(({ node: { id, code, scale, tenant, ...rest } }) => ({
      ...{ id, code, scale, tenant, ...amounts(rest) },
      name: `${code}, scale ${scale}`,
      page: `/assets/${id}`
    }))
    return { accounts, pageInfo: assets.pageInfo }
  })
}

export function loadPeerLiquidity(api: AdminApi): Promise<LiquidityList> {
  return readPages(async (page) => {
    const { peers } = await api.call(PEER_LIQUIDITY, page)
    const accounts = peers.edges.map(({ node: { id, name, staticIlpAddress, asset, tenant, ...rest } }) => ({
      ...{ id, ...asset, tenant, ...amounts(rest) },
      name: name ?? staticIlpAddress,
      page: `/peers/${id}`
    }))
    return { accounts, pageInfo: peers.pageInfo }
  })
}

function amounts(node: { liquidity: bigint | null; liquidityThreshold: bigint | null }) {
  return { liquidity: node.liquidity ?? 0n, lowMark: node.liquidityThreshold }
}

async function readPages(
  read: (page: { after?: string; first: number }) => Promise<{ accounts: Account[]; pageInfo: PageInfo }>
): Promise<LiquidityList> {
  const all: Account[] = []
  let after: string | undefined
  for (let page = 1; ; page += 1) {
    const { accounts, pageInfo } = await read({ first: PAGE_SIZE, ...(after !== undefined && { after }) })
    all.push(...accounts)
    after = pageInfo.endCursor ?? undefined
    const hasMore = pageInfo.hasNextPage && after !== undefined
    if (!hasMore || page === MAX_PAGES) return mostUrgent(all, hasMore)
  }
}
