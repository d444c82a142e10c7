import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createPostgresLedger, postgresLedgerMigrations } from '../../../node/ledger/index.ts'
import { createSystemRuntime } from '../../../node/runtime/index.ts'
import type { Database, Runtime } from '../../../node/runtime/index.ts'
import { createHistoryClock, fillHistory, historyTransfers } from './ledger-history.ts'
import { auditLedger, createFundedAccounts, expectAll } from './ledger-store.ts'

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
  const deposits = Array.from({ length: accountCount }, (_, index) => 10n ** 20n + BigInt(index))
  const accountsOf = async (database: Database) => {
    const ids = deposits.values()
    const ledger = createPostgresLedger({ database, clock: createHistoryClock(0) })
    return createFundedAccounts(ledger, accountCount, () => ids.next().value!)
  }

  const [bulk, booked] = databases
  const accounts = await accountsOf(bulk)
  const history = await fillHistory({ database: bulk, accounts, transfers: pairs * 2 - 1 })

  await accountsOf(booked)
  for (let n = 0; n < pairs; n++) {
    const ledger = createPostgresLedger({ database: booked, clock: createHistoryClock(n) })
    for (const transfer of historyTransfers(accounts, n)) {
      expectAll(await ledger.createTransfers([transfer]), `transfer ${n}`)
    }
  }

  expect(history.transfers).toBe(pairs * 2)
  expect(await everything(bulk)).toEqual(await everything(booked))
  const ledger = createPostgresLedger({ database: bulk, clock: runtime.clock })
  expect(await auditLedger(ledger, { posted: history.posted }, accountCount)).toEqual({ ok: true })
  expect(await auditLedger(ledger, { posted: history.posted + 1n }, accountCount)).toMatchObject({
    ok: false
  })
})
