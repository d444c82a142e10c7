import { z } from 'zod'
import { parseEnvironment, variable } from '../runtime/index.ts'
import type { Environment } from '../runtime/index.ts'

/**
 * Variables by Rafiki's names and defaults; the last block holds our extensions. docs/operations.md says of each what
 * it does, `fixtures/contract/environment.json` holds the contract's.
 */
const variables = z.object({
  ENV_FILE: variable.string('.env'),
  NODE_ENV: variable.string('development'),
  LOG_LEVEL: variable.logLevel(),
  TRUST_PROXY: variable.boolean(false),
  ENABLE_MANUAL_MIGRATIONS: variable.boolean(false),
  ADMIN_PORT: variable.port(3003),
  AUTH_PORT: variable.port(3006),
  INTROSPECTION_PORT: variable.port(3007),
  INTERACTION_PORT: variable.port(3009),
  SERVICE_API_PORT: variable.port(3011),
  AUTH_DATABASE_URL: variable.serviceUrl('postgresql://postgres:password@localhost:5432/auth_development', [
    'postgresql',
    'postgres'
  ]),
  REDIS_URL: variable.serviceUrl('redis://127.0.0.1:6379', ['redis', 'rediss']),
  REDIS_TLS_CA_FILE_PATH: variable.optional(),
  REDIS_TLS_KEY_FILE_PATH: variable.optional(),
  REDIS_TLS_CERT_FILE_PATH: variable.optional(),
  IDENTITY_SERVER_URL: variable.url(),
  IDENTITY_SERVER_SECRET: variable.required(),
  /** The public URL; kept without a slash at its end. */
  AUTH_SERVER_URL: variable.baseUrl().transform((url) => url.replace(/\/+$/, '')),
  ADMIN_API_SECRET: variable.required(),
  OPERATOR_TENANT_ID: variable.uuid().transform((id) => id.toLowerCase()),
  COOKIE_KEY: variable.required(),
  ADMIN_API_SIGNATURE_VERSION: variable.integer(1),
  ADMIN_API_SIGNATURE_TTL_SECONDS: variable.integer(30, 1),
  WAIT_SECONDS: variable.integer(5),
  INTERACTION_EXPIRY_SECONDS: variable.integer(600, 1),
  ACCESS_TOKEN_EXPIRY_SECONDS: variable.integer(600, 1),
  /** `lax` or `none`; other values are ignored. */
  INTERACTION_COOKIE_SAME_SITE: variable
    .optional()
    .transform((value) => (value === 'lax' || value === 'none' ? value : undefined)),
  DATABASE_CLEANUP_WORKERS: variable.integer(1),
  ACCESS_TOKEN_DELETION_DAYS: variable.integer(30),
  INCOMING_PAYMENT_INTERACTION: variable.boolean(false),
  QUOTE_INTERACTION: variable.boolean(false),
  LIST_ALL_ACCESS_INTERACTION: variable.boolean(true),
  JEST_WORKER_ID: variable.optional(),

  CACHE: variable.oneOf(['memory', 'redis']).optional(),
  OPEN_PAYMENTS_SCHEME: variable.oneOf(['http', 'https']).optional(),
  VALIDATE_RESPONSES: z.string().optional(),
  ALLOW_PRIVATE_ADDRESSES: z.string().optional(),
  /** The address that the doors are opened on. */
  BIND_HOST: variable.string('0.0.0.0'),
  /** What runs may take this long to end when the service stops. */
  STOP_GRACE_MS: variable.integer(20_000),
  /** Connections to the database. */
  MAX_DATABASE_CONNECTIONS: variable.integer(10, 2)
})

const schema = variables.transform((env) => ({
  ...env,
  ...(env.NODE_ENV === 'test' && underTest(env)),
  CACHE: env.CACHE === 'memory' ? 'memory' : env.REDIS_URL,
  OPEN_PAYMENTS_SCHEME:
    env.OPEN_PAYMENTS_SCHEME ?? (env.NODE_ENV === 'development' ? ('http' as const) : ('https' as const)),
  VALIDATE_RESPONSES:
    env.VALIDATE_RESPONSES === undefined ? env.NODE_ENV !== 'production' : env.VALIDATE_RESPONSES === 'true',
  ALLOW_PRIVATE_ADDRESSES:
    env.ALLOW_PRIVATE_ADDRESSES === undefined
      ? env.NODE_ENV !== 'production'
      : env.ALLOW_PRIVATE_ADDRESSES === 'true'
}))

/** `NODE_ENV=test`: nothing is cleaned up, and each worker of Jest has a database of its own. */
function underTest({ AUTH_DATABASE_URL, JEST_WORKER_ID }: z.output<typeof variables>) {
  return {
    AUTH_DATABASE_URL:
      JEST_WORKER_ID === undefined ? AUTH_DATABASE_URL : `${AUTH_DATABASE_URL}_${JEST_WORKER_ID}`,
    DATABASE_CLEANUP_WORKERS: 0
  }
}

/** Names of all variables that the authorization server reads. */
export const AUTH_VARIABLES: readonly string[] = Object.keys(variables.shape)

export type AuthConfig = z.output<typeof schema>

/**
 * The authorization server's configuration from the environment.
 *
 * @throws ConfigurationError naming every wrong variable, what it holds and what is allowed
 */
export function loadAuthConfig(environment: Environment): AuthConfig {
  return parseEnvironment(schema, environment)
}
