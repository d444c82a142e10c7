import { Link, useLoaderData } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { Badge } from '../ui/badge.tsx'
import { LinkButton } from '../ui/button.tsx'
import { Page } from '../ui/page.tsx'
import { pageArguments } from '../ui/page-info.ts'
import { Pagination } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { GET_TENANT, LIST_TENANTS } from './tenants.ts'

export const meta = () => [{ title: 'Tenants · Rafiki Admin' }]

/** An operator sees all; a tenant its own entry. */
export const loader = pageLoader(async ({ api, url, credentials }) => {
  if (!credentials.isOperator) {
    const { tenant } = await api.call(GET_TENANT, { id: credentials.tenantId })
    const { id, publicName, email, deletedAt } = tenant
    return { tenants: [{ id, publicName, email, deletedAt }], pageInfo: undefined }
  }
  const { tenants } = await api.call(LIST_TENANTS, pageArguments(url))
  return { tenants: tenants.edges.map(({ node }) => node), pageInfo: tenants.pageInfo }
})

export default function TenantsPage() {
  const { tenants, pageInfo } = useLoaderData<typeof loader>()
  return (
    <Page
      title="Tenants"
      actions={
        pageInfo && (
          <LinkButton to="/tenants/create" look="primary">
            Add tenant
          </LinkButton>
        )
      }
    >
      <Table
        caption="Tenants"
        rows={tenants}
        keyOf={({ id }) => id}
        empty="There are no tenants."
        columns={[
          {
            name: 'Public name',
            cell: ({ id, publicName }) => (
              <Link to={`/tenants/${id}`} className="break-all text-accent underline">
                {publicName ?? id}
              </Link>
            )
          },
          { name: 'Email', cell: ({ email }) => email ?? '—' },
          {
            name: 'Status',
            cell: ({ deletedAt }) =>
              deletedAt === null ? <Badge look="good">Active</Badge> : <Badge look="bad">Deleted</Badge>
          }
        ]}
      />
      {pageInfo && <Pagination pageInfo={pageInfo} />}
    </Page>
  )
}
