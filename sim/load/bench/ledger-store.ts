import {
  createPostgresLedger,
  createTigerBeetleLedger,
  postgresLedgerMigrations
} from '../../../node/ledger/index.ts'
import type { AuditableLedger } from '../../../node/ledger/index.ts'
import type { Database } from '../../../node/runtime/index.ts'
import { binariesOnPath, startEmbeddedPostgres } from '../../services/embedded-postgres.ts'
import { NO_TIGERBEETLE, findTigerBeetle, startTigerBeetles } from '../../services/tigerbeetle.ts'
import { processFamilyCpuMs } from './cpu-time.ts'
import { WrongUseError } from './model.ts'
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
  /** PostgreSQL: another database with the ledger's schema on the same server. */
  openSibling?(name: string): Promise<Database>
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
export async function openPostgresStore(context: BenchmarkContext): Promise<LedgerStore> {
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

/**
 * A TigerBeetle: a cluster of the environment, or a server of our own on a data file of its own. It has no setting
 * that could make it less durable: a batch is answered when a quorum has it in its journal (direct, synchronous I/O).
 *
 * @throws WrongUseError when there is none
 */
export async function openTigerBeetleStore(context: BenchmarkContext): Promise<LedgerStore> {
  if (findTigerBeetle() === undefined) throw new WrongUseError(NO_TIGERBEETLE)
  const { runtime, defer, step } = context
  const [service] = (await startTigerBeetles(['bench'])).values()
  const { description, clusterId, addresses } = service!
  defer(() => service!.stop())
  step('server', description)
  const open = () => {
    const ledger = createTigerBeetleLedger({
      ...runtime,
      open: () => runtime.openTigerBeetle({ clusterId, addresses })
    })
    defer(() => ledger.close())
    return ledger
  }
  const pid = 'pid' in service! ? (service.pid as number) : undefined
  return {
    description,
    durability: { journal: 'synchronous', replicas: String(addresses.length) },
    ledger: open(),
    singleConnection: open(),
    cpuMs: () => (pid === undefined ? undefined : processFamilyCpuMs(pid))
  }
}
