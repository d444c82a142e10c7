import type { Migration } from '../../runtime/index.ts'
import { accountsSql } from './accounts-sql.ts'
import { orderedBatchSql } from './ordered-batch-sql.ts'
import { plainBatchSql } from './plain-batch-sql.ts'
import { schemaSql } from './schema-sql.ts'
import { sweepSql } from './sweep-sql.ts'

/** The PostgreSQL ledger's schema: `database.migrate('ledger', postgresLedgerMigrations)`. */
export const postgresLedgerMigrations: readonly Migration[] = [
  { name: '001-accounts-and-transfers', up: schemaSql },
  { name: '002-create-accounts', up: accountsSql },
  { name: '003-create-transfers', up: orderedBatchSql + plainBatchSql },
  { name: '004-sweep-expired', up: sweepSql }
]
