/**
 * The double-entry ledger: one port, several stores.
 *
 *   model.ts           the port: accounts, transfers, results, what a store and the writer must do
 *   transfer-rules.ts  rules that need no store: flags, refusals that depend on the record alone, limits
 *   writer.ts          group commit: what arrives during one flush is the next batch
 *   memory/            the model: exact, gone with the process; the other stores are held to it
 *   postgres/          running balances in PostgreSQL, one round trip per batch, durable
 *   tigerbeetle/       a TigerBeetle cluster, through its own client in bounded calls
 *   totals.ts          sums over accounts, for audits
 *
 * For tests: contract.ts and contract/ (what every store must do), model-based.ts and model-based/
 * (histories beside the model).
 */
export * from './model.ts'
export { MAX_QUERY_TRANSFERS } from './transfer-rules.ts'
export { DEFAULT_MAX_QUEUED_EVENTS, createLedgerWriter } from './writer.ts'
export type { LedgerWriterOptions } from './writer.ts'
export { createMemoryLedger } from './memory/ledger.ts'
export { DEFAULT_MAX_ATTEMPTS, DEFAULT_SWEEP_LIMIT, createPostgresLedger } from './postgres/ledger.ts'
export type { PostgresLedgerOptions } from './postgres/ledger.ts'
export { postgresLedgerMigrations } from './postgres/migrations.ts'
export {
  DEFAULT_MAX_UNANSWERED_CALLS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  TigerBeetleUnavailableError
} from './tigerbeetle/calls.ts'
export type { TigerBeetleFailure } from './tigerbeetle/calls.ts'
export { createTigerBeetleLedger } from './tigerbeetle/ledger.ts'
export type { TigerBeetleLedgerOptions } from './tigerbeetle/ledger.ts'
