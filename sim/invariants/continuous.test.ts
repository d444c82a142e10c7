import { beforeAll, beforeEach, expect, test } from 'vitest'
import { ensureImage } from '../worlds/virtual/index.ts'
import { queryEngine, readImage, startEngine } from '../worlds/virtual/pglite-engine.ts'
import type { SqlEngine } from '../worlds/virtual/pglite-engine.ts'
import { watchLedgers } from './continuous.ts'

const LEDGER = 7
const SETTLEMENT = '00000000-0000-0000-0000-000000000007'
const PEER_OF_ACACIA = '00000000-0000-0000-0000-0000000000aa'
const PEER_OF_BAOBAB = '00000000-0000-0000-0000-0000000000bb'
const nodes = [
  {
    name: 'acacia',
    assets: [],
    walletAddresses: [],
    peers: [{ id: PEER_OF_ACACIA, link: 0, with: 'baobab' }]
  },
  {
    name: 'baobab',
    assets: [],
    walletAddresses: [],
    peers: [{ id: PEER_OF_BAOBAB, link: 0, with: 'acacia' }]
  }
]

let engine: SqlEngine
let commit: (database: string, executed?: string[]) => void
let watch: ReturnType<typeof watchLedgers>

const run = (sql: string) => queryEngine(engine, sql)

beforeAll(async () => {
  await ensureImage()
  engine = await startEngine(readImage())
})

/** The columns that are looked at, without the constraints that would keep a wrong balance out. */
beforeEach(() => {
  for (const { name, peers } of nodes) {
    run(`DROP SCHEMA IF EXISTS ${name}_backend CASCADE; CREATE SCHEMA ${name}_backend`)
    run(`CREATE TABLE ${name}_backend."ledgerAccounts" (id uuid, ledger bigint, flags integer, "debitsPending" numeric
      DEFAULT 0, "debitsPosted" numeric DEFAULT 0, "creditsPending" numeric DEFAULT 0, "creditsPosted" numeric DEFAULT 0)`)
    run(`CREATE TABLE ${name}_backend."ledgerTransfers" (id uuid, "debitAccountId" uuid, "creditAccountId" uuid,
      amount numeric(20), flags integer)`)
    run(`INSERT INTO ${name}_backend."ledgerAccounts" VALUES
      ('${SETTLEMENT}', ${LEDGER}, 4, 0, 100, 0, 0), ('${peers[0]!.id}', ${LEDGER}, 2, 0, 0, 0, 100)`)
    run(`INSERT INTO ${name}_backend."ledgerTransfers" VALUES
      (gen_random_uuid(), '${SETTLEMENT}', '${peers[0]!.id}', 100, 0)`)
  }
  watch = watchLedgers(
    {
      observe: (listener) =>
        void (commit = (database, executed = ['SELECT ledger_create_transfers()']) =>
          listener(database, executed)),
      inspect: (sql) => run(sql)
    },
    { nodes }
  )
})

test('deposits alone, and packets that downstream has posted and upstream not yet, are well', () => {
  run(`UPDATE baobab_backend."ledgerAccounts" SET "debitsPosted" = "debitsPosted" + 30 WHERE id = '${PEER_OF_BAOBAB}';
    UPDATE baobab_backend."ledgerAccounts" SET "creditsPosted" = "creditsPosted" + 30 WHERE id = '${SETTLEMENT}'`)
  commit('baobab_backend')
  commit('acacia_auth')
  commit('acacia_backend', ['BEGIN;', 'update "outgoingPayments" set "state" = $1', 'COMMIT;'])
  expect(watch.checks()).toBe(1)
  return Promise.race([watch.violated, Promise.resolve()])
})

test.each([
  {
    what: 'a debit without its credit',
    sql: `UPDATE acacia_backend."ledgerAccounts" SET "creditsPosted" = 99 WHERE id = '${PEER_OF_ACACIA}'`,
    message:
      /^zero-sum: acacia: ledger 7 has posted debits - credits = 1, pending 0, after a commit of acacia_backend$/
  },
  {
    what: 'a reservation with one leg',
    sql: `UPDATE acacia_backend."ledgerAccounts" SET "debitsPending" = 5 WHERE id = '${PEER_OF_ACACIA}'`,
    message: /^zero-sum: .* pending 5,/
  },
  {
    what: 'a peer that spent more than it has',
    sql: `UPDATE acacia_backend."ledgerAccounts" SET "debitsPosted" = 101 WHERE id = '${PEER_OF_ACACIA}';
      UPDATE acacia_backend."ledgerAccounts" SET "creditsPosted" = 101 WHERE id = '${SETTLEMENT}'`,
    message: /^no overdraft: acacia: account 00000000-0000-0000-0000-0000000000/
  },
  {
    what: 'upstream posted what downstream has not',
    sql: `UPDATE acacia_backend."ledgerAccounts" SET "creditsPosted" = 110 WHERE id = '${PEER_OF_ACACIA}';
      UPDATE acacia_backend."ledgerAccounts" SET "debitsPosted" = 110 WHERE id = '${SETTLEMENT}'`,
    message: /^P2: link acacia to baobab: baobab posted 0, acacia posted 10/
  }
])('$what is found at the commit', async ({ sql, message }) => {
  run(sql)
  commit('acacia_backend')
  await expect(watch.violated).rejects.toThrow(message)
})
