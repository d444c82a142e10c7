import { createSchema } from 'graphql-yoga'
import { createAdminAuthenticator, createAdminServer } from '../../admin-api/index.ts'
import type { Health } from '../../http-api/index.ts'
import type { Address, Cache, Database, HttpServer, Runtime } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { createSecretBox } from '../secrets.ts'
import { ARGUMENT_LIMITS } from './arguments.ts'
import { createLoaders } from './context.ts'
import type { AdminContext, AdminServices } from './context.ts'
import { createCreationClaims } from './creation-claims.ts'
import { createIdempotency } from './idempotency.ts'
import { resolvers } from './resolvers/index.ts'
import { typeDefs } from './schema/index.ts'

export interface AdminApiDependencies {
  config: Pick<
    BackendConfig,
    | 'ADMIN_API_SIGNATURE_TTL_SECONDS'
    | 'ADMIN_API_SIGNATURE_VERSION'
    | 'ADMIN_PORT'
    | 'BIND_HOST'
    | 'GRAPHQL_IDEMPOTENCY_KEY_LOCK_MS'
    | 'GRAPHQL_IDEMPOTENCY_KEY_TTL_MS'
    | 'NODE_ENV'
    | 'OPERATOR_TENANT_ID'
    | 'STREAM_SECRET'
    | 'TRUST_PROXY'
  >
  runtime: Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>
  health: Health
  database: Database
  cache: Cache
  services: AdminServices
}

export interface AdminApi {
  /** @throws an error with code EADDRINUSE when ADMIN_PORT is taken */
  start(): Promise<void>
  /** Where it listens; undefined before the start. */
  readonly address: Address | undefined
  /** Answers 503 from now on; resolves when what runs has ended, at most after `graceMs`. */
  drain(graceMs?: number): Promise<void>
  stop(graceMs?: number): Promise<void>
}

/** The schema with its resolvers. */
export function createAdminSchema() {
  return createSchema<AdminContext>({ typeDefs, resolvers })
}

/** The backend's Admin API: signed GraphQL over the nouns. */
export function createAdminApi({
  config,
  runtime,
  health,
  database,
  cache,
  services
}: AdminApiDependencies): AdminApi {
  const { clock, random, logger } = runtime
  const ttlMs = config.GRAPHQL_IDEMPOTENCY_KEY_TTL_MS
  const idempotency = createIdempotency({
    cache,
    claims: createCreationClaims({ database, clock, random, ttlMs }),
    box: createSecretBox(config.STREAM_SECRET, 'results of mutations', random),
    clock,
    random,
    logger,
    lockMs: config.GRAPHQL_IDEMPOTENCY_KEY_LOCK_MS,
    ttlMs
  })
  let server: HttpServer | undefined

  return {
    async start() {
      server = await createAdminServer({
        ...runtime,
        address: { host: config.BIND_HOST, port: config.ADMIN_PORT },
        schema: createAdminSchema(),
        authenticator: createAdminAuthenticator({
          findTenant: (id) => services.tenants.get(id),
          cache,
          clock,
          version: config.ADMIN_API_SIGNATURE_VERSION,
          ttlSeconds: config.ADMIN_API_SIGNATURE_TTL_SECONDS,
          operatorTenantId: config.OPERATOR_TENANT_ID
        }),
        createContext: ({ tenant, isOperator }): AdminContext => ({
          tenant,
          isOperator,
          services,
          loaders: createLoaders(services, isOperator ? undefined : tenant.id),
          idempotency,
          clock,
          logger
        }),
        health,
        argumentLimits: ARGUMENT_LIMITS,
        production: config.NODE_ENV === 'production',
        trustProxy: config.TRUST_PROXY
      })
    },
    get address() {
      return server?.address
    },
    async drain(graceMs) {
      await server?.drain(graceMs)
    },
    async stop(graceMs) {
      await server?.stop(graceMs)
    }
  }
}
