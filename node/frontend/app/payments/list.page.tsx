import { data, redirect } from '@remix-run/node'
import { Link, useLoaderData, useLocation } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { tenantOptions } from '../tenants/tenant-options.ts'
import { DateTime } from '../ui/date-time.tsx'
import { EmptyState, Id, Page } from '../ui/page.tsx'
import { pageArguments } from '../ui/page-info.ts'
import { Pagination } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { FilterForm } from './filter-form.tsx'
import { isFilter, paymentListVariables, readPaymentFilter, withoutEmptyFields } from './payment-filter.ts'
import { PaymentState } from './payment-states.tsx'
import { LIST_PAYMENTS } from './payments.ts'

export const meta = () => [{ title: 'Payments · Rafiki Admin' }]

export const loader = pageLoader(async (page) => {
  const { api, url } = page
  const shorter = withoutEmptyFields(url)
  if (shorter !== undefined) throw redirect(shorter)
  const given = Object.fromEntries(url.searchParams)
  const states = url.searchParams.getAll('state')
  const isFiltered = isFilter(url)
  const [tenants, read] = [await tenantOptions(page), readPaymentFilter(url)]
  if (!read.ok) {
    return data(
      { tenants, given, states, isFiltered, refused: read.refused, payments: undefined },
      { status: 400 }
    )
  }
  const { payments } = await api.call(LIST_PAYMENTS, {
    ...pageArguments(url),
    ...paymentListVariables(read.filter)
  })
  const list = { rows: payments.edges.map(({ node }) => node), pageInfo: payments.pageInfo }
  return data({ tenants, given, states, isFiltered, refused: undefined, payments: list })
})

export default function PaymentsPage() {
  const { payments, isFiltered } = useLoaderData<typeof loader>()
  const { search } = useLocation()
  return (
    <Page title="Payments">
      <FilterForm key={search} />
      {payments === undefined ? (
        <EmptyState>Correct the filter to see payments.</EmptyState>
      ) : (
        <>
          <Table
            caption="Payments, newest first"
            rows={payments.rows}
            keyOf={({ id }) => id}
            empty={
              isFiltered
                ? 'No payment is like that: widen the filter.'
                : 'There are no payments yet: they appear here once a wallet or an Open Payments client makes one.'
            }
            columns={[
              {
                name: 'ID',
                cell: ({ id, type }) => (
                  <Link
                    to={`/payments/${type === 'INCOMING' ? 'incoming' : 'outgoing'}/${id}`}
                    className="text-accent underline"
                  >
                    <Id>{id}</Id>
                  </Link>
                )
              },
              { name: 'Type', cell: ({ type }) => (type === 'INCOMING' ? 'Incoming' : 'Outgoing') },
              { name: 'State', cell: ({ state }) => <PaymentState state={state} /> },
              { name: 'Date', cell: ({ createdAt }) => <DateTime value={createdAt} /> },
              { name: 'Tenant', cell: ({ tenant }) => <TenantName tenant={tenant} /> }
            ]}
          />
          <Pagination pageInfo={payments.pageInfo} />
        </>
      )}
    </Page>
  )
}
