import { createAdminAuthenticator, createAdminServer } from '../admin-api/index.ts'
import { requireMigrations, StartError } from '../commands/index.ts'
import { createClientKeyFetcher, createNonceGuard } from '../http-signatures/index.ts'
import { createHealth } from '../http-api/index.ts'
import { createHttpClient, readCacheTls, serveHttp } from '../runtime/index.ts'
import type { Address, HttpServer, Runtime } from '../runtime/index.ts'
import { createAuthSchema, createResolverContext } from './admin/schema.ts'
import type { AuthConfig } from './config.ts'
import type { AuthDependencies } from './dependencies.ts'
import { createGnapApp } from './gnap-api.ts'
import { createIdentityProviderApp } from './interactions/identity-provider-api.ts'
import { authMigrations, authMigrationSets } from './migrations.ts'
import { loadAuthServerDocument } from './open-payments-document.ts'
import { createServiceApp } from './tenants/service-api.ts'
import { findTenant, upsertOperatorTenant } from './tenants/store.ts'
import { createTokenCleanup } from './tokens/cleanup.ts'
import { createIntrospectionApp } from './tokens/introspection-api.ts'

/** The doors of the authorization server, by the variables that name their ports. */
export interface AuthAddresses {
  /** `ADMIN_PORT` */
  admin: Address
  /** `AUTH_PORT` */
  auth: Address
  /** `INTROSPECTION_PORT` */
  introspection: Address
  /** `INTERACTION_PORT` */
  interaction: Address
  /** `SERVICE_API_PORT` */
  serviceApi: Address
}

export interface Auth {
  /**
   * Brings the database up to date and opens the doors. A start that fails leaves nothing open.
   *
   * @throws an error with code EADDRINUSE and `variable`, the name of the variable whose port is taken; StartError
   *   where ENABLE_MANUAL_MIGRATIONS is true and migrations are missing
   */
  start(): Promise<void>
  /** Finishes running requests for at most `graceMs`, then closes everything. */
  stop(graceMs?: number): Promise<void>
  /** Where it listens; undefined unless it runs. */
  readonly addresses: AuthAddresses | undefined
  /** SQL statements sent since the start: for tests and metrics. */
  statementCount(): number
}

/** Waits after failed migrations: 30 ms, doubled after every failure (the database may be starting too). */
const MIGRATION_RETRY_MS = 30
const MAX_MIGRATION_ATTEMPTS = 8

/** An authorization server (GNAP) with its admin, introspection, interaction and service APIs. */
export function createAuth(config: AuthConfig, runtime: Runtime): Auth {
  const { clock, logger } = runtime
  const database = runtime.openDatabase({
    url: config.AUTH_DATABASE_URL,
    maxConnections: config.MAX_DATABASE_CONNECTIONS
  })
  const cache = runtime.openCache(config.CACHE, config)
  const httpClient = createHttpClient(runtime, { allowPrivateAddresses: config.ALLOW_PRIVATE_ADDRESSES })
  const dependencies: AuthDependencies = {
    config,
    network: runtime.network,
    clock,
    random: runtime.random,
    logger,
    database,
    cache,
    clientKeys: createClientKeyFetcher({ httpClient, scheme: config.OPEN_PAYMENTS_SCHEME }),
    nonces: createNonceGuard(cache),
    health: createHealth({
      clock,
      logger,
      checks: { database: () => database.ping(), cache: () => cache.ping() },
      state: () => (stopping !== undefined ? 'stopping' : addresses === undefined ? 'starting' : 'ready')
    })
  }
  const cleanup = createTokenCleanup(dependencies)
  const servers: HttpServer[] = []
  let addresses: AuthAddresses | undefined
  let stopping: Promise<void> | undefined

  async function prepareDatabase(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (config.ENABLE_MANUAL_MIGRATIONS) {
          return await requireMigrations('auth', database, authMigrationSets)
        }
        return await database.migrate('auth', authMigrations)
      } catch (error) {
        if (error instanceof StartError || attempt === MAX_MIGRATION_ATTEMPTS) throw error
        const delayMs = MIGRATION_RETRY_MS * 2 ** attempt
        logger.warn({ err: error, attempt, delayMs }, 'the database could not be made ready')
        await clock.sleep(delayMs)
      }
    }
  }

  async function open(
    variable: PortVariable,
    serve: (address: Address) => Promise<HttpServer>
  ): Promise<Address> {
    try {
      const server = await serve({ host: config.BIND_HOST, port: config[variable] })
      servers.push(server)
      return server.address
    } catch (error) {
      throw Object.assign(error as Error, { variable })
    }
  }

  async function openAll(): Promise<AuthAddresses> {
    const document = await loadAuthServerDocument()
    const gnap = createGnapApp(dependencies, document).callback()
    const introspection = createIntrospectionApp(dependencies).callback()
    const identityProviders = createIdentityProviderApp(dependencies).callback()
    const service = createServiceApp(dependencies).callback()
    return {
      admin: await open('ADMIN_PORT', (address) => serveAdmin(address)),
      introspection: await open('INTROSPECTION_PORT', (address) =>
        serveHttp(runtime, address, introspection)
      ),
      interaction: await open('INTERACTION_PORT', (address) =>
        serveHttp(runtime, address, identityProviders)
      ),
      serviceApi: await open('SERVICE_API_PORT', (address) => serveHttp(runtime, address, service)),
      auth: await open('AUTH_PORT', (address) => serveHttp(runtime, address, gnap))
    }
  }

  function serveAdmin(address: Address): Promise<HttpServer> {
    return createAdminServer({
      ...dependencies,
      address,
      schema: createAuthSchema(),
      authenticator: createAdminAuthenticator({
        findTenant: (id) => findTenant(database.knex, id),
        cache,
        clock,
        version: config.ADMIN_API_SIGNATURE_VERSION,
        ttlSeconds: config.ADMIN_API_SIGNATURE_TTL_SECONDS,
        operatorTenantId: config.OPERATOR_TENANT_ID
      }),
      createContext: ({ tenant, isOperator }) =>
        createResolverContext({ database, clock, tenantId: tenant.id, isOperator }),
      production: config.NODE_ENV === 'production',
      trustProxy: config.TRUST_PROXY
    })
  }

  async function close(graceMs: number | undefined): Promise<void> {
    const open = servers.splice(0)
    // All answer 503 until the last request has ended.
    await Promise.all(open.map((server) => server.drain(graceMs)))
    await Promise.all([...open.map((server) => server.stop(0)), cleanup.stop()])
    addresses = undefined
    await httpClient.close()
    await cache.close()
    await database.close()
  }

  const stop = (graceMs: number | undefined = config.STOP_GRACE_MS): Promise<void> =>
    (stopping ??= close(graceMs))

  return {
    async start() {
      try {
        await readCacheTls(config, runtime.readTextFile)
        await prepareDatabase()
        await upsertOperatorTenant(
          database.knex,
          {
            id: config.OPERATOR_TENANT_ID,
            apiSecret: config.ADMIN_API_SECRET,
            consentUrl: config.IDENTITY_SERVER_URL,
            idpSecret: config.IDENTITY_SERVER_SECRET
          },
          clock.nowMs()
        )
        addresses = await openAll()
        cleanup.start()
      } catch (error) {
        await stop(0)
        throw error
      }
    },
    stop,
    get addresses() {
      return addresses
    },
    statementCount: () => database.statementCount()
  }
}

type PortVariable =
  'ADMIN_PORT' | 'AUTH_PORT' | 'INTROSPECTION_PORT' | 'INTERACTION_PORT' | 'SERVICE_API_PORT'
