import { z } from 'zod'
import { parseEnvironment, variable } from '../runtime/index.ts'
import type { Environment } from '../runtime/index.ts'

/** Variables by Rafiki's names and defaults; the last block holds our extensions (docs/compatibility.md). */
const schema = z
  .object({
    NODE_ENV: variable.string('development'),
    LOG_LEVEL: variable.string('info'),
    TRUST_PROXY: variable.boolean(false),
    ENABLE_MANUAL_MIGRATIONS: variable.boolean(false),
    ADMIN_PORT: variable.port(3003),
    AUTH_PORT: variable.port(3006),
    INTROSPECTION_PORT: variable.port(3007),
    INTERACTION_PORT: variable.port(3009),
    SERVICE_API_PORT: variable.port(3011),
    AUTH_DATABASE_URL: variable.string('postgresql://postgres:password@localhost:5432/auth_development'),
    REDIS_URL: variable.string('redis://127.0.0.1:6379'),
    IDENTITY_SERVER_URL: variable.url(),
    IDENTITY_SERVER_SECRET: variable.required(),
    /** The public URL; kept without a slash at its end. */
    AUTH_SERVER_URL: variable.url().transform((url) => url.replace(/\/+$/, '')),
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

    CACHE: variable.oneOf(['memory', 'redis']).optional(),
    OPEN_PAYMENTS_SCHEME: variable.oneOf(['http', 'https']).optional(),
    VALIDATE_RESPONSES: variable.boolean(true),
    ALLOW_PRIVATE_ADDRESSES: z.string().optional(),
    /** The address that the doors are opened on. */
    BIND_HOST: variable.string('0.0.0.0')
  })
  .transform((env) => ({
    ...env,
    CACHE: env.CACHE === 'memory' ? 'memory' : env.REDIS_URL,
    OPEN_PAYMENTS_SCHEME:
      env.OPEN_PAYMENTS_SCHEME ?? (env.NODE_ENV === 'development' ? ('http' as const) : ('https' as const)),
    ALLOW_PRIVATE_ADDRESSES:
      env.ALLOW_PRIVATE_ADDRESSES === undefined
        ? env.NODE_ENV !== 'production'
        : env.ALLOW_PRIVATE_ADDRESSES === 'true'
  }))

export type AuthConfig = z.output<typeof schema>

/**
 * The authorization server's configuration from the environment.
 *
 * @throws ConfigurationError naming every wrong variable, what it holds and what is allowed
 */
export function loadAuthConfig(environment: Environment): AuthConfig {
  return parseEnvironment(schema, environment)
}
