import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import type { Database } from '../../runtime/index.ts'
import { describeLedgerContract } from '../contract.ts'
import { createPostgresLedger } from './ledger.ts'
import { postgresLedgerMigrations } from './migrations.ts'

/** The same SQL in the PostgreSQL that runs inside the process, as in the virtual world. */

let server: PGlite

beforeAll(async () => {
  server = await PGlite.create()
  for (const { up } of postgresLedgerMigrations) await server.exec(up)
}, 60_000)
afterAll(() => server?.close())

/** As much of the query builder as the ledger uses: statements with `?` for parameters. */
function knexOn(pglite: PGlite): Database['knex'] {
  const raw = (sql: string, parameters: readonly unknown[]) => {
    let position = 0
    return pglite.query(
      sql.replaceAll('?', () => `$${++position}`),
      [...parameters]
    )
  }
  return { raw } as unknown as Database['knex']
}

describeLedgerContract('postgres in the process', async () => {
  await server.exec(
    'TRUNCATE "ledgerAccounts", "ledgerTransfers", "ledgerPendingTransfers", "ledgerRefusedTransfers"'
  )
  const clock = createManualClock()
  return { ledger: createPostgresLedger({ database: { knex: knexOn(server) }, clock }), clock }
})
