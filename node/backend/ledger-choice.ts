import { StartError } from '../commands/index.ts'
import {
  AccountCode,
  ID_MAX,
  createMemoryLedger,
  createPostgresLedger,
  createTigerBeetleLedger,
  TigerBeetleUnavailableError
} from '../ledger/index.ts'
import type { Ledger, NewAccount } from '../ledger/index.ts'
import { ConfigurationError, uuidToId } from '../runtime/index.ts'
import type { Clock, Database, Random, Runtime } from '../runtime/index.ts'
import type { BackendConfig } from './config.ts'

/*
 * Which ledger keeps the books, and whether it is the one that has kept them so far. Tables and books belong
 * together: with other books, or none, every account would be made anew and empty, and payments go on from there.
 * So the database remembers where its books are, and a TigerBeetle cluster whose they are (docs/decisions/0007):
 *
 *   (new database) ──row──▶ CHOSEN ──mark found or made in the cluster──▶ MARKED
 *
 * From then on a start is refused with another kind of ledger, and with a cluster that does not hold the mark.
 */

/** Connections of the PostgreSQL ledger, apart from those of the nouns, so that packets never queue. */
export const MAX_LEDGER_CONNECTIONS = 4

type LedgerConfig = Pick<
  BackendConfig,
  'LEDGER' | 'DATABASE_URL' | 'TIGERBEETLE_CLUSTER_ID' | 'TIGERBEETLE_REPLICA_ADDRESSES'
>

/** The ledger that the configuration names. Nothing is connected yet. TigerBeetle may have less time than its default. */
export function openLedger(
  config: LedgerConfig,
  runtime: Runtime,
  options: { requestTimeoutMs?: number } = {}
): { ledger: Ledger; close(): Promise<void> } {
  switch (config.LEDGER) {
    case 'memory': {
      const ledger = createMemoryLedger(runtime)
      return { ledger, close: () => ledger.close() }
    }
    case 'postgres': {
      const url = config.DATABASE_URL
      const database = runtime.openDatabase({ url, maxConnections: MAX_LEDGER_CONNECTIONS })
      return { ledger: createPostgresLedger({ ...runtime, database }), close: () => database.close() }
    }
    case 'tigerbeetle': {
      const { TIGERBEETLE_CLUSTER_ID: clusterId, TIGERBEETLE_REPLICA_ADDRESSES: addresses } = config
      const open = () => runtime.openTigerBeetle({ clusterId, addresses })
      const ledger = createTigerBeetleLedger({ ...runtime, ...options, open })
      return { ledger, close: () => ledger.close() }
    }
  }
}

/** The account that marks a cluster: no UUID and no asset's number is its id, and nothing is ever booked on it. */
const MARK_ID = ID_MAX - 1n
const MARK_LEDGER = 2 ** 32 - 1

interface OwnerRow {
  ledger: LedgerConfig['LEDGER']
  ownerId: string
  clusterId: bigint | null
  isMarked: boolean
}

/**
 * Makes sure that the ledger is this database's, before anything is read from it or booked. Safe when several
 * processes start at once.
 *
 * @throws ConfigurationError when it is not: what holds the books, and what to set
 * @throws StartError when TigerBeetle does not answer
 */
export async function claimLedger(
  config: LedgerConfig,
  parts: { database: Database; ledger: Ledger; clock: Pick<Clock, 'nowMs'>; random: Random }
): Promise<void> {
  const owner = await chosen(config, parts)
  checkOwner(config, owner)
  if (config.LEDGER !== 'tigerbeetle') return
  await answered(config, () => checkMark(config, owner, parts))
}

/** Runs what asks TigerBeetle. @throws StartError when it does not answer: what to do */
async function answered<T>(config: LedgerConfig, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof TigerBeetleUnavailableError)) throw error
    throw new StartError(
      `TIGERBEETLE_REPLICA_ADDRESSES: no TigerBeetle of cluster ${config.TIGERBEETLE_CLUSTER_ID} answers at ` +
        `${where(config)} (${error.message}): start it, set the addresses and TIGERBEETLE_CLUSTER_ID, or LEDGER=postgres`,
      { cause: error }
    )
  }
}

/**
 * Whether the configuration names the ledger that has kept this database's books, and whether it answers, without
 * writing anything. `claimLedger` is what a start does.
 *
 * @throws ConfigurationError when it is another's
 * @throws StartError when TigerBeetle does not answer
 */
export async function checkLedgerChoice(
  config: LedgerConfig,
  { database: { knex }, ledger }: { database: Database; ledger: Ledger }
): Promise<void> {
  const isNew = !(await knex.schema.hasTable('ledgerOwner'))
  const owner = isNew ? undefined : await knex<OwnerRow>('ledgerOwner').first()
  if (owner !== undefined) checkOwner(config, owner)
  if (config.LEDGER !== 'tigerbeetle') return
  const [found] = await answered(config, () => ledger.lookupAccounts([MARK_ID]))
  checkFoundMark(config, owner, found)
}

function checkOwner(config: LedgerConfig, owner: OwnerRow): void {
  if (owner.ledger !== config.LEDGER) throw new ConfigurationError(describeOther(owner, config))
  if (config.LEDGER !== 'tigerbeetle' || owner.clusterId === config.TIGERBEETLE_CLUSTER_ID) return
  throw new ConfigurationError(
    `TIGERBEETLE_CLUSTER_ID is ${config.TIGERBEETLE_CLUSTER_ID}, and the books of this database are in cluster ` +
      `${owner.clusterId}: set TIGERBEETLE_CLUSTER_ID=${owner.clusterId}, or start with a new database`
  )
}

/** What the database says, after it was asked to remember our choice if it knows none. */
async function chosen(
  config: LedgerConfig,
  { database, clock, random }: { database: Database; clock: Pick<Clock, 'nowMs'>; random: Random }
): Promise<OwnerRow> {
  const rows = () => database.knex<OwnerRow & { createdAt: Date }>('ledgerOwner')
  const known = await rows().first()
  if (known !== undefined) return known
  await rows()
    .insert({
      ledger: (await hasPostgresBooks(database)) ? 'postgres' : config.LEDGER,
      ownerId: random.uuid(),
      clusterId: config.LEDGER === 'tigerbeetle' ? config.TIGERBEETLE_CLUSTER_ID : null,
      createdAt: new Date(clock.nowMs())
    })
    .onConflict('single')
    .ignore()
  return (await rows().first())!
}

/** Databases from before this was remembered: accounts in PostgreSQL are books in PostgreSQL. */
async function hasPostgresBooks({ knex }: Database): Promise<boolean> {
  if (!(await knex.schema.hasTable('ledgerAccounts'))) return false
  return (await knex('ledgerAccounts').first('id')) !== undefined
}

async function checkMark(
  config: LedgerConfig,
  owner: OwnerRow,
  { database, ledger }: { database: Database; ledger: Ledger }
): Promise<void> {
  const mark: NewAccount = {
    id: MARK_ID,
    ledger: MARK_LEDGER,
    code: AccountCode.BOOKS_OWNER,
    userData128: uuidToId(owner.ownerId)
  }
  const [found] = await ledger.lookupAccounts([MARK_ID])
  checkFoundMark(config, owner, found)
  const [result] = found === undefined ? await ledger.createAccounts([mark]) : ['exists' as const]
  if (result === 'exists_with_different_fields') throw new ConfigurationError(describeOthers(config))
  if (result !== 'ok' && result !== 'exists')
    throw new Error(`TigerBeetle refused the owner's mark: ${result}`)
  if (!owner.isMarked) await database.knex('ledgerOwner').update({ isMarked: true })
}

/** @throws ConfigurationError when a cluster with this mark, or none, cannot be that of a database with this owner */
function checkFoundMark(
  config: LedgerConfig,
  owner: OwnerRow | undefined,
  found: { userData128: bigint } | undefined
): void {
  if (found === undefined && owner?.isMarked === true) {
    throw new ConfigurationError(
      `TIGERBEETLE_REPLICA_ADDRESSES: the cluster at ${where(config)} is not the one that holds this database's ` +
        'books (it is empty, or another): set the right addresses, or bring its data file back'
    )
  }
  const isOurs = owner !== undefined && found?.userData128 === uuidToId(owner.ownerId)
  if (found !== undefined && !isOurs) throw new ConfigurationError(describeOthers(config))
}

function describeOthers(config: LedgerConfig): string {
  return (
    `TIGERBEETLE_REPLICA_ADDRESSES: the cluster at ${where(config)} holds the books of another database: ` +
    'a cluster serves one node; format another for this one, or set the right DATABASE_URL'
  )
}

function describeOther({ ledger }: OwnerRow, config: LedgerConfig): string {
  const here = `LEDGER is "${config.LEDGER}" (USE_TIGERBEETLE decides where LEDGER is not set)`
  switch (ledger) {
    case 'postgres':
      return `${here}, and the books of this database are in PostgreSQL: set LEDGER=postgres, or start with a new database`
    case 'tigerbeetle':
      return `${here}, and the books of this database are in TigerBeetle: set LEDGER=tigerbeetle, or start with a new database`
    case 'memory':
      return `${here}, and the books of this database were in the memory of a process that ended: start with a new database`
  }
}

function where({ TIGERBEETLE_REPLICA_ADDRESSES }: LedgerConfig): string {
  return TIGERBEETLE_REPLICA_ADDRESSES.join(',')
}
