import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import type { PageArgs } from '../page.server.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'

const ASSET_OPTIONS = operation(
  /* GraphQL */ `
    query AssetOptions($after: String) {
      assets(first: 100, after: $after, sortOrder: ASC) {
        edges {
          node {
            id
            code
            scale
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
    assets: connection(
      z.object({
        id: z.string(),
        code: z.string(),
        scale: z.number(),
        tenant: z.object({ id: z.string(), publicName: z.string().nullable() }).nullable()
      })
    )
  })
)

/** More pages than this would make a choice that nobody finds anything in. */
const MAX_PAGES = 10

/** Assets to choose among: those of the caller; for an operator those of all tenants, each with its tenant's name. */
export async function assetOptions({
  api,
  credentials
}: Pick<PageArgs, 'api' | 'credentials'>): Promise<{ value: string; label: string }[]> {
  const options: { value: string; label: string }[] = []
  let after: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const { assets } = await api.call(ASSET_OPTIONS, after === undefined ? {} : { after })
    for (const { node } of assets.edges) {
      const { id, code, scale, tenant } = node
      const name = `${code}, scale ${scale}`
      const whose = tenant?.publicName ?? tenant?.id
      options.push({
        value: id,
        label: credentials.isOperator && whose !== undefined ? `${name} (${whose})` : name
      })
    }
    if (!assets.pageInfo.hasNextPage || assets.pageInfo.endCursor == null) break
    after = assets.pageInfo.endCursor
  }
  return options
}
