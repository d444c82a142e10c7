import { Link, useLoaderData } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { LinkButton } from '../ui/button.tsx'
import { Page } from '../ui/page.tsx'
import { pageArguments } from '../ui/page-info.ts'
import { Pagination } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { WalletAddressStatus } from './status.tsx'
import { LIST_WALLET_ADDRESSES } from './wallet-addresses.ts'

export const meta = () => [{ title: 'Wallet addresses · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, url }) => {
  const { walletAddresses } = await api.call(LIST_WALLET_ADDRESSES, pageArguments(url))
  return { rows: walletAddresses.edges.map(({ node }) => node), pageInfo: walletAddresses.pageInfo }
})

export default function WalletAddressesPage() {
  const { rows, pageInfo } = useLoaderData<typeof loader>()
  return (
    <Page
      title="Wallet addresses"
      actions={
        <LinkButton to="/wallet-addresses/create" look="primary">
          Create wallet address
        </LinkButton>
      }
    >
      <Table
        caption="Wallet addresses"
        rows={rows}
        keyOf={({ id }) => id}
        empty="There are no wallet addresses yet: customers are paid and pay by them."
        columns={[
          {
            name: 'Wallet address',
            cell: ({ id, address }) => (
              <Link to={`/wallet-addresses/${id}`} className="break-all text-accent underline">
                {address}
              </Link>
            )
          },
          { name: 'Public name', cell: ({ publicName }) => publicName ?? '—' },
          { name: 'Status', cell: ({ status }) => <WalletAddressStatus status={status} /> },
          { name: 'Tenant', cell: ({ tenant }) => <TenantName tenant={tenant} /> }
        ]}
      />
      <Pagination pageInfo={pageInfo} />
    </Page>
  )
}
