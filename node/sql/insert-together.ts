import type { Knex } from 'knex'

/** A row of a table, or several. */
export type TableRows = readonly [table: string, rows: object | readonly object[]]

/**
 * Inserts rows of several tables by one statement: one round trip and one commit, all or nothing. References
 * between them are checked at its end. Tables without rows are passed over.
 */
export async function insertTogether(knex: Knex, rows: readonly TableRows[]): Promise<void> {
  const inserts = rows
    .filter(([, of]) => !Array.isArray(of) || of.length > 0)
    .map(([table, of]) => knex(table).insert(of).toSQL())
  const [first, ...others] = inserts
  if (first === undefined) return
  const before = others.map(({ sql }, index) => `row${index} AS (${sql})`)
  const sql = before.length === 0 ? first.sql : `WITH ${before.join(', ')} ${first.sql}`
  await knex.raw(sql, [...others, first].flatMap(({ bindings }) => bindings) as never)
}
