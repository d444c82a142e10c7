import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createPostgresLedger, postgresLedgerMigrations } from '../../../node/ledger/index.ts'
import { createSystemRuntime } from '../../../node/runtime/index.ts'
import type { Database, Runtime } from '../../../node/runtime/index.ts'
import { createHistoryClock, fillHistory, historyTransfers } from './ledger-history.ts'
import { auditBooks, expectAll, openBooks } from './ledger-books.ts'
import type { Books } from './ledger-books.ts'

let runtime: Runtime
let admin: Database
const names: string[] = []
const opened: Database[] = []

beforeAll(() => {
  runtime = createSystemRuntime({ name: 'test', logLevel: 'warn' })
  admin = runtime.openDatabase({ url: inject('postgresUrl'), maxConnections: 1 })
})
afterAll(async () => {
  for (const database of opened) await database.close()
  for (const name of names) await admin.knex.raw(`DROP DATABASE "${name}" WITH (FORCE)`)
  await admin.close()
  runtime.kill()
})

async function openLedgerDatabase(label: string): Promise<Database> {
  const name = `history_${label}_${process.pid}`
  await admin.knex.raw(`CREATE DATABASE "${name}"`)
  names.push(name)
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  const database = runtime.openDatabase({ url: url.href, maxConnections: 2 })
  opened.push(database)
  await database.migrate('ledger', postgresLedgerMigrations)
  return database
}

/** All that the ledger's schema holds, and its indexes. */
async function everything({ knex }: Database): Promise<unknown> {
  const tables = ['ledgerAccounts', 'ledgerTransfers', 'ledgerPendingTransfers', 'ledgerRefusedTransfers']
  const rows = await Promise.all(
    tables.map(async (table) => [table, await knex.select('*').from(table).orderBy('id')] as const)
  )
  const { rows: indexes } = await knex.raw<{ rows: unknown[] }>(
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
  )
  const { rows: constraints } = await knex.raw<{ rows: unknown[] }>(
    `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     ORDER BY conname`
  )
  const { rows: next } = await knex.raw<{ rows: unknown[] }>(`SELECT nextval('"ledgerTimestamps"')`)
  return { ...Object.fromEntries(rows), indexes, constraints, next }
}

it('fills in bulk exactly what the ledger would have written', async () => {
  const pairs = 150
  const accountCount = 7
  const databases = [await openLedgerDatabase('bulk'), await openLedgerDatabase('booked')] as const
  const booksOf = (database: Database): Promise<Books> => {
    let id = 1_000n
    return openBooks(
      createPostgresLedger({ database, clock: createHistoryClock(0) }),
      accountCount,
      () => id++
    )
  }

  const [bulk, booked] = databases
  const books = await booksOf(bulk)
  const { accounts } = books
  const history = await fillHistory({ database: bulk, accounts, transfers: pairs * 2 - 1 })

  await booksOf(booked)
  for (let n = 0; n < pairs; n++) {
    const ledger = createPostgresLedger({ database: booked, clock: createHistoryClock(n) })
    for (const transfer of historyTransfers(accounts, n)) {
      expectAll(await ledger.createTransfers([transfer]), `transfer ${n}`)
    }
  }

  expect(history.transfers).toBe(pairs * 2)
  expect(await everything(bulk)).toEqual(await everything(booked))
  expect(await auditBooks({ ...books, tally: { posted: history.posted } })).toEqual([])
  expect(await auditBooks({ ...books, tally: { posted: history.posted + 1n } })).toHaveLength(1)
})
