import { checkCache, checkDatabase, checkNodeEnv, checkPorts, fault } from '../commands/index.ts'
import type { Check, CommandedService } from '../commands/index.ts'
import { readCacheTls } from '../runtime/index.ts'
import type { Runtime } from '../runtime/index.ts'
import { AUTH_VARIABLES, loadAuthConfig } from './config.ts'
import type { AuthConfig } from './config.ts'
import { authMigrationSets } from './migrations.ts'

/** What `npm run auth -- --check` looks at. Nothing is written, and no door stays open. */
export function authChecks(config: AuthConfig, runtime: Runtime): Record<string, Check> {
  const database = runtime.openDatabase({ url: config.AUTH_DATABASE_URL, maxConnections: 2 })
  const { ADMIN_PORT, AUTH_PORT, INTROSPECTION_PORT, INTERACTION_PORT, SERVICE_API_PORT } = config
  const ports = { ADMIN_PORT, AUTH_PORT, INTROSPECTION_PORT, INTERACTION_PORT, SERVICE_API_PORT }
  return {
    NODE_ENV: async () => checkNodeEnv(config.NODE_ENV),
    AUTH_DATABASE_URL: () =>
      checkDatabase('AUTH_DATABASE_URL', database, {
        sets: authMigrationSets,
        areManual: config.ENABLE_MANUAL_MIGRATIONS
      }),
    REDIS_URL: async () => {
      await readCacheTls(config, runtime.readTextFile)
      return checkCache(runtime.openCache(config.CACHE, config), config.CACHE === 'memory')
    },
    ports: () => checkPorts(runtime.network, config.BIND_HOST, ports),
    'several ports': async () => {
      const chosen = Object.values(ports).filter((port) => port !== 0)
      if (new Set(chosen).size === chosen.length) return []
      return fault(
        'ports',
        `two doors cannot stand at one port (${chosen.join(', ')}): choose different ones`
      )
    }
  }
}

/** What `npm run auth` can do besides starting. */
export const authCommands: CommandedService<AuthConfig> = {
  name: 'auth',
  variables: AUTH_VARIABLES,
  load: loadAuthConfig,
  checks: authChecks,
  database: ({ AUTH_DATABASE_URL: url }) => ({ variable: 'AUTH_DATABASE_URL', url }),
  migrationSets: () => authMigrationSets
}
