import {
  CHECK_TIMEOUT_MS,
  checkCache,
  checkDatabase,
  checkNodeEnv,
  checkPorts,
  checkService,
  fault,
  ok,
  warning
} from '../commands/index.ts'
import type { Check, CommandedService, MigrationSet } from '../commands/index.ts'
import { postgresLedgerMigrations } from '../ledger/index.ts'
import { createHttpClient, readCacheTls } from '../runtime/index.ts'
import type { Runtime } from '../runtime/index.ts'
import { BACKEND_VARIABLES, loadBackendConfig } from './config.ts'
import type { BackendConfig } from './config.ts'
import { loadInstanceKey } from './instance-key.ts'
import { checkLedgerChoice, openLedger } from './ledger-choice.ts'
import { backendMigrations } from './migrations.ts'

/** The schemas that a backend's database holds. */
export function backendMigrationSets({ LEDGER }: Pick<BackendConfig, 'LEDGER'>): MigrationSet[] {
  const sets = [{ name: 'backend', migrations: backendMigrations }]
  return LEDGER === 'postgres' ? [...sets, { name: 'ledger', migrations: postgresLedgerMigrations }] : sets
}

/** An account that need not exist: asking for it tells whether the ledger answers. */
export const PROBED_ACCOUNT = 1n

/** How long TigerBeetle may take: less than a check as a whole, which could not say what to do. */
const LEDGER_ANSWER_MS = CHECK_TIMEOUT_MS / 2

/** What `npm run backend -- --check` looks at. Nothing is written, and no door stays open. */
export function backendChecks(config: BackendConfig, runtime: Runtime): Record<string, Check> {
  const database = runtime.openDatabase({ url: config.DATABASE_URL, maxConnections: 2 })
  const http = createHttpClient(runtime)
  return {
    NODE_ENV: async () => checkNodeEnv(config.NODE_ENV),
    DATABASE_URL: () =>
      checkDatabase('DATABASE_URL', database, {
        sets: backendMigrationSets(config),
        areManual: config.ENABLE_MANUAL_MIGRATIONS
      }),
    REDIS_URL: async () => {
      await readCacheTls(config, runtime.readTextFile)
      return checkCache(runtime.openCache(config.CACHE, config), config.CACHE === 'memory')
    },
    LEDGER: async () => {
      await checkLedgerChoice(config, {
        database,
        ledger: openLedger(config, runtime, { requestTimeoutMs: LEDGER_ANSWER_MS }).ledger
      })
      if (config.LEDGER === 'memory')
        return warning('LEDGER', 'memory: the books are gone when the process ends')
      if (config.LEDGER === 'postgres') return ok('LEDGER', 'the books are in PostgreSQL, at DATABASE_URL')
      return ok('LEDGER', `TigerBeetle answers at ${config.TIGERBEETLE_REPLICA_ADDRESSES.join(',')}`)
    },
    PRIVATE_KEY_FILE: async () => {
      await loadInstanceKey(config, runtime)
      if (config.PRIVATE_KEY_FILE !== undefined) return ok('PRIVATE_KEY_FILE', 'holds an Ed25519 key')
      return warning(
        'PRIVATE_KEY_FILE',
        'is not set: every start makes a new key, and several processes would have different ones'
      )
    },
    SIGNATURE_SECRET: async () =>
      config.SIGNATURE_SECRET === undefined
        ? warning('SIGNATURE_SECRET', 'is not set: webhooks are not signed')
        : ok('SIGNATURE_SECRET', 'webhooks are signed'),
    AUTH_SERVICE_API_URL: () => checkService(http, 'AUTH_SERVICE_API_URL', config.AUTH_SERVICE_API_URL),
    AUTH_SERVER_INTROSPECTION_URL: () =>
      checkService(http, 'AUTH_SERVER_INTROSPECTION_URL', config.AUTH_SERVER_INTROSPECTION_URL),
    ports: () =>
      checkPorts(runtime.network, config.BIND_HOST, {
        ADMIN_PORT: config.ADMIN_PORT,
        CONNECTOR_PORT: config.CONNECTOR_PORT,
        OPEN_PAYMENTS_PORT: config.OPEN_PAYMENTS_PORT,
        ...(config.ENABLE_AUTO_PEERING && { AUTO_PEERING_SERVER_PORT: config.AUTO_PEERING_SERVER_PORT })
      }),
    'several ports': async () => {
      const ports = [config.ADMIN_PORT, config.CONNECTOR_PORT, config.OPEN_PAYMENTS_PORT]
      if (config.ENABLE_AUTO_PEERING) ports.push(config.AUTO_PEERING_SERVER_PORT)
      const chosen = ports.filter((port) => port !== 0)
      if (new Set(chosen).size === chosen.length) return []
      return fault(
        'ports',
        `two doors cannot stand at one port (${chosen.join(', ')}): choose different ones`
      )
    }
  }
}

/** What `npm run backend` can do besides starting. */
export const backendCommands: CommandedService<BackendConfig> = {
  name: 'backend',
  variables: BACKEND_VARIABLES,
  load: loadBackendConfig,
  checks: backendChecks,
  database: ({ DATABASE_URL: url }) => ({ variable: 'DATABASE_URL', url }),
  migrationSets: backendMigrationSets
}
