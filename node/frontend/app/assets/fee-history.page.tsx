import { useLoaderData } from '@remix-run/react'
import { notFound, pageLoader } from '../page.server.ts'
import { Amount } from '../ui/amount.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { Page } from '../ui/page.tsx'
import { pageArguments } from '../ui/page-info.ts'
import { Pagination } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { LIST_FEES } from './assets.ts'

export const meta = () => [{ title: 'Fee history · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, params, url }) => {
  const { asset } = await api.call(LIST_FEES, { id: params.assetId, ...pageArguments(url) })
  if (asset === null || asset.fees === null) throw notFound('Asset')
  const { id, code, scale, fees } = asset
  return { id, code, scale, fees: fees.edges.map(({ node }) => node), pageInfo: fees.pageInfo }
})

export default function FeeHistoryPage() {
  const { id, code, scale, fees, pageInfo } = useLoaderData<typeof loader>()
  return (
    <Page
      title="Fee history"
      parents={[
        { to: '/assets', label: 'Assets' },
        { to: `/assets/${id}`, label: `${code}, scale ${scale}` }
      ]}
    >
      <Table
        caption="Fees, newest first"
        rows={fees}
        keyOf={({ id }) => id}
        empty="No fee was ever set."
        columns={[
          { name: 'Type', cell: ({ type }) => (type === 'SENDING' ? 'Sending' : 'Receiving') },
          {
            name: 'Fixed',
            isNumber: true,
            cell: ({ fixed }) => <Amount value={fixed} code={code} scale={scale} />
          },
          { name: 'Basis points', isNumber: true, cell: ({ basisPoints }) => basisPoints },
          { name: 'Since', cell: ({ createdAt }) => <DateTime value={createdAt} /> }
        ]}
      />
      <Pagination pageInfo={pageInfo} />
    </Page>
  )
}
