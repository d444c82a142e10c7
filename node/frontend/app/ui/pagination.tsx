import { Link, useLocation } from '@remix-run/react'
import type { PageInfo } from './page-info.ts'

/** To the pages before and after this one; filters stay. */
export function Pagination({ pageInfo }: { pageInfo: PageInfo }) {
  const { pathname, search } = useLocation()
  const to = (name: 'before' | 'after', cursor: string) => {
    const query = new URLSearchParams(search)
    for (const key of ['before', 'after', 'first', 'last']) query.delete(key)
    query.set(name, cursor)
    return `${pathname}?${query.toString()}`
  }
  const { hasPreviousPage, startCursor, hasNextPage, endCursor } = pageInfo
  const previous = hasPreviousPage && startCursor != null ? to('before', startCursor) : undefined
  const next = hasNextPage && endCursor != null ? to('after', endCursor) : undefined
  if (previous === undefined && next === undefined) return null
  return (
    <nav aria-label="Pagination" className="flex justify-between gap-4">
      <span>
        {previous !== undefined && (
          <Link to={previous} rel="prev" className="text-accent underline">
            Previous page
          </Link>
        )}
      </span>
      <span>
        {next !== undefined && (
          <Link to={next} rel="next" className="text-accent underline">
            Next page
          </Link>
        )}
      </span>
    </nav>
  )
}
