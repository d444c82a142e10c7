import type { Knex } from 'knex'
import { emptyPage, pageOf, planOf } from './plan.ts'
import type { Page, PageRequest } from './plan.ts'

/** Lists of one kind, of which every owner has one. */
export interface OwnedLists {
  table: string
  /** The column with the owner's id (a UUID), which never changes. An index on it, "createdAt" and id serves a page. */
  ownerColumn: string
  /** Builds the query on `table`, with its filters, but for the owner: afresh for every statement. */
  select: () => Knex.QueryBuilder
}

/**
 * The same page of many owners' lists, in the order of `ownerIds`: each is what `selectPage` gives for that owner.
 * One statement for all of them, and a second one, for what lies behind, where the request has a cursor.
 *
 * @throws PageRequestError for what `pageRequestProblem` names
 */
export async function selectPages<Row extends { id: string }>(
  knex: Knex,
  { table, ownerColumn, select }: OwnedLists,
  ownerIds: readonly string[],
  request: PageRequest
): Promise<Page<Row>[]> {
  const plan = planOf(request)
  if (plan === undefined || ownerIds.length === 0) return ownerIds.map(() => emptyPage())
  const [owner, createdAt, id] = [ownerColumn, 'createdAt', 'id'].map((column) => `${table}.${column}`)

  /** By owner, the rows on one side of a row of his, nearest first; without a row, from that end of his list. */
  async function beyond(
    cursors: readonly (string | undefined)[],
    ascending: boolean,
    limit: number
  ): Promise<Row[][]> {
    const direction = ascending ? 'asc' : 'desc'
    const list = select().whereRaw('?? = asked.owner', [owner!])
    if (cursors.some((cursor) => cursor !== undefined)) {
      void list.whereRaw(
        `(??, ??) ${ascending ? '>' : '<'} (SELECT "createdAt", id FROM ?? WHERE id = asked.cursor AND ?? = asked.owner)`,
        [createdAt!, id!, table, ownerColumn]
      )
    }
    void list.orderBy(createdAt!, direction).orderBy(id!, direction).limit(limit)
    const { rows } = await knex.raw<{ rows: (Row & { askedPlace: bigint })[] }>(
      `SELECT page.*, asked.place AS "askedPlace"
       FROM unnest(?::uuid[], ?::uuid[]) WITH ORDINALITY AS asked (owner, cursor, place)
       CROSS JOIN LATERAL (?) AS page
       ORDER BY page."createdAt" ${direction}, page.id ${direction}`,
      [ownerIds, cursors.map((cursor) => cursor ?? null), list] as never
    )
    const found = ownerIds.map((): Row[] => [])
    for (const { askedPlace, ...row } of rows) found[Number(askedPlace) - 1]!.push(row as unknown as Row)
    return found
  }

  const { cursor, ascending, size } = plan
  const found = await beyond(
    ownerIds.map(() => cursor),
    ascending,
    size + 1
  )
  const nearest = found.map(([row]) => row?.id)
  const looksBehind = cursor !== undefined && nearest.some((row) => row !== undefined)
  const behind = looksBehind ? await beyond(nearest, !ascending, 1) : []
  return found.map((rows, place) => pageOf(plan, rows, (behind[place]?.length ?? 0) > 0))
}

/** Pages of what their rows stand for: `read` is asked once for the rows of all pages, and answers in their order. */
export async function mapPages<Row, Entry>(
  pages: readonly Page<Row>[],
  read: (rows: Row[]) => Promise<Entry[]>
): Promise<Page<Entry>[]> {
  const rows = pages.flatMap((page) => page.rows)
  const entries = rows.length === 0 ? [] : await read(rows)
  let offset = 0
  return pages.map((page) => ({ ...page, rows: entries.slice(offset, (offset += page.rows.length)) }))
}
