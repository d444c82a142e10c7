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
