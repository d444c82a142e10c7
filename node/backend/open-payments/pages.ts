import type { Page, PageRequest } from '../../pagination/index.ts'
import { refuse } from './errors.ts'
import type { Refusal } from './errors.ts'

/** The page that a collection's query asks for, newest first. Numbers are what the OpenAPI validation made of them. */
export function pageRequest(query: Record<string, unknown>): PageRequest | Refusal {
  const first = query.first as number | undefined
  const last = query.last as number | undefined
  const cursor = query.cursor as string | undefined
  if (first !== undefined && last !== undefined) return refuse(400, 'first and last are mutually exclusive')
  if (last !== undefined) {
    return cursor === undefined
      ? refuse(400, 'last requires cursor')
      : { last, before: cursor, sortOrder: 'DESC' }
  }
  return {
    ...(first !== undefined && { first }),
    ...(cursor !== undefined && { after: cursor }),
    sortOrder: 'DESC'
  }
}

/** A page's body (Open Payments, page-info): an empty page has no cursors. */
export function serializePage<Row extends { id: string }, Body>(
  page: Page<Row>,
  serialize: (row: Row, index: number) => Body
) {
  const { rows, hasNextPage, hasPreviousPage } = page
  return {
    pagination: {
      ...(rows.length > 0 && { startCursor: rows[0]!.id, endCursor: rows.at(-1)!.id }),
      hasNextPage,
      hasPreviousPage
    },
    result: rows.map(serialize)
  }
}
