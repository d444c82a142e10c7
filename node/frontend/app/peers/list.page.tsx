import { Link, useLoaderData } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { Amount } from '../ui/amount.tsx'
import { LinkButton } from '../ui/button.tsx'
import { Page } from '../ui/page.tsx'
import { pageArguments } from '../ui/page-info.ts'
import { Pagination } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { LIST_PEERS, LIST_PEERING_REQUESTS } from './peers.ts'

export const meta = () => [{ title: 'Peers · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, url, credentials }) => {
  const [{ peers }, requests] = await Promise.all([
    api.call(LIST_PEERS, pageArguments(url)),
    credentials.isOperator ? api.call(LIST_PEERING_REQUESTS) : undefined
  ])
  return {
    peers: peers.edges.map(({ node }) => node),
    pageInfo: peers.pageInfo,
    isOperator: credentials.isOperator,
    waiting: requests?.autoPeeringRequests.length ?? 0
  }
})

export default function PeersPage() {
  const { peers, pageInfo, isOperator, waiting } = useLoaderData<typeof loader>()
  return (
    <Page
      title="Peers"
      actions={
        <>
          {isOperator && (
            <LinkButton to="/peers/requests">
              {waiting === 0 ? 'Peering by URL' : `Requests to peer (${waiting})`}
            </LinkButton>
          )}
          <LinkButton to="/peers/create" look="primary">
            Create peer
          </LinkButton>
        </>
      }
    >
      <Table
        caption="Peers"
        rows={peers}
        keyOf={({ id }) => id}
        empty="There are no peers yet: packets go to other nodes through them."
        columns={[
          {
            name: 'Name',
            cell: ({ id, name, staticIlpAddress }) => (
              <Link to={`/peers/${id}`} className="break-words text-accent underline">
                {name ?? staticIlpAddress}
              </Link>
            )
          },
          {
            name: 'ILP address',
            cell: ({ staticIlpAddress }) => (
              <span className="break-all font-mono text-sm">{staticIlpAddress}</span>
            )
          },
          { name: 'Asset', cell: ({ asset: { code, scale } }) => `${code}, scale ${scale}` },
          {
            name: 'Liquidity',
            isNumber: true,
            cell: ({ liquidity, asset: { code, scale } }) => (
              <Amount value={liquidity ?? 0n} code={code} scale={scale} />
            )
          },
          {
            name: 'Outgoing endpoint',
            cell: ({ http }) => <span className="break-all text-sm">{http.outgoing.endpoint}</span>
          },
          { name: 'Tenant', cell: ({ tenant }) => <TenantName tenant={tenant} /> }
        ]}
      />
      <Pagination pageInfo={pageInfo} />
    </Page>
  )
}
