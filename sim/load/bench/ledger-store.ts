import {
  AccountCode,
  TransferCode,
  createPostgresLedger,
  postgresLedgerMigrations
} from '../../../node/ledger/index.ts'
import type { AuditableLedger, NewTransfer } from '../../../node/ledger/index.ts'
import type { Database } from '../../../node/runtime/index.ts'
import { binariesOnPath, startEmbeddedPostgres } from '../../services/embedded-postgres.ts'
import { processFamilyCpuMs } from './cpu-time.ts'
import type { BenchmarkContext } from './model.ts'

/** A ledger on a server of its own, for one run. */
export interface LedgerStore {
  /** What it runs on, for people. */
  description: string
  /** What the server says of its durability. */
  durability: Readonly<Record<string, string>>
  /** For concurrent callers. */
  ledger: AuditableLedger
  /** One connection of its own to the same books. */
  singleConnection: AuditableLedger
  /** Processor time that the server has used; undefined where that cannot be known. */
  cpuMs(): number | undefined
}

export interface PostgresStore extends LedgerStore {
  /** Another database with the ledger's schema on the same server. */
  openSibling(name: string): Promise<Database>
}

/** Settings that must be on for a commit to survive a power cut. */
const DURABLE_SETTINGS = ['fsync', 'synchronous_commit', 'full_page_writes'] as const
const OTHER_SETTINGS = [
  'server_version',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
  'wal_compression'
]

/** A history's index is one statement. */
const STATEMENT_TIMEOUT_MS = 1_800_000

/** A fresh PostgreSQL in a directory of its own, which is removed at the end. @throws when it is not durable */
export async function openPostgresStore(context: BenchmarkContext): Promise<PostgresStore> {
  const onPath = binariesOnPath()
  const server = await startEmbeddedPostgres({ durable: true }, onPath)
  context.defer(() => server.stop())
  const open = (url: string, maxConnections: number) => {
    const database = context.runtime.openDatabase({
      url,
      maxConnections,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS
    })
    context.defer(() => database.close())
    return database
  }
  const url = await server.createDatabase('ledger')
  const database = open(url, 4)
  await database.migrate('ledger', postgresLedgerMigrations)
  const durability = await readDurability(database)
  const description = onPath === undefined ? server.description : `PostgreSQL of ${onPath}`
  context.step('server', description)
  context.step('durable', describe(durability))
  const { clock } = context.runtime
  return {
    description,
    durability,
    cpuMs: () => processFamilyCpuMs(server.pid),
    ledger: createPostgresLedger({ database, clock }),
    singleConnection: createPostgresLedger({ database: open(url, 1), clock }),
    async openSibling(name) {
      const sibling = open(await server.createDatabase(name), 4)
      await sibling.migrate('ledger', postgresLedgerMigrations)
      return sibling
    }
  }
}

export function describe(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

/** Read back from the server, not from what we asked for. */
export async function readDurability(database: Database): Promise<Record<string, string>> {
  const settings: Record<string, string> = {}
  for (const name of [...DURABLE_SETTINGS, ...OTHER_SETTINGS]) {
    const { rows } = await database.knex.raw<{ rows: [{ value: string }] }>(
      'SELECT current_setting(?) AS value',
      [name]
    )
    settings[name] = rows[0].value
  }
  const off = DURABLE_SETTINGS.filter((name) => settings[name] !== 'on')
  if (off.length > 0) {
    throw new Error(`the server is not durable: ${off.map((name) => `${name}=${settings[name]}`).join(', ')}`)
  }
  return settings
}

/** The asset's ledger number of the benchmark's books. */
export const LEDGER = 1
const ACCOUNT_FUNDS = 1_000_000_000_000n
const SETTLEMENT_ID = 1n
/** Accounts are numbered from here on. */
const FIRST_ACCOUNT_ID = 1_000n

/** Liquidity accounts that may not be overdrawn, each funded from settlement: what packets move between. */
export async function createFundedAccounts(
  ledger: AuditableLedger,
  count: number,
  orderedId: () => bigint
): Promise<bigint[]> {
  const ids = Array.from({ length: count }, (_, index) => FIRST_ACCOUNT_ID + BigInt(index))
  const made = await ledger.createAccounts([
    {
      id: SETTLEMENT_ID,
      ledger: LEDGER,
      code: AccountCode.SETTLEMENT,
      flags: { creditsMustNotExceedDebits: true }
    },
    ...ids.map((id) => ({
      id,
      ledger: LEDGER,
      code: AccountCode.LIQUIDITY_PEER,
      flags: { debitsMustNotExceedCredits: true }
    }))
  ])
  expectAll(made, 'accounts')
  const funded = await ledger.createTransfers(
    ids.map((id) => ({
      id: orderedId(),
      debitAccountId: SETTLEMENT_ID,
      creditAccountId: id,
      amount: ACCOUNT_FUNDS,
      ledger: LEDGER,
      code: TransferCode.DEPOSIT
    }))
  )
  expectAll(funded, 'deposits')
  return ids
}

export function expectAll(results: readonly string[], what: string): void {
  const wrong = results.find((result) => result !== 'ok')
  if (wrong !== undefined) throw new Error(`the ledger refused ${what}: ${wrong}`)
}

/** Reservations that a packet's expiry would free. */
export const TIMEOUT_S = 60

/** What the n-th packet moves, by the places of its accounts. */
export function movement(accounts: number, n: number): { from: number; to: number; amount: bigint } {
  const from = n % accounts
  // Every distance between two accounts comes up in turn.
  const distance = 1 + (Math.floor(n / accounts) % (accounts - 1))
  return { from, to: (from + distance) % accounts, amount: BigInt(1 + (n % 997)) }
}

/** The two transfers of the n-th packet: what is reserved, and its posting. */
export function twoPhase(
  accounts: readonly bigint[],
  n: number,
  orderedId: () => bigint
): { reserve: NewTransfer; post(): NewTransfer } {
  const { from, to, amount } = movement(accounts.length, n)
  const reserve: NewTransfer = {
    id: orderedId(),
    debitAccountId: accounts[from]!,
    creditAccountId: accounts[to]!,
    amount,
    ledger: LEDGER,
    code: TransferCode.TRANSFER,
    flags: { pending: true },
    timeoutS: TIMEOUT_S
  }
  return {
    reserve,
    post: () => ({
      id: orderedId(),
      debitAccountId: 0n,
      creditAccountId: 0n,
      amount,
      ledger: 0,
      code: 0,
      flags: { postPending: true },
      pendingId: reserve.id
    })
  }
}

/** What callers were told was posted, deposits not counted. */
export interface Tally {
  posted: bigint
}

/** Zero-sum, nothing reserved, nothing overdrawn, and posted in all is exactly what callers were told. */
export async function auditLedger(
  ledger: AuditableLedger,
  { posted: told }: Tally,
  accounts: number
): Promise<{ ok: boolean; problems?: string[] }> {
  const problems: string[] = []
  const expected = told + ACCOUNT_FUNDS * BigInt(accounts)
  for (const totals of await ledger.totals()) {
    if (totals.debitsPosted !== expected) {
      problems.push(`ledger ${totals.ledger}: ${totals.debitsPosted} posted, callers were told ${expected}`)
    }
    const posted = totals.debitsPosted - totals.creditsPosted
    if (posted !== 0n) problems.push(`ledger ${totals.ledger}: posted debits − credits = ${posted}`)
    if (totals.debitsPending !== 0n || totals.creditsPending !== 0n) {
      problems.push(
        `ledger ${totals.ledger}: still reserved: debits ${totals.debitsPending}, credits ${totals.creditsPending}`
      )
    }
    for (const id of totals.overdrawnAccountIds) problems.push(`account ${id.toString(16)} is overdrawn`)
  }
  return problems.length === 0 ? { ok: true } : { ok: false, problems }
}
