import { Link, useLoaderData } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { Amount } from '../ui/amount.tsx'
import { LinkButton } from '../ui/button.tsx'
import { Id, Page } from '../ui/page.tsx'
import { pageArguments } from '../ui/page-info.ts'
import { Pagination } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { LIST_ASSETS } from './assets.ts'

export const meta = () => [{ title: 'Assets · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, url }) => {
  const { assets } = await api.call(LIST_ASSETS, pageArguments(url))
  return { assets: assets.edges.map(({ node }) => node), pageInfo: assets.pageInfo }
})

export default function AssetsPage() {
  const { assets, pageInfo } = useLoaderData<typeof loader>()
  return (
    <Page
      title="Assets"
      actions={
        <LinkButton to="/assets/create" look="primary">
          Add asset
        </LinkButton>
      }
    >
      <Table
        caption="Assets"
        rows={assets}
        keyOf={({ id }) => id}
        empty="There are no assets yet: add the first one, then peers and wallet addresses that use it."
        columns={[
          {
            name: 'ID',
            cell: ({ id }) => (
              <Link to={`/assets/${id}`} className="text-accent underline">
                <Id>{id}</Id>
              </Link>
            )
          },
          { name: 'Code', cell: ({ code }) => code },
          { name: 'Scale', cell: ({ scale }) => scale, isNumber: true },
          {
            name: 'Withdrawal threshold',
            isNumber: true,
            cell: ({ withdrawalThreshold, code, scale }) =>
              withdrawalThreshold === null ? (
                'None'
              ) : (
                <Amount value={withdrawalThreshold} code={code} scale={scale} />
              )
          },
          { name: 'Tenant', cell: ({ tenant }) => <TenantName tenant={tenant} /> }
        ]}
      />
      <Pagination pageInfo={pageInfo} />
    </Page>
  )
}
