import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import type { PageArgs } from '../page.server.ts'

const TENANT_OPTIONS = operation(
  /* GraphQL */ `
    query TenantOptions {
      tenants(first: 100) {
        edges {
          node {
            id
            publicName
            deletedAt
          }
        }
      }
    }
  `,
  z.object({
    tenants: z.object({
      edges: z.array(
        z.object({
          node: z.object({
            id: z.string(),
            publicName: z.string().nullable(),
            deletedAt: z.string().nullable()
          })
        })
      )
    })
  })
)

/** For the operator: whose a new thing may be. A tenant makes everything for itself: no choice. */
export async function tenantOptions({
  api,
  credentials
}: Pick<PageArgs, 'api' | 'credentials'>): Promise<{ value: string; label: string }[] | undefined> {
  if (!credentials.isOperator) return undefined
  const { tenants } = await api.call(TENANT_OPTIONS)
  return tenants.edges
    .filter(({ node }) => node.deletedAt === null)
    .map(({ node: { id, publicName } }) => ({ value: id, label: publicName ?? id }))
}
