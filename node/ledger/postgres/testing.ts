import {
  createLogger,
  createManualClock,
  createSystemClock,
  createSystemNetwork,
  openDatabase
} from '../../runtime/index.ts'
import type { Database, ManualClock } from '../../runtime/index.ts'
import { createTestDatabase } from '../../runtime/testing.ts'
import type { AuditableLedger } from '../model.ts'
import { createPostgresLedger } from './ledger.ts'
import { postgresLedgerMigrations } from './migrations.ts'

/** PostgreSQL ledgers for tests: one database with the schema, emptied for each ledger that is asked for. */
export interface LedgerDatabase {
  url: string
  database: Database
  /** An empty ledger with a clock of its own, and the same one as a second process has it. */
  emptyLedger(): Promise<{ ledger: AuditableLedger; other: AuditableLedger; clock: ManualClock }>
  /** Another connection pool to the same database, as a second process would have. */
  open(): Database
  drop(): Promise<void>
}

export async function createLedgerDatabase(adminUrl: string): Promise<LedgerDatabase> {
  const { url, drop } = await createTestDatabase(adminUrl)
  const logger = createLogger({ name: 'test', level: 'warn' })
  const opened: Database[] = []
  const open = () => {
    const parts = { network: createSystemNetwork(), clock: createSystemClock(), logger }
    const another = openDatabase(parts, { url, maxConnections: 8 })
    opened.push(another)
    return another
  }
  const database = open()
  const secondPool = open()
  await database.migrate('ledger', postgresLedgerMigrations)
  return {
    url,
    database,
    open,
    async emptyLedger() {
      await database.knex.raw(
        'TRUNCATE "ledgerAccounts", "ledgerTransfers", "ledgerPendingTransfers", "ledgerRefusedTransfers"'
      )
      const clock = createManualClock()
      return {
        ledger: createPostgresLedger({ database, clock }),
        other: createPostgresLedger({ database: secondPool, clock }),
        clock
      }
    },
    async drop() {
      for (const each of opened) await each.close()
      await drop()
    }
  }
}
