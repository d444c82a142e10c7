import type { Knex } from 'knex'
import { adminError } from './errors.ts'

/** The arguments of a Relay connection: cursors are ids of rows. */
export interface PageRequest {
  after?: string | null
  before?: string | null
  first?: number | null
  last?: number | null
  /** Anything but `ASC` is `DESC`. */
  sortOrder?: 'ASC' | 'DESC' | null
}

export interface Page<Row> {
  rows: Row[]
  hasNextPage: boolean
  hasPreviousPage: boolean
}

export interface Connection<Row> {
  edges: { node: Row; cursor: string }[]
  pageInfo: {
    startCursor: string | null
    endCursor: string | null
    hasNextPage: boolean
    hasPreviousPage: boolean
  }
}

export const DEFAULT_PAGE_SIZE = 20
export const MAX_PAGE_SIZE = 100

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Refuses a page that cannot be asked for.
 *
 * @throws a GraphQL error with the code BAD_USER_INPUT
 */
export function checkPageRequest({ first, last, before }: PageRequest): void {
  for (const size of [first, last]) {
    if (size != null && (size < 0 || size > MAX_PAGE_SIZE)) {
      throw adminError('BAD_USER_INPUT', 'Pagination index error')
    }
  }
  if (last != null && before == null) {
    throw adminError('BAD_USER_INPUT', "Can't paginate backwards from the start.")
  }
}

/**
 * One page of a table ordered by ("createdAt", id). `select` gives the filtered query, afresh for every
 * statement. A cursor that does not exist, or is outside the filter, gives an empty page.
 *
 * @throws a GraphQL error with the code BAD_USER_INPUT for what `checkPageRequest` refuses
 */
export async function selectPage<Row extends { id: string }>(
  table: string,
  select: () => Knex.QueryBuilder,
  request: PageRequest
): Promise<Page<Row>> {
  checkPageRequest(request)
  const { after, before, sortOrder } = request
  const cursor = after ?? before ?? undefined
  const nothing: Page<Row> = { rows: [], hasNextPage: false, hasPreviousPage: false }
  if (cursor !== undefined) {
    if (!UUID.test(cursor)) return nothing
    const found: unknown[] = await select().where(`${table}.id`, cursor).limit(1)
    if (found.length === 0) return nothing
  }
  // `before` reads towards the start of the list and turns the rows round; `first: 0` asks for the default.
  const backwards = after == null && before != null
  const size = (backwards ? (request.last ?? request.first) : request.first) || DEFAULT_PAGE_SIZE
  const ascending = (sortOrder === 'ASC') !== backwards
  const found = await rowsBeyond<Row>(table, select(), { cursor, ascending, limit: size + 1 })
  const rows = found.slice(0, size)
  const [nearest] = rows
  if (nearest === undefined) return nothing
  const moreAhead = found.length > size
  const behind = { cursor: nearest.id, ascending: !ascending, limit: 1 }
  const moreBehind = cursor !== undefined && (await rowsBeyond<Row>(table, select(), behind)).length > 0
  return backwards
    ? { rows: rows.reverse(), hasNextPage: moreBehind, hasPreviousPage: moreAhead }
    : { rows, hasNextPage: moreAhead, hasPreviousPage: moreBehind }
}

async function rowsBeyond<Row>(
  table: string,
  query: Knex.QueryBuilder,
  { cursor, ascending, limit }: { cursor: string | undefined; ascending: boolean; limit: number }
): Promise<Row[]> {
  if (cursor !== undefined) {
    void query.whereRaw(`(??, ??) ${ascending ? '>' : '<'} (SELECT "createdAt", id FROM ?? WHERE id = ?)`, [
      `${table}.createdAt`,
      `${table}.id`,
      table,
      cursor
    ])
  }
  const direction = ascending ? 'asc' : 'desc'
  const rows: unknown = await query
    .orderBy(`${table}.createdAt`, direction)
    .orderBy(`${table}.id`, direction)
    .limit(limit)
  return rows as Row[]
}

/** A page as a Relay connection. */
export function toConnection<Row extends { id: string }, Node = Row>(
  { rows, hasNextPage, hasPreviousPage }: Page<Row>,
  toNode: (row: Row) => Node = (row) => row as unknown as Node
): Connection<Node> {
  return {
    edges: rows.map((row) => ({ node: toNode(row), cursor: row.id })),
    pageInfo: {
      startCursor: rows[0]?.id ?? null,
      endCursor: rows.at(-1)?.id ?? null,
      hasNextPage,
      hasPreviousPage
    }
  }
}
