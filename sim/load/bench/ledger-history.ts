import { TransferCode } from '../../../node/ledger/index.ts'
import type { NewTransfer } from '../../../node/ledger/index.ts'
import type { Database } from '../../../node/runtime/index.ts'
import { LEDGER, TIMEOUT_S, movement } from './ledger-books.ts'

/**
 * Years of history in minutes: two-phase transfers written into the ledger's tables in bulk, row for row what the
 * ledger itself writes for `historyTransfers` (a test compares the two), balances included. Indexes are dropped
 * first and made again at the end, by the definitions that the database has.
 */
export interface HistoryOptions {
  database: Database
  accounts: readonly bigint[]
  /** Transfers, each reservation and each posting one. Rounded up to whole pairs. */
  transfers: number
  signal?: AbortSignal
  onProgress?(text: string): void
}

/** Pairs that one statement writes. */
const CHUNK_PAIRS = 250_000
/** The history begins here; its ids rise with time from here on, below those of today. */
const START_MS = Date.UTC(2020, 0, 1)
/** Pairs per millisecond of that history. */
const PAIRS_PER_MS = 4
/** On disk per transfer, indexes and write-ahead log included, rounded up. */
export const BYTES_PER_TRANSFER = 700

/** Rows written to "ledgerTransfers", and what was posted in all. */
export interface History {
  transfers: number
  posted: bigint
}

/** Fills the ledger of `database`, whose accounts exist. */
export async function fillHistory({
  database: { knex, transaction },
  accounts,
  transfers,
  signal,
  onProgress
}: HistoryOptions): Promise<History> {
  const pairs = Math.ceil(transfers / 2)
  const { rows: indexes } = await knex.raw<{ rows: { drop: string; create: string }[] }>(INDEXES)
  for (const { drop } of indexes) await knex.raw(drop)
  const { rows: sequence } = await knex.raw<{ rows: [{ before: bigint }] }>(
    `SELECT setval('"ledgerTimestamps"', nextval('"ledgerTimestamps"') - 1 + ?) - ? AS before`,
    [pairs * 2, pairs * 2]
  )
  const accountIds = `{${accounts.map(uuidOf).join(',')}}`
  for (let from = 0; from < pairs; from += CHUNK_PAIRS) {
    signal?.throwIfAborted()
    const to = Math.min(pairs, from + CHUNK_PAIRS)
    await knex.raw(FILL, [accountIds, String(sequence[0].before), from, to - 1])
    onProgress?.(`history: ${(to * 2).toLocaleString('en')} of ${(pairs * 2).toLocaleString('en')} transfers`)
  }
  for (const [index, { create }] of indexes.entries()) {
    signal?.throwIfAborted()
    onProgress?.(`history: index ${index + 1} of ${indexes.length}`)
    await transaction(async (trx) => {
      await trx.raw("SET LOCAL maintenance_work_mem = '256MB'")
      await trx.raw(create)
    })
  }
  onProgress?.('history: balances')
  const { rows: posted } = await knex.raw<{ rows: [{ posted: bigint }] }>(BALANCES, [firstId()])
  // What autovacuum and the checkpointer would have done by then.
  onProgress?.('history: vacuum')
  await knex.raw('VACUUM ANALYZE "ledgerTransfers"')
  await knex.raw('CHECKPOINT')
  return { transfers: pairs * 2, posted: posted[0].posted }
}

/** The same, for the ledger to book: the n-th pair of the history. */
export function historyTransfers(accounts: readonly bigint[], n: number): [NewTransfer, NewTransfer] {
  const { from, to, amount } = movement(accounts.length, n)
  const [reservation, posting] = idsOf(n)
  return [
    {
      id: reservation,
      debitAccountId: accounts[from]!,
      creditAccountId: accounts[to]!,
      amount,
      ledger: LEDGER,
      code: TransferCode.TRANSFER,
      flags: { pending: true },
      timeoutS: TIMEOUT_S
    },
    {
      id: posting,
      debitAccountId: 0n,
      creditAccountId: 0n,
      amount,
      ledger: 0,
      code: 0,
      flags: { postPending: true },
      pendingId: reservation
    }
  ]
}

/** The time at which the n-th pair was booked. */
export function createHistoryClock(n: number): { nowMs(): number } {
  return { nowMs: () => START_MS + Math.floor(n / PAIRS_PER_MS) }
}

/** UUIDs of version 7: the time, then which of that millisecond. */
function idsOf(n: number): [bigint, bigint] {
  const time = BigInt(START_MS + Math.floor(n / PAIRS_PER_MS)) << 80n
  const ofMs = BigInt((n % PAIRS_PER_MS) * 2)
  const fixed = (7n << 76n) | (2n << 62n)
  return [time | fixed | ofMs, time | fixed | (ofMs + 1n)]
}

function uuidOf(id: bigint): string {
  return id
    .toString(16)
    .padStart(32, '0')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function firstId(): string {
  return uuidOf(idsOf(0)[0])
}

/** How to drop and make again each index of the transfers; the primary key is one. */
const INDEXES = `
  SELECT
    CASE WHEN c.oid IS NULL THEN format('DROP INDEX %s', i.indexrelid::regclass)
      ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, c.conname) END AS drop,
    CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
      ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
    END AS create
  FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
  WHERE i.indrelid = '"ledgerTransfers"'::regclass
  ORDER BY i.indexrelid`

/** The accounts, the last timestamp before, the first pair and the last, in the order of time. Says the same as `movement` and `idsOf`. */
const FILL = `
  INSERT INTO "ledgerTransfers" (
    id, "timestamp", "createdAtMs", "debitAccountId", "creditAccountId", amount, ledger, code, flags, "timeoutS",
    "pendingId"
  )
  SELECT
    ids[event], before + 2 * n + event, ms, account[1 + n % size],
    account[1 + (n % size + 1 + (n / size) % (size - 1)) % size], 1 + n % 997, ${LEDGER}, ${TransferCode.TRANSFER},
    CASE event WHEN 1 THEN 2 ELSE 4 END, CASE event WHEN 1 THEN ${TIMEOUT_S} ELSE 0 END,
    CASE event WHEN 2 THEN ids[1] END
  FROM (
    SELECT account, cardinality(account) AS size, before
    FROM (SELECT CAST(? AS uuid[]) AS account, CAST(? AS bigint) AS before OFFSET 0) given
    OFFSET 0
  ) given
  CROSS JOIN generate_series(CAST(? AS bigint), CAST(? AS bigint)) AS n
  CROSS JOIN LATERAL (SELECT ${START_MS} + n / ${PAIRS_PER_MS} AS ms OFFSET 0) time
  CROSS JOIN LATERAL (
    SELECT ARRAY[
      (head || lpad(to_hex(of_ms), 12, '0'))::uuid, (head || lpad(to_hex(of_ms + 1), 12, '0'))::uuid
    ] AS ids
    FROM (
      SELECT lpad(to_hex(ms), 12, '0') || '70008000' AS head, (n % ${PAIRS_PER_MS}) * 2 AS of_ms OFFSET 0
    ) parts
  ) both_ids
  CROSS JOIN (VALUES (1), (2)) AS events(event)`

/** What the postings from the given id on moved goes onto the accounts. */
const BALANCES = `
  WITH moved AS (
    SELECT "debitAccountId" AS debit, "creditAccountId" AS credit, sum(amount) AS amount
    FROM "ledgerTransfers" WHERE flags & 4 <> 0 AND id >= CAST(? AS uuid)
    GROUP BY 1, 2
  ), changes AS (
    SELECT account, sum(debited) AS debited, sum(credited) AS credited
    FROM moved CROSS JOIN LATERAL (VALUES (debit, amount, 0), (credit, 0, amount)) AS side(account, debited, credited)
    GROUP BY account
  ), updated AS (
    UPDATE "ledgerAccounts" a
    SET "debitsPosted" = a."debitsPosted" + c.debited, "creditsPosted" = a."creditsPosted" + c.credited
    FROM changes c WHERE a.id = c.account
  )
  SELECT coalesce(sum(amount), 0) AS posted FROM moved`
