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

/** How the rows of a page are read: from a row, or from an end of the list, onwards. */
export interface PagePlan {
  cursor?: string
  /** Read towards the start of the list: the rows are turned round afterwards. */
  backwards: boolean
  ascending: boolean
  /** Rows of the page; one more is read, to know whether there is one. */
  size: number
}

/**
 * The plan for a request; undefined where its cursor can be no row's: that page is empty.
 *
 * @throws PageRequestError for what `pageRequestProblem` names
 */
export function planOf(request: PageRequest): PagePlan | undefined {
  const problem = pageRequestProblem(request)
  if (problem !== undefined) throw new PageRequestError(problem)
  const { after, before } = request
  const cursor = after ?? before ?? undefined
  if (cursor !== undefined && !UUID.test(cursor)) return undefined
  const backwards = after == null && before != null
  return {
    ...(cursor !== undefined && { cursor }),
    backwards,
    ascending: (request.sortOrder === 'ASC') !== backwards,
    // `first: 0` asks for the default.
    size: (backwards ? (request.last ?? request.first) : request.first) || DEFAULT_PAGE_SIZE
  }
}

/** The page of what was found by its plan: at most one row more than its size, in the order of reading. */
export function pageOf<Row>(
  { backwards, size }: PagePlan,
  found: readonly Row[],
  moreBehind: boolean
): Page<Row> {
  if (found.length === 0) return emptyPage()
  const rows = found.slice(0, size)
  const moreAhead = found.length > size
  return backwards
    ? { rows: rows.reverse(), hasNextPage: moreBehind, hasPreviousPage: moreAhead }
    : { rows, hasNextPage: moreAhead, hasPreviousPage: moreBehind }
}

export function emptyPage<Row>(): Page<Row> {
  return { rows: [], hasNextPage: false, hasPreviousPage: false }
}
