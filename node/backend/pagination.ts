import type { Knex } from 'knex'
import { failure } from './model.ts'
import type { Failure } from './model.ts'
import { isUuid } from './sql.ts'

/** A page of a list ordered by (createdAt, id): `after`/`before` are ids of rows, as cursors of the contract are. */
export interface PageRequest {
  after?: string
  before?: string
  first?: number
  last?: number
  sortOrder?: 'ASC' | 'DESC'
}

export const DEFAULT_PAGE_SIZE = 20
export const MAX_PAGE_SIZE = 100

/** Rows of a page in the order asked for, and whether there are more on either side. */
export interface Page<Row> {
  rows: Row[]
  hasNextPage: boolean
  hasPreviousPage: boolean
}

/** Raised for a request that `checkPageRequest` refuses: APIs check before they ask. */
export class PageRequestError extends Error {
  override name = 'PageRequestError'
}

/** What is wrong with a request for a page, in the contract's words; undefined when nothing is. */
export function checkPageRequest(request: PageRequest): Failure<'InvalidPage'> | undefined {
  const { first, last, before } = request
  for (const size of [first, last]) {
    if (size == null) continue
    if (!Number.isInteger(size) || size < 0 || size > MAX_PAGE_SIZE) {
      return failure('InvalidPage', 'Pagination index error')
    }
  }
  if (last != null && before == null)
    return failure('InvalidPage', "Can't paginate backwards from the start.")
  return undefined
}

/** Columns that say whose a list is, with their values; undefined: everybody's. */
export type ListOwner = Record<string, string | undefined>

/**
 * The rows of one page. `select` builds the filtered query on `table` (the same filters serve the look for
 * neighbours); rows need `id` and `createdAt`. `of` says whose the list is, by columns that never change: a cursor
 * of another list is one of nothing, and that gives an empty page. A row that left the list meanwhile stays a cursor.
 *
 * @throws PageRequestError for what `checkPageRequest` refuses
 */
export async function selectPage<Row extends { id: string }>(
  table: string,
  select: () => Knex.QueryBuilder,
  request: PageRequest,
  of: ListOwner = {}
): Promise<Page<Row>> {
  const refused = checkPageRequest(request)
  if (refused) throw new PageRequestError(refused.message)
  const empty: Page<Row> = { rows: [], hasNextPage: false, hasPreviousPage: false }
  const { after, before } = request
  const backwards = after == null && before != null
  const cursor = after ?? before
  if (cursor != null && !isUuid(cursor)) return empty

  // `first: 0` and `last: 0` ask for the default size, as in the contract.
  const size = (backwards ? (request.last ?? request.first) : request.first) || DEFAULT_PAGE_SIZE
  const ascending = (request.sortOrder === 'ASC') !== backwards
  const found = (await rowsBeyond(table, select(), { cursor, of, ascending, limit: size + 1 })) as Row[]
  const rows = found.slice(0, size)
  if (rows.length === 0) return empty
  const moreAhead = found.length > size
  const moreBehind =
    cursor != null &&
    (await rowsBeyond(table, select(), { cursor: rows[0]!.id, of, ascending: !ascending, limit: 1 })).length >
      0
  return backwards
    ? { rows: rows.reverse(), hasNextPage: moreBehind, hasPreviousPage: moreAhead }
    : { rows, hasNextPage: moreAhead, hasPreviousPage: moreBehind }
}

async function rowsBeyond(
  table: string,
  query: Knex.QueryBuilder,
  {
    cursor,
    of,
    ascending,
    limit
  }: { cursor: string | null | undefined; of: ListOwner; ascending: boolean; limit: number }
): Promise<unknown[]> {
  const direction = ascending ? 'asc' : 'desc'
  const owner = Object.entries(of).filter((entry): entry is [string, string] => entry[1] !== undefined)
  if (cursor != null) {
    query.whereRaw(
      `(??, ??) ${ascending ? '>' : '<'} (SELECT "createdAt", id FROM ?? WHERE id = ?${' AND ?? = ?'.repeat(owner.length)})`,
      [`${table}.createdAt`, `${table}.id`, table, cursor, ...owner.flat()]
    )
  }
  return query.orderBy(`${table}.createdAt`, direction).orderBy(`${table}.id`, direction).limit(limit)
}
