import type { Health } from '../http-api/index.ts'
import type { ClientKeyFetcher, NonceGuard } from '../http-signatures/index.ts'
import type { Cache, Clock, Database, Logger, Network, Random } from '../runtime/index.ts'
import type { AuthConfig } from './config.ts'

/** What the parts of the authorization server share. Built by `createAuth`. */
export interface AuthDependencies {
  config: AuthConfig
  network: Network
  clock: Clock
  random: Random
  logger: Logger
  database: Database
  cache: Cache
  /** Reads what clients publish at their wallet addresses. */
  clientKeys: ClientKeyFetcher
  nonces: NonceGuard
  health: Health
}

/** Scheme of the URLs that clients ask for, and sign. */
export function publicScheme(config: Pick<AuthConfig, 'AUTH_SERVER_URL' | 'OPEN_PAYMENTS_SCHEME'>): string {
  return config.OPEN_PAYMENTS_SCHEME === 'http' ? 'http:' : new URL(config.AUTH_SERVER_URL).protocol
}
