import type { Knex } from 'knex'

/** A page of a list ordered by ("createdAt", id): `after` and `before` are ids of rows, as cursors of the contract are. */
export interface PageRequest {
  after?: string | null
  before?: string | null
  first?: number | null
  last?: number | null
  /** Anything but `ASC` is `DESC`: newest first. */
  sortOrder?: 'ASC' | 'DESC' | null
}

/** Rows of a page in the order asked for, and whether there are more on either side. */
export interface Page<Row> {
  rows: Row[]
  hasNextPage: boolean
  hasPreviousPage: boolean
}

export const DEFAULT_PAGE_SIZE = 20
export const MAX_PAGE_SIZE = 100

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** What is wrong with a request for a page, in the contract's words; undefined where nothing is. */
export function pageRequestProblem({ first, last, before }: PageRequest): string | undefined {
  for (const size of [first, last]) {
    if (size != null && (!Number.isInteger(size) || size < 0 || size > MAX_PAGE_SIZE)) {
      return 'Pagination index error'
    }
  }
  return last != null && before == null ? "Can't paginate backwards from the start." : undefined
}

/** Raised for a request with a problem: APIs check before they ask. */
export class PageRequestError extends Error {
  override name = 'PageRequestError'
}

/** Columns that say whose a list is, with their values; undefined: everybody's. */
export type ListOwner = Record<string, string | undefined>

/**
 * The rows of one page. `select` builds the filtered query, afresh for every statement, on `table` or on something
 * that has its name (the same filters serve the look for neighbours); rows need `id` and `createdAt`. `of` says whose
 * the list is, by columns that never change: a cursor of another list is one of nothing, and that gives an empty page.
 * A row that left the list meanwhile stays a cursor.
 *
 * @param tables where cursors are looked up, for a list that is made of several tables
 * @throws PageRequestError for what `pageRequestProblem` names
 */
export async function selectPage<Row extends { id: string }>(
  table: string,
  select: () => Knex.QueryBuilder,
  request: PageRequest,
  of: ListOwner = {},
  tables: readonly string[] = [table]
): Promise<Page<Row>> {
  const problem = pageRequestProblem(request)
  if (problem !== undefined) throw new PageRequestError(problem)
  const nothing: Page<Row> = { rows: [], hasNextPage: false, hasPreviousPage: false }
  const { after, before } = request
  const cursor = after ?? before ?? undefined
  if (cursor !== undefined && !UUID.test(cursor)) return nothing
  const owner = Object.entries(of).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const position = tables
    .map(() => `SELECT "createdAt", id FROM ?? WHERE id = ?${' AND ?? = ?'.repeat(owner.length)}`)
    .join(' UNION ALL ')

  /** The rows on one side of a row, nearest first; without one, from that end of the list. */
  async function beyond(id: string | undefined, ascending: boolean, limit: number): Promise<Row[]> {
    const key = [`${table}.createdAt`, `${table}.id`]
    const query = select()
    if (id !== undefined) {
      const bindings = tables.flatMap((name) => [name, id, ...owner.flat()])
      void query.whereRaw(`(??, ??) ${ascending ? '>' : '<'} (${position})`, [...key, ...bindings])
    }
    for (const column of key) void query.orderBy(column, ascending ? 'asc' : 'desc')
    return (await query.limit(limit)) as Row[]
  }

  // `before` reads towards the start of the list and turns the rows round; `first: 0` asks for the default.
  const backwards = after == null && before != null
  const size = (backwards ? (request.last ?? request.first) : request.first) || DEFAULT_PAGE_SIZE
  const ascending = (request.sortOrder === 'ASC') !== backwards
  const found = await beyond(cursor, ascending, size + 1)
  const rows = found.slice(0, size)
  const [nearest] = rows
  if (nearest === undefined) return nothing
  const moreAhead = found.length > size
  const moreBehind = cursor !== undefined && (await beyond(nearest.id, !ascending, 1)).length > 0
  return backwards
    ? { rows: rows.reverse(), hasNextPage: moreBehind, hasPreviousPage: moreAhead }
    : { rows, hasNextPage: moreAhead, hasPreviousPage: moreBehind }
}
