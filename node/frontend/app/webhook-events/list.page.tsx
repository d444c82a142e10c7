import { parseWithZod } from '@conform-to/zod/v4'
import { data, redirect } from '@remix-run/node'
import { Link, Outlet, useLoaderData, useLocation } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { withoutEmptyFields } from '../payments/payment-filter.ts'
import { tenantOptions } from '../tenants/tenant-options.ts'
import { LinkButton } from '../ui/button.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { EmptyState, Page } from '../ui/page.tsx'
import { pageArguments } from '../ui/page-info.ts'
import { Pagination } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { Deliveries } from './deliveries.tsx'
import { eventFilterForm, eventListVariables, pageOfResource } from './event-filter.ts'
import { EventFilterForm } from './filter-form.tsx'
import { LIST_WEBHOOK_EVENTS } from './webhook-events.ts'

export const meta = () => [{ title: 'Webhook events · Rafiki Admin' }]

const FILTERS = Object.keys(eventFilterForm.shape)

export const loader = pageLoader(async (page) => {
  const { api, url } = page
  const shorter = withoutEmptyFields(url)
  if (shorter !== undefined) throw redirect(shorter)
  const given = new URLSearchParams([...url.searchParams].filter(([name]) => FILTERS.includes(name)))
  const types = given.getAll('type')
  const common = {
    tenants: await tenantOptions(page),
    given: Object.fromEntries(given),
    types,
    isFiltered: given.size > 0
  }
  const submission = parseWithZod(given, { schema: eventFilterForm })
  if (submission.status !== 'success') {
    return data({ ...common, refused: submission.reply(), events: undefined }, { status: 400 })
  }
  const { webhookEvents } = await api.call(LIST_WEBHOOK_EVENTS, {
    ...pageArguments(url),
    ...eventListVariables(submission.value)
  })
  const events = { rows: webhookEvents.edges.map(({ node }) => node), pageInfo: webhookEvents.pageInfo }
  return data({ ...common, refused: undefined, events })
})
export type ListLoader = typeof loader

/** Whoever comes back from a dialog sees the events as they are now. */
export const shouldRevalidate = () => true

export default function WebhookEventsPage() {
  const { events, isFiltered } = useLoaderData<typeof loader>()
  const { search } = useLocation()
  const dialog = (name: string, id: string) => {
    const query = new URLSearchParams(search)
    query.set('event', id)
    return `/webhook-events/${name}?${query.toString()}`
  }
  return (
    <Page title="Webhook events">
      <EventFilterForm key={search} />
      {events === undefined ? (
        <EmptyState>Correct the filter to see events.</EmptyState>
      ) : (
        <>
          <Table
            caption="Webhook events, newest first"
            rows={events.rows}
            keyOf={({ id }) => id}
            empty={
              isFiltered
                ? 'No event is like that: widen the filter.'
                : 'There are no events yet: wallets are told here of what happens to their payments.'
            }
            columns={[
              {
                name: 'Type',
                cell: ({ type, data }) => {
                  const page = pageOfResource(type, data)
                  const code = <code className="break-all font-mono text-sm">{type}</code>
                  if (page === undefined) return code
                  return (
                    <Link to={page} className="text-accent underline">
                      {code}
                    </Link>
                  )
                }
              },
              { name: 'Date', cell: ({ createdAt }) => <DateTime value={createdAt} /> },
              { name: 'Deliveries', cell: ({ deliveries }) => <Deliveries deliveries={deliveries} /> },
              { name: 'Tenant', cell: ({ tenant }) => <TenantName tenant={tenant} /> },
              {
                name: 'Actions',
                cell: ({ id, deliveries }) => (
                  <div className="flex flex-wrap gap-2">
                    <LinkButton to={dialog('data', id)}>Data</LinkButton>
                    {deliveries.some(({ state }) => state === 'FAILED') && (
                      <LinkButton to={dialog('send-again', id)}>Send again</LinkButton>
                    )}
                  </div>
                )
              }
            ]}
          />
          <Pagination pageInfo={events.pageInfo} />
        </>
      )}
      <Outlet />
    </Page>
  )
}
