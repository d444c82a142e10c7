import { useLocation, useRouteLoaderData } from '@remix-run/react'
import type { ListLoader } from './list.page.tsx'

/** The list's own route, by its file. */
const LIST = 'webhook-events/list.page'

/** The event of the list that a dialog's address names, and the list that it leads back to. */
export function useShownEvent() {
  const list = useRouteLoaderData<ListLoader>(LIST)
  const query = new URLSearchParams(useLocation().search)
  const id = query.get('event')
  query.delete('event')
  const search = query.toString()
  return {
    event: list?.events?.rows.find((event) => event.id === id),
    parent: search === '' ? '/webhook-events' : `/webhook-events?${search}`
  }
}
