import { idToUuid, uuidToId } from '../../runtime/index.ts'
import type { Clock, Database } from '../../runtime/index.ts'
import type {
  AuditableLedger,
  CreateAccountResult,
  CreateTransferResult,
  LedgerBatch,
  LedgerTotals,
  NewTransfer,
  PendingState
} from '../model.ts'
import { assertAccounts, assertQueryLimit, assertTransfers } from '../transfer-rules.ts'
import {
  accountArguments,
  createIdTexts,
  idArguments,
  orderedBatchArguments,
  plainBatchArguments
} from './batch-arguments.ts'
import { createPlainBatch, createReservationMemory, reservationOf } from './plain-batch.ts'
import {
  lookupAccountsSql,
  lookupTransfersSql,
  pendingStatesSql,
  totalsSql,
  transferQuery
} from './queries.ts'
import { accountOf, transferOf } from './rows.ts'
import type { AccountRow, TransferRow } from './rows.ts'

/** Attempts at a batch that other batches got in the way of. */
export const DEFAULT_MAX_ATTEMPTS = 5
/** Reservations that one statement of a sweep frees: it holds their accounts' rows meanwhile. */
export const DEFAULT_SWEEP_LIMIT = 1_000

/**
 * A refused id is remembered this long, for who repeats what he had no answer to. Without an end, a peer without
 * liquidity would fill the disk by what it is refused.
 */
export const REFUSED_ID_LIFETIME_MS = 86_400_000
/** How often refused ids are looked through, and how many one statement forgets. */
const FORGET_INTERVAL_MS = 3_600_000
const FORGET_LIMIT = 10_000

/** Reservations remembered until they end: some seconds' worth at full speed. */
export const DEFAULT_MAX_RESERVATIONS = 65_536

export interface PostgresLedgerOptions {
  /**
   * With the schema of `postgresLedgerMigrations`. Closing the ledger leaves it open. Where it has no pipeline, one
   * batch is under way at a time.
   */
  database: Pick<Database, 'knex'> & Partial<Pick<Database, 'openPipeline'>>
  clock: Pick<Clock, 'nowMs'>
  maxAttempts?: number
  sweepLimit?: number
  /** Own reservations that are remembered until they end. Others are posted and voided all the same, slower. */
  maxReservations?: number
}

/** Serialization failure, deadlock, and an id that another process booked or refused at the same moment. */
const REPEATABLE_CODES: ReadonlySet<unknown> = new Set(['40001', '40P01', '23505'])

/**
 * The ledger in PostgreSQL (15 and later): running balances on the accounts' rows, one round trip per batch,
 * durable when it answers. Several processes may use one database.
 * A transfer's id is booked or refused, never both, whatever batches of several processes hold it at once.
 */
export function createPostgresLedger({
  database,
  clock,
  maxAttempts = DEFAULT_MAX_ATTEMPTS,
  sweepLimit = DEFAULT_SWEEP_LIMIT,
  maxReservations = DEFAULT_MAX_RESERVATIONS
}: PostgresLedgerOptions): AuditableLedger {
  let closed = false
  const pipeline = database.openPipeline?.()
  const reservations = createReservationMemory(maxReservations)
  const texts = createIdTexts()

  async function rows<Row>(sql: string, parameters: readonly (string | number | boolean)[]): Promise<Row[]> {
    if (closed) throw new Error('the ledger is closed')
    const result = await database.knex.raw<{ rows: Row[] }>(sql, [...parameters])
    return result.rows
  }

  /** What rolled back for the sake of another statement changed nothing: it is sent again. */
  async function repeated<Result>(send: (attempt: number) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(attempt)
      } catch (error) {
        if (attempt >= maxAttempts || !REPEATABLE_CODES.has((error as { code?: unknown }).code)) throw error
      }
    }
  }

  /** The first look is an interval after the start. */
  let forgetAtMs = clock.nowMs() + FORGET_INTERVAL_MS

  async function forgetRefusedIds(): Promise<void> {
    const beforeMs = clock.nowMs() - REFUSED_ID_LIFETIME_MS
    for (;;) {
      const [row] = await repeated(() => rows<{ count: number }>(forgetRefusedSql, [beforeMs, FORGET_LIMIT]))
      if (row!.count < FORGET_LIMIT) break
    }
    forgetAtMs = clock.nowMs() + FORGET_INTERVAL_MS
  }

  /** What was reserved and what ended, of a batch in which all is ok or whose results these are. */
  function remember(
    transfers: readonly NewTransfer[],
    results: readonly CreateTransferResult[] | undefined
  ): void {
    for (const [index, transfer] of transfers.entries()) {
      if (results && results[index] !== 'ok') continue
      const { id, flags, pendingId } = transfer
      // What a balancing one reserved, only the database knows.
      if (flags?.pending && !flags.balancingDebit) reservations.add(id, reservationOf(transfer))
      else if (pendingId) reservations.remove(pendingId)
    }
  }

  type SweptRow = { swept: number; nextMs: number | null }
  type BatchRow = { results: string | null }

  async function sendInPool(parameters: (string | number)[]): Promise<string | null> {
    return (await rows<BatchRow>(createTransfersSql, parameters))[0]!.results
  }

  async function sendInPipeline(parameters: (string | number)[]): Promise<string | null> {
    if (closed) throw new Error('the ledger is closed')
    const [row] = await pipeline!.query(pipelinedCreateTransfersSql, parameters)
    return row![0] as string | null
  }

  function newBatch(send: typeof sendInPool): LedgerBatch {
    const all: NewTransfer[] = []
    const plain = createPlainBatch(reservations.get)
    return {
      add(transfers) {
        for (const transfer of transfers) {
          all.push(transfer)
          plain.add(transfer)
        }
      },
      async send() {
        const finished = plain.finish()
        const answer = await repeated((attempt) => {
          // An id that is stored or refused already is the ordered way's to judge.
          const isPlain = finished && attempt === 1
          const args = isPlain ? plainBatchArguments(finished, texts) : orderedBatchArguments(all, texts)
          return send([clock.nowMs(), ...args])
        })
        const results = answer?.split(',') as CreateTransferResult[] | undefined
        remember(all, results)
        return results ?? all.map(() => 'ok')
      }
    }
  }

  return {
    async createAccounts(accounts) {
      assertAccounts(accounts)
      if (accounts.length === 0) return []
      const [row] = await repeated(() =>
        rows<{ results: string }>(createAccountsSql, accountArguments(accounts))
      )
      return row!.results.split(',') as CreateAccountResult[]
    },
    async createTransfers(transfers) {
      assertTransfers(transfers)
      if (transfers.length === 0) return []
      // Several may be called at once: each on a connection of the pool.
      const batch = newBatch(sendInPool)
      batch.add(transfers)
      return batch.send()
    },
    newBatch: () => newBatch(pipeline ? sendInPipeline : sendInPool),
    maxBatchesUnderWay: pipeline ? 2 : 1,
    async lookupAccounts(ids) {
      const found = await rows<AccountRow>(lookupAccountsSql, [idArguments(ids)])
      const byId = new Map(found.map((row) => [row.id, row]))
      return ids.map((id) => {
        const row = byId.get(idToUuid(id))
        return row && accountOf(row)
      })
    },
    async lookupTransfers(ids) {
      const found = await rows<TransferRow>(lookupTransfersSql, [idArguments(ids)])
      const byId = new Map(found.map((row) => [row.id, row]))
      return ids.map((id) => {
        const row = byId.get(idToUuid(id))
        return row && transferOf(row)
      })
    },
    async pendingStates(ids) {
      const parameters = [clock.nowMs(), idArguments(ids)]
      const found = await rows<{ id: string; state: PendingState }>(pendingStatesSql, parameters)
      const byId = new Map(found.map(({ id, state }) => [id, state]))
      return ids.map((id) => byId.get(idToUuid(id)))
    },
    async queryTransfers(filter) {
      assertQueryLimit(filter.limit)
      const { sql, parameters } = transferQuery(filter, clock.nowMs())
      return (await rows<TransferRow>(sql, parameters)).map(transferOf)
    },
    async sweepExpired() {
      for (;;) {
        const [row] = await repeated(() =>
          rows<SweptRow>(sweepExpiredSql, [clock.nowMs(), sweepLimit, clock.nowMs()])
        )
        if (row!.swept < sweepLimit) {
          if (clock.nowMs() >= forgetAtMs) await forgetRefusedIds()
          return row!.nextMs ?? undefined
        }
      }
    },
    async totals() {
      const found = await rows<TotalsRow>(totalsSql, [])
      return found.map(totalsOf)
    },
    async close() {
      closed = true
    }
  }
}

const createAccountsSql = `SELECT ledger_create_accounts(${marks(6)}) AS results`
const createTransfersSql = `SELECT ledger_create_transfers(${marks(26)}) AS results`
const pipelinedCreateTransfersSql = `SELECT ledger_create_transfers(${numberedMarks(26)})`
const forgetRefusedSql = `WITH forgotten AS (
    DELETE FROM "ledgerRefusedTransfers" WHERE id = ANY (ARRAY(
      SELECT id FROM "ledgerRefusedTransfers" WHERE "refusedAtMs" < ? LIMIT ?
    )) RETURNING id
  ) SELECT count(*)::integer AS count FROM forgotten`
const sweepExpiredSql = `SELECT ledger_sweep_expired(${marks(2)}) AS swept, (
    SELECT min("expiresAtMs") FROM "ledgerPendingTransfers" WHERE "expiresAtMs" > ?
  )::double precision AS "nextMs"`

function marks(count: number): string {
  return Array(count).fill('?').join(', ')
}

function numberedMarks(count: number): string {
  return Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ')
}

interface TotalsRow {
  ledger: bigint | string
  debitsPosted: bigint | string
  creditsPosted: bigint | string
  debitsPending: bigint | string
  creditsPending: bigint | string
  overdrawn: string | null
}

function totalsOf(row: TotalsRow): LedgerTotals {
  return {
    ledger: Number(row.ledger),
    debitsPosted: BigInt(row.debitsPosted),
    creditsPosted: BigInt(row.creditsPosted),
    debitsPending: BigInt(row.debitsPending),
    creditsPending: BigInt(row.creditsPending),
    overdrawnAccountIds: row.overdrawn === null ? [] : row.overdrawn.split(',').map(uuidToId)
  }
}
