import { z } from 'zod'
import { parseEnvironment, variable } from '../runtime/index.ts'
import type { Environment } from '../runtime/index.ts'

const KRATOS = ['KRATOS_CONTAINER_PUBLIC_URL', 'KRATOS_BROWSER_PUBLIC_URL', 'KRATOS_ADMIN_URL'] as const
const OIDC = ['OIDC_ISSUER_URL', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'FRONTEND_URL'] as const

/**
 * Variables by Rafiki's names and defaults (facts 8.3); the last block holds our extensions. docs/operations.md says of
 * each what it does.
 */
const variables = z.object({
  ENV_FILE: variable.string('.env'),
  NODE_ENV: variable.string('development'),
  LOG_LEVEL: variable.logLevel(),
  PORT: variable.port(3010),
  GRAPHQL_URL: variable.url(),
  OPEN_PAYMENTS_URL: variable.baseUrl().transform((url) => url.replace(/\/+$/, '')),
  SIGNATURE_VERSION: variable.integer(1, 1),
  AUTH_ENABLED: variable.boolean(true),
  KRATOS_CONTAINER_PUBLIC_URL: variable.optional(),
  KRATOS_BROWSER_PUBLIC_URL: variable.optional(),
  KRATOS_ADMIN_URL: variable.optional(),
  ENABLE_INSECURE_MESSAGE_COOKIE: variable.boolean(false),

  /** Encrypts the session's cookie, in which the API secret is: 32 characters or more. */
  SESSION_SECRET: variable.required(),
  /** A session ends so long after its credentials were given. */
  SESSION_LIFETIME_SECONDS: variable.integer(28_800, 60),
  /** Who logs people in where AUTH_ENABLED is true. */
  AUTH_PROVIDER: variable.oneOf(['kratos', 'oidc']).default('kratos'),
  OIDC_ISSUER_URL: variable.optional(),
  OIDC_CLIENT_ID: variable.optional(),
  OIDC_CLIENT_SECRET: variable.optional(),
  /** Comma separated; whoever else logs in at the provider is not let in. Empty: everybody of the provider. */
  OIDC_ALLOWED_EMAILS: variable.string(''),
  /** Where browsers reach this UI: the base of the address that the provider sends them back to. */
  FRONTEND_URL: variable.optional(),
  /** What the overview asks for the health of the node's services. */
  BACKEND_HEALTH_URL: variable.optional(),
  AUTH_HEALTH_URL: variable.optional(),
  /** The address that the door is opened on. */
  BIND_HOST: variable.string('0.0.0.0'),
  /** What runs may take this long to end when the service stops. */
  STOP_GRACE_MS: variable.integer(20_000)
})

const MIN_SECRET_LENGTH = 32

const schema = variables.superRefine((env, context) => {
  if (env.SESSION_SECRET.length < MIN_SECRET_LENGTH) {
    context.addIssue({
      code: 'custom',
      path: ['SESSION_SECRET'],
      message: `must have at least ${MIN_SECRET_LENGTH} characters`
    })
  }
  if (!env.AUTH_ENABLED) return
  for (const name of env.AUTH_PROVIDER === 'oidc' ? OIDC : KRATOS) {
    if (env[name] !== undefined) continue
    context.addIssue({
      code: 'custom',
      path: [name],
      message: `is required while AUTH_ENABLED is true and AUTH_PROVIDER is ${env.AUTH_PROVIDER}`
    })
  }
})

/** Names of all variables that the frontend reads. */
export const FRONTEND_VARIABLES: readonly string[] = Object.keys(variables.shape)

export type FrontendConfig = z.output<typeof schema>

/**
 * The frontend's configuration from the environment.
 *
 * @throws ConfigurationError naming every wrong variable, what it holds and what is allowed
 */
export function loadFrontendConfig(environment: Environment): FrontendConfig {
  return parseEnvironment(schema, environment)
}
