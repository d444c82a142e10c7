import knexModule from 'knex'
import type { Knex } from 'knex'
import pg from 'pg'

interface Statement {
  sql: string
  bindings: readonly unknown[]
}
interface Answer {
  rows: { 'QUERY PLAN': [{ Plan: Record<string, number> }] }[]
}

/** Executions after which PostgreSQL may take a general plan for a prepared statement (manual, PREPARE). */
const CUSTOM_PLANS = 5

/**
 * A connection that tells how many blocks of 8 KiB statements look at. They are prepared and run often, as a
 * service's connections do: a general plan can look at far more than one for the values at hand.
 */
export function openMeasured(url: string) {
  const knex = knexModule({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  const prepared = new Map<string, string>()

  async function blocksOf({ sql, bindings }: Statement): Promise<number> {
    if (!prepared.has(sql)) {
      prepared.set(sql, `measured_${prepared.size}`)
      await run(`PREPARE ${prepared.get(sql)!} AS ${sql}`)
    }
    const values = bindings.map((value) =>
      pg.escapeLiteral(value instanceof Date ? value.toISOString() : String(value))
    )
    const execute = `EXECUTE ${prepared.get(sql)!} (${values.join()})`
    for (let time = 0; time < CUSTOM_PLANS; time++) await run(execute)
    const { rows } = (await run(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${execute}`)) as Answer
    const { Plan } = rows[0]!['QUERY PLAN'][0]
    return Plan['Shared Hit Blocks']! + Plan['Shared Read Blocks']!
  }

  /** Literals hold `?`s that are no parameters. */
  const run = (sql: string): Promise<unknown> => knex.raw(sql.replaceAll('?', '\\?'))

  return {
    knex: knex as Knex,
    /** What `work` answers on this connection, its statements, and the blocks that these look at in all. */
    async measure<Result>(work: () => Promise<Result>) {
      const statements: Statement[] = []
      const note = (statement: Statement) => void statements.push(statement)
      knex.on('query', note)
      const result = await work()
      knex.removeListener('query', note)
      let blocks = 0
      for (const statement of statements) blocks += await blocksOf(statement)
      return { result, statements: statements.length, blocks }
    },
    close: () => knex.destroy()
  }
}
