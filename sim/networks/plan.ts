import { createHash, createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Random } from '../../node/runtime/index.ts'
import type { ServicePort, Topology, TopologyNode } from '../topology/model.ts'

/** Base URLs of a node's doors, as others reach them. */
export interface NodeUrls {
  admin: string
  openPayments: string
  connector: string
  auth: string
  authAdmin: string
  introspection: string
  interaction: string
  serviceApi: string
  wallet: string
  /** Its admin UI, where one runs. */
  frontend: string
}

export interface NodeSecrets {
  operatorTenantId: string
  adminApiSecret: string
  streamSecret: Buffer
  webhookSecret: string
  idpSecret: string
  cookieKey: string
  /** Seed of the Ed25519 key of the instance. */
  instanceKeySeed: Buffer
}

/** A node as the laboratory runs it: what the topology says, where its doors are, what it keeps secret. */
export interface NodePlan {
  node: TopologyNode
  urls: NodeUrls
  secrets: NodeSecrets
  databaseUrls: { backend: string; auth: string }
  ledger: LedgerPlan
  /** Each service's own database of a Redis. Absent: caches are in memory. */
  cacheUrls?: { backend: string; auth: string }
}

/** What a world decides of a node: where its doors and its data are. */
export type NodePlace = Pick<NodePlan, 'urls' | 'databaseUrls' | 'ledger' | 'cacheUrls'>

/** Where a node's books are: in its backend's database, or in a TigerBeetle cluster of its own. */
export type LedgerPlan =
  { kind: 'postgres' } | { kind: 'tigerbeetle'; clusterId: bigint; addresses: readonly string[] }

function ledgerEnvironment(ledger: LedgerPlan): Record<string, string> {
  if (ledger.kind === 'postgres') return { LEDGER: 'postgres' }
  return {
    LEDGER: 'tigerbeetle',
    TIGERBEETLE_CLUSTER_ID: ledger.clusterId.toString(),
    TIGERBEETLE_REPLICA_ADDRESSES: ledger.addresses.join(',')
  }
}

function cacheEnvironment(redisUrl: string | undefined): Record<string, string> {
  return redisUrl === undefined ? { CACHE: 'memory' } : { CACHE: 'redis', REDIS_URL: redisUrl }
}

/** How a world names things: its scheme, where doors open, where a private key's text can be read. */
export interface WorldNaming {
  scheme: 'http' | 'https'
  bindHost: string
  port(node: string, service: ServicePort): number
  /** Undefined: the node makes a key of its own at each start. */
  privateKeyFile(node: string): string | undefined
}

export function createSecrets(random: Random): NodeSecrets {
  const hex = (length: number) => random.bytes(length).toString('hex')
  return {
    operatorTenantId: random.uuid(),
    adminApiSecret: hex(24),
    streamSecret: random.bytes(32),
    webhookSecret: hex(24),
    idpSecret: hex(24),
    cookieKey: hex(24),
    instanceKeySeed: random.bytes(32)
  }
}

/** The variables of a node's backend, by Rafiki's names. */
export function backendEnvironment(
  { node, urls, secrets, databaseUrls, ledger, cacheUrls }: NodePlan,
  world: WorldNaming
): Record<string, string> {
  const port = (service: ServicePort) => String(world.port(node.name, service))
  const privateKeyFile = world.privateKeyFile(node.name)
  return {
    NODE_ENV: 'development',
    LOG_LEVEL: 'info',
    INSTANCE_NAME: node.name,
    BIND_HOST: world.bindHost,
    DATABASE_URL: databaseUrls.backend,
    ...ledgerEnvironment(ledger),
    ...cacheEnvironment(cacheUrls?.backend),
    ADMIN_PORT: port('admin'),
    OPEN_PAYMENTS_PORT: port('openPayments'),
    CONNECTOR_PORT: port('connector'),
    OPEN_PAYMENTS_URL: urls.openPayments,
    OPEN_PAYMENTS_SCHEME: world.scheme,
    WALLET_ADDRESS_URL: `${urls.openPayments}/.well-known/pay`,
    ILP_ADDRESS: node.ilpAddress,
    ILP_CONNECTOR_URL: urls.connector,
    STREAM_SECRET: secrets.streamSecret.toString('base64'),
    KEY_ID: `${node.name}-key`,
    ...(privateKeyFile !== undefined && { PRIVATE_KEY_FILE: privateKeyFile }),
    OPERATOR_TENANT_ID: secrets.operatorTenantId,
    ADMIN_API_SECRET: secrets.adminApiSecret,
    AUTH_SERVER_GRANT_URL: urls.auth,
    AUTH_SERVER_INTROSPECTION_URL: urls.introspection,
    AUTH_SERVICE_API_URL: urls.serviceApi,
    EXCHANGE_RATES_URL: `${urls.wallet}/rates`,
    SLIPPAGE: node.slippage,
    WEBHOOK_URL: `${urls.wallet}/webhooks`,
    SIGNATURE_SECRET: secrets.webhookSecret,
    ...node.environment
  }
}

/** The variables of a node's auth service, by Rafiki's names. */
export function authEnvironment(
  { node, urls, secrets, databaseUrls, cacheUrls }: NodePlan,
  world: WorldNaming
): Record<string, string> {
  const port = (service: ServicePort) => String(world.port(node.name, service))
  return {
    NODE_ENV: 'development',
    LOG_LEVEL: 'info',
    BIND_HOST: world.bindHost,
    AUTH_DATABASE_URL: databaseUrls.auth,
    ...cacheEnvironment(cacheUrls?.auth),
    ADMIN_PORT: port('authAdmin'),
    AUTH_PORT: port('auth'),
    INTROSPECTION_PORT: port('introspection'),
    INTERACTION_PORT: port('interaction'),
    SERVICE_API_PORT: port('serviceApi'),
    AUTH_SERVER_URL: urls.auth,
    OPEN_PAYMENTS_SCHEME: world.scheme,
    IDENTITY_SERVER_URL: `${urls.wallet}/consent`,
    IDENTITY_SERVER_SECRET: secrets.idpSecret,
    ADMIN_API_SECRET: secrets.adminApiSecret,
    OPERATOR_TENANT_ID: secrets.operatorTenantId,
    COOKIE_KEY: secrets.cookieKey,
    // The demonstration's payer decides at once: it need not wait five seconds before it continues its grant.
    WAIT_SECONDS: '0'
  }
}

/** The URL of a wallet address: always https, whatever the world's wire speaks (clients rewrite it). */
export function walletAddressUrl(plan: Pick<NodePlan, 'urls'>, name: string): string {
  return `${plan.urls.openPayments}/${name}`
}

/** PKCS#8 of a raw Ed25519 seed (RFC 8410, section 7). */
const PKCS8_ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

export function ed25519KeyOfSeed(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}

/** The key with which the holder of a wallet address signs as a client; reproducible from the node's secrets. */
export function clientKey(
  plan: { secrets: Pick<NodeSecrets, 'instanceKeySeed'> },
  walletAddress: string
): { keyId: string; privateKey: KeyObject } {
  const seed = createHash('sha256').update(plan.secrets.instanceKeySeed).update(walletAddress).digest()
  return { keyId: `${walletAddress}-key`, privateKey: ed25519KeyOfSeed(seed) }
}

export function planOf(plans: readonly NodePlan[], nodeName: string): NodePlan {
  const plan = plans.find(({ node }) => node.name === nodeName)
  if (!plan)
    throw new Error(`no node "${nodeName}"; there are ${plans.map(({ node }) => node.name).join(', ')}`)
  return plan
}

export interface NetworkPlan {
  topology: Topology
  plans: NodePlan[]
  /** Bearer tokens of a link, by the node that presents them. */
  linkTokens: { link: number; presentedBy: string; token: string }[]
}

export function planNetwork(
  topology: Topology,
  random: Random,
  place: (node: TopologyNode) => NodePlace
): NetworkPlan {
  return {
    topology,
    plans: topology.nodes.map((node) => ({ node, secrets: createSecrets(random), ...place(node) })),
    linkTokens: topology.links.flatMap(({ between }, link) =>
      between.map((presentedBy) => ({ link, presentedBy, token: random.bytes(16).toString('hex') }))
    )
  }
}
