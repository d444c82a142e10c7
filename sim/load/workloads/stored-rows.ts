import type { Runtime } from '../../../node/runtime/index.ts'
import type { ReconciledCount, Reconciliation } from '../engine/model.ts'
import { describeOutcomes } from './reconcile.ts'

/** How many rows a table has that meet a condition; the table and condition are the program's own. */
export async function countRows(
  runtime: Pick<Runtime, 'openDatabase'>,
  url: string,
  table: string,
  condition = 'true'
): Promise<number> {
  const database = runtime.openDatabase({ url, maxConnections: 1 })
  try {
    const { rows } = await database.knex.raw<{ rows: [{ count: string }] }>(
      `SELECT count(*)::text AS count FROM ?? WHERE ${condition}`,
      [table]
    )
    return Number(rows[0].count)
  } finally {
    await database.close()
  }
}

/** What the generator made of one kind, and how many of them a node has stored since the run began. */
export interface StoredRows {
  what: string
  made: number
  stored: number
}

/**
 * What was made is stored, each once. More may be stored than the generator knows of, as many as it was told something
 * else of, or nothing: those are orphans.
 */
export function reconcileRows(
  rows: readonly StoredRows[],
  failures: Readonly<Record<string, number>>
): Reconciliation {
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
  const counts: ReconciledCount[] = []
  const orphans: Reconciliation['orphans'] = []
  const problems: string[] = []
  for (const { what, made, stored } of rows) {
    counts.push({ what: `generator: ${what}`, count: made }, { what: `stored: ${what}`, count: stored })
    const more = stored - made
    if (more < 0) problems.push(`${what}: ${made} were made, ${stored} are stored`)
    else if (more > failed) problems.push(`${what}: ${stored} are stored, ${made} were made`)
    else if (more > 0) {
      orphans.push({
        where: what,
        count: more,
        amount: '0',
        cause: `stored, though the generator was told ${describeOutcomes(failures)}`
      })
    }
  }
  return { ok: problems.length === 0, counts, orphans, problems }
}
