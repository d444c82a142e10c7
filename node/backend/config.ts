import { z } from 'zod'
import { isValidAddress } from '../ilp/index.ts'
import { parseEnvironment, variable } from '../runtime/index.ts'
import type { Environment } from '../runtime/index.ts'
import { parseAssets, parseHosts } from './auto-peering/policy.ts'
import { isPageTemplate } from './wallet-addresses/page.ts'

/**
 * Variables by Rafiki's names and defaults; the last block holds our extensions. docs/operations.md says of each what
 * it does, `fixtures/contract/environment.json` holds the contract's.
 */
const variables = z.object({
  ENV_FILE: variable.string('.env'),
  NODE_ENV: variable.string('development'),
  LOG_LEVEL: variable.logLevel(),
  INSTANCE_NAME: variable.required(),
  TRUST_PROXY: variable.boolean(false),
  ENABLE_MANUAL_MIGRATIONS: variable.boolean(false),
  DATABASE_URL: variable.serviceUrl('postgresql://postgres:password@localhost:5432/development', [
    'postgresql',
    'postgres'
  ]),
  REDIS_URL: variable.serviceUrl('redis://127.0.0.1:6379', ['redis', 'rediss']),
  REDIS_TLS_CA_FILE_PATH: variable.optional(),
  REDIS_TLS_KEY_FILE_PATH: variable.optional(),
  REDIS_TLS_CERT_FILE_PATH: variable.optional(),
  ADMIN_PORT: variable.port(3001),
  OPEN_PAYMENTS_PORT: variable.port(3003),
  CONNECTOR_PORT: variable.port(3002),
  OPEN_PAYMENTS_URL: variable.baseUrl(),
  WALLET_ADDRESS_URL: variable.baseUrl().default('http://127.0.0.1:3001/.well-known/pay'),
  ILP_ADDRESS: variable
    .required()
    .refine(isValidAddress, 'an ILP address is needed, such as g.acacia or test.acacia'),
  ILP_CONNECTOR_URL: variable.url(),
  STREAM_SECRET: variable
    .required()
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((secret) => secret.length === 32, 'the base64 text of 32 bytes is needed'),
  KEY_ID: variable.required(),
  PRIVATE_KEY_FILE: variable.optional(),
  OPERATOR_TENANT_ID: variable.uuid(),
  ADMIN_API_SECRET: variable.required(),
  ADMIN_API_SIGNATURE_VERSION: variable.integer(1),
  ADMIN_API_SIGNATURE_TTL_SECONDS: variable.integer(30, 1),
  AUTH_SERVER_GRANT_URL: variable.baseUrl(),
  AUTH_SERVER_INTROSPECTION_URL: variable.url(),
  AUTH_SERVICE_API_URL: variable.baseUrl(),
  USE_TIGERBEETLE: variable.boolean(true),
  TIGERBEETLE_CLUSTER_ID: z
    .string()
    .regex(/^\d{1,38}$/, 'a whole number below 2^128 is needed')
    .default('0')
    .transform(BigInt),
  TIGERBEETLE_REPLICA_ADDRESSES: z
    .string()
    .default('3004')
    .transform((text) => text.split(',').map((address) => address.trim()))
    .refine(
      (addresses) => addresses.every(isReplicaAddress),
      'ports, host:port or [IPv6]:port are needed, separated by commas: one per replica'
    ),
  TIGERBEETLE_TWO_PHASE_TIMEOUT_SECONDS: variable.integer(5, 1),
  EXCHANGE_RATES_URL: variable.optionalUrl(),
  EXCHANGE_RATES_LIFETIME: variable.integer(15_000),
  SLIPPAGE: variable
    .string('0.01')
    .refine(
      (text) => /^0(\.\d{1,9})?$/.test(text),
      'a decimal of at least 0 and below 1 is needed, such as 0.01'
    ),
  QUOTE_LIFESPAN: variable.integer(300_000, 1),
  OUTGOING_PAYMENT_WORKERS: variable.integer(1),
  OUTGOING_PAYMENT_WORKER_IDLE: variable.integer(10),
  INCOMING_PAYMENT_WORKERS: variable.integer(1),
  INCOMING_PAYMENT_WORKER_IDLE: variable.integer(200),
  WEBHOOK_WORKERS: variable.integer(1),
  WEBHOOK_WORKER_IDLE: variable.integer(200),
  WEBHOOK_URL: variable.url(),
  WEBHOOK_TIMEOUT: variable.integer(2_000, 1),
  WEBHOOK_MAX_RETRY: variable.integer(10),
  SEND_TENANT_WEBHOOKS_TO_OPERATOR: variable.boolean(false),
  SIGNATURE_SECRET: variable.optional(),
  SIGNATURE_VERSION: variable.integer(1),
  POLL_INCOMING_PAYMENT_CREATED_WEBHOOK: variable.boolean(false),
  INCOMING_PAYMENT_CREATED_POLL_TIMEOUT_MS: variable.integer(10_000, 1),
  INCOMING_PAYMENT_CREATED_POLL_FREQUENCY_MS: variable.integer(1_000, 1),
  INCOMING_PAYMENT_EXPIRY_MAX_MS: variable.integer(2_592_000_000, 1),
  MAX_OUTGOING_PAYMENT_RETRY_ATTEMPTS: variable.integer(5, 1),
  GRAPHQL_IDEMPOTENCY_KEY_LOCK_MS: variable.integer(2_000, 1),
  GRAPHQL_IDEMPOTENCY_KEY_TTL_MS: variable.integer(86_400_000, 1),
  LOCAL_CACHE_DURATION_MS: variable.integer(15_000),
  DB_ENCRYPTION_SECRET: variable
    .optional()
    .transform((text) => (text === undefined ? undefined : Buffer.from(text, 'base64')))
    .refine(
      (secret) => secret === undefined || secret.length === 32,
      'the base64 text of 32 bytes is needed'
    ),
  WALLET_ADDRESS_WORKERS: variable.integer(1),
  WALLET_ADDRESS_WORKER_IDLE: variable.integer(200),
  WITHDRAWAL_THROTTLE_DELAY: variable.optionalInteger(),
  ENABLE_SPSP_PAYMENT_POINTERS: variable.boolean(true),
  ENABLE_PARTIAL_PAYMENT_DECISION: variable.boolean(false),
  PARTIAL_PAYMENT_DECISION_MAX_WAIT_MS: variable.integer(1_500),
  PARTIAL_PAYMENT_DECISION_SAFETY_MARGIN_MS: variable.integer(100),
  WALLET_ADDRESS_NOT_FOUND_POLLING_ENABLED: variable.boolean(false),
  WALLET_ADDRESS_LOOKUP_TIMEOUT_MS: variable.integer(1_500),
  WALLET_ADDRESS_POLLING_FREQUENCY_MS: variable.integer(100, 1),
  WALLET_ADDRESS_REDIRECT_HTML_PAGE: variable
    .optional()
    .refine(
      (page) => page === undefined || isPageTemplate(page),
      'a URL is needed, in which %wa, %ewa, %wp and %ewp stand for the wallet address'
    ),
  CARD_SERVICE_URL: variable.optionalUrl(),
  CARD_WEBHOOK_SERVICE_URL: variable.optionalUrl(),
  POS_SERVICE_URL: variable.optionalUrl(),
  POS_WEBHOOK_SERVICE_URL: variable.optionalUrl(),
  WALLET_ADDRESS_DEACTIVATION_PAYMENT_GRACE_PERIOD_MS: variable.integer(86_400_000),
  ENABLE_AUTO_PEERING: variable.boolean(false),
  AUTO_PEERING_SERVER_PORT: variable.port(3005),
  ENABLE_TELEMETRY: variable.boolean(false),
  ENABLE_TELEMETRY_TRACES: variable.boolean(false),
  LIVENET: variable.boolean(false),
  OPEN_TELEMETRY_COLLECTOR_URLS: variable.optional(),
  OPEN_TELEMETRY_TRACE_COLLECTOR_URLS: variable.string(''),
  OPEN_TELEMETRY_EXPORT_INTERVAL: variable.integer(15_000, 1),
  TELEMETRY_EXCHANGE_RATES_URL: variable
    .url()
    .default('https://telemetry-exchange-rates.s3.amazonaws.com/exchange-rates-usd.json'),
  TELEMETRY_EXCHANGE_RATES_LIFETIME: variable.integer(86_400_000, 1),
  ENABLE_ILP_TIMING_TELEMETRY: variable.boolean(true),
  JEST_WORKER_ID: variable.optional(),

  LEDGER: variable.oneOf(['postgres', 'tigerbeetle', 'memory']).optional(),
  CACHE: variable.oneOf(['memory', 'redis']).optional(),
  OPEN_PAYMENTS_SCHEME: variable.oneOf(['http', 'https']).optional(),
  VALIDATE_RESPONSES: z.string().optional(),
  ALLOW_PRIVATE_ADDRESSES: z.string().optional(),
  AUTO_PEERING_POLICY: variable.oneOf(['off', 'allow-list', 'approve']).default('approve'),
  AUTO_PEERING_ALLOW: variable
    .string('')
    .transform((text) => parseHosts(text))
    .refine((hosts) => hosts !== undefined, 'host names with commas between are needed')
    .transform((hosts) => hosts ?? []),
  AUTO_PEERING_ASSETS: variable
    .optional()
    .transform((text) => (text === undefined ? undefined : { assets: parseAssets(text) }))
    .refine(
      (read) => read === undefined || read.assets !== undefined,
      'assets as CODE/SCALE:CREDIT with commas between are needed, such as USD/2:100000'
    )
    .transform((read) => read?.assets),
  AUTO_PEERING_URL: variable.optionalUrl(),
  /** The address that the doors are opened on. */
  BIND_HOST: variable.string('0.0.0.0'),
  /** What runs may take this long to end when the service stops. */
  STOP_GRACE_MS: variable.integer(20_000),
  /** Connections to the database for all but the ledger, which has its own, and the one that listens. */
  MAX_DATABASE_CONNECTIONS: variable.integer(10, 2),
  /** Packets of all sources that are not settled; further ones are answered T03. */
  MAX_PACKETS_IN_FLIGHT: variable.integer(20_000, 1),
  /** Packets to one peer that are not settled; further ones are answered T03. */
  MAX_PACKETS_TO_PEER_IN_FLIGHT: variable.integer(4_000, 1),
  /** When packets wait longer than this for the node itself on average, fewer are let in. */
  MAX_PACKET_WAIT_MS: variable.integer(150, 1),
  /** Connections to one peer over HTTP, each with one packet at a time. */
  MAX_CONNECTIONS_TO_PEER: variable.integer(256, 1)
})

const schema = variables.transform((env) => ({
  ...env,
  ...(env.NODE_ENV === 'test' && underTest(env)),
  LEDGER: env.LEDGER ?? (env.USE_TIGERBEETLE ? ('tigerbeetle' as const) : ('postgres' as const)),
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

/** `NODE_ENV=test`: no worker runs, and each worker of Jest has a database of its own. */
function underTest({ DATABASE_URL, JEST_WORKER_ID }: z.output<typeof variables>) {
  return {
    DATABASE_URL: JEST_WORKER_ID === undefined ? DATABASE_URL : `${DATABASE_URL}_${JEST_WORKER_ID}`,
    OUTGOING_PAYMENT_WORKERS: 0,
    INCOMING_PAYMENT_WORKERS: 0,
    WALLET_ADDRESS_WORKERS: 0,
    WEBHOOK_WORKERS: 0
  }
}

/** A port, `host:port` or `[IPv6]:port`. */
function isReplicaAddress(address: string): boolean {
  const port = /^(?:(?:[a-z0-9._-]+|\[[0-9a-f:.]+\]):)?(\d{1,5})$/i.exec(address)?.[1]
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
}

/** Names of all variables that the backend reads. */
export const BACKEND_VARIABLES: readonly string[] = Object.keys(variables.shape)

export type BackendConfig = z.output<typeof schema>

/**
 * The backend's configuration from the environment.
 *
 * @throws ConfigurationError naming every wrong variable, what it holds and what is allowed
 */
export function loadBackendConfig(environment: Environment): BackendConfig {
  return parseEnvironment(schema, environment)
}
