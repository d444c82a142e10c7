import type { Knex } from 'knex'
import { emptyPage, pageOf, planOf } from './plan.ts'
import type { Page, PageRequest } from './plan.ts'

/** Columns that say whose a list is, with their values; undefined: everybody's. */
export type ListOwner = Record<string, string | undefined>

/** Restricts a query on the named table, or on what has that name, to the rows that a statement reads, in its order. */
export type Nearest = (query: Knex.QueryBuilder, name: string) => Knex.QueryBuilder

/**
 * The rows of one page. `select` builds the filtered query, afresh for every statement, on `table` or on something
 * that has its name (the same filters serve the look for neighbours); rows need `id` and `createdAt`. `of` says whose
 * the list is, by columns that never change: a cursor of another list is one of nothing, and that gives an empty page.
 * A row that left the list meanwhile stays a cursor.
 *
 * A list that is made of several queries restricts each of them by `nearest` too: PostgreSQL sorts all rows of a part of
 * a union that has conditions, whatever the union's order and limit are.
 *
 * @param tables where cursors are looked up, for a list that is made of several tables
 * @throws PageRequestError for what `pageRequestProblem` names
 */
export async function selectPage<Row extends { id: string }>(
  table: string,
  select: (nearest: Nearest) => Knex.QueryBuilder,
  request: PageRequest,
  of: ListOwner = {},
  tables: readonly string[] = [table]
): Promise<Page<Row>> {
  const plan = planOf(request)
  if (plan === undefined) return emptyPage()
  const owner = Object.entries(of).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const position = tables
    .map(() => `SELECT "createdAt", id FROM ?? WHERE id = ?${' AND ?? = ?'.repeat(owner.length)}`)
    .join(' UNION ALL ')

  /** The rows on one side of a row, nearest first; without one, from that end of the list. */
  async function beyond(id: string | undefined, ascending: boolean, limit: number): Promise<Row[]> {
    const nearest: Nearest = (query, name) => {
      const key = [`${name}.createdAt`, `${name}.id`]
      if (id !== undefined) {
        const bindings = tables.flatMap((each) => [each, id, ...owner.flat()])
        void query.whereRaw(`(??, ??) ${ascending ? '>' : '<'} (${position})`, [...key, ...bindings])
      }
      for (const column of key) void query.orderBy(column, ascending ? 'asc' : 'desc')
      return query.limit(limit)
    }
    return (await nearest(select(nearest), table)) as Row[]
  }

  const { cursor, ascending, size } = plan
  const found = await beyond(cursor, ascending, size + 1)
  const nearest = found[0]?.id
  const looksBehind = cursor !== undefined && nearest !== undefined
  return pageOf(plan, found, looksBehind && (await beyond(nearest, !ascending, 1)).length > 0)
}
