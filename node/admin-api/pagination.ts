import { pageRequestProblem } from '../pagination/index.ts'
import type { Page, PageRequest } from '../pagination/index.ts'
import { adminError } from './errors.ts'

export interface Connection<Row> {
  edges: { node: Row; cursor: string }[]
  pageInfo: {
    startCursor: string | null
    endCursor: string | null
    hasNextPage: boolean
    hasPreviousPage: boolean
  }
}

/**
 * Refuses a page that cannot be asked for.
 *
 * @throws a GraphQL error with the code BAD_USER_INPUT
 */
export function checkPageRequest(request: PageRequest): void {
  const problem = pageRequestProblem(request)
  if (problem !== undefined) throw adminError('BAD_USER_INPUT', problem)
}

/** A page as a Relay connection. */
export function toConnection<Row extends { id: string }>(page: Page<Row>): Connection<Row> {
  const { rows, hasNextPage, hasPreviousPage } = page
  return {
    edges: rows.map((row) => ({ node: row, cursor: row.id })),
    pageInfo: {
      startCursor: rows[0]?.id ?? null,
      endCursor: rows.at(-1)?.id ?? null,
      hasNextPage,
      hasPreviousPage
    }
  }
}
