import type { KeyObject } from 'node:crypto'
import { createAuthenticatedClient } from '@interledger/open-payments'
import type { AuthenticatedClient, PendingGrant } from '@interledger/open-payments'
import { signAdminRequest } from '../../admin-api/index.ts'
import { createAuth, loadAuthConfig } from '../../auth/index.ts'
import {
  checkedAgainstOpenPayments,
  recordAnswers
} from '../../http-api/open-payments-answers.test-support.ts'
import { toJwk } from '../../http-signatures/index.ts'
import { createHttpClient, createSystemRuntime, serveHttp } from '../../runtime/index.ts'
import type { Database, HttpClient, HttpRequest, HttpResponse, Runtime } from '../../runtime/index.ts'
import { createTestDatabase, freePort } from '../../runtime/testing.ts'
import { createBackend, loadBackendConfig } from '../index.ts'
import { privateKeyFromSeed } from '../instance-key.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT } from '../testing.ts'
import { createWebhookCheck } from '../webhooks/payloads.test-support.ts'

const ADMIN_SECRET = TEST_ENVIRONMENT.ADMIN_API_SECRET
const IDP_SECRET = 'identity provider secret'
const OPERATOR = { tenantId: OPERATOR_ID, secret: ADMIN_SECRET }

/** An event that a node told its wallet. */
export interface ToldEvent {
  id: string
  type: string
  data: Record<string, unknown>
}

/** A whole node, backend and authorization server, on real sockets and a database of its own. For tests only. */
export interface TestNode {
  /** `https://localhost:<port>`: below it lie wallet addresses and resources. */
  openPaymentsUrl: string
  /** Where packets are posted to. */
  connectorUrl: string
  runtime: Runtime
  http: HttpClient
  /** Runs an operation of the Admin API, as the operator unless told otherwise, and gives what it answered. */
  admin<Data>(
    query: string,
    variables?: object,
    as?: { tenantId: string; secret: string }
  ): Promise<{ data?: Data; errors?: AdminError[] }>
  /** The same on the authorization server's Admin API. */
  authAdmin<Data>(query: string, variables?: object): Promise<{ data?: Data; errors?: AdminError[] }>
  /** Where the two Admin APIs are asked. */
  adminUrls: { backend: string; auth: string }
  /** The backend's database, beside the backend. */
  database: Database
  /** Statements that the backend has sent to it. */
  statementCount(): number
  /** A further tenant, whose wallet addresses lie below a URL, if it has any. */
  createTenant(tenant: { tenantId: string; secret: string }, walletAddressUrl?: string): Promise<void>
  /** Creates a wallet address, with the key that `keySeed` makes. */
  createWalletAddress(name: string, assetId: string, keySeed?: number): Promise<TestWalletAddress>
  /** Asks over http what the URL says as https. Answers of Open Payments' doors are held to its documents. */
  fetch(
    url: string,
    options?: Partial<Pick<HttpRequest, 'method' | 'headers' | 'body'>>
  ): Promise<{ status: number; headers: HttpResponse['headers']; body: unknown }>
  /** Says yes to a grant as its account holder, and gives the interaction's reference. */
  accept(grant: PendingGrant): Promise<string>
  /** From now on the backend's cache refuses keys that begin so, and forgets locks; `undefined`: it keeps all. */
  refuseCacheWrites(prefix: string | undefined): void
  /** Moves the backend's clock. */
  shift(byMs: number): void
  /** Moves the authorization server's clock. */
  shiftAuth(byMs: number): void
  /** Resolves with the first event of this type about this resource (or URL), once the node has told it. */
  told(type: string, resourceId: string): Promise<ToldEvent>
  /** @throws when a webhook that the wallet was sent is not as the contract says */
  stop(): Promise<void>
}

export interface AdminError {
  message: string
  extensions: { code: string; failure?: string; details?: Record<string, unknown> }
}

export interface TestWalletAddress {
  id: string
  url: string
  keyId: string
  privateKey: KeyObject
  /** The unmodified Open Payments client, in the name of this wallet address. */
  client: AuthenticatedClient
}

export async function startTestNode(
  adminUrl: string,
  environment: { backend?: Record<string, string>; auth?: Record<string, string> } = {}
): Promise<TestNode> {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'fatal' })
  const databases = await Promise.all([createTestDatabase(adminUrl), createTestDatabase(adminUrl)])
  const [authPort, openPaymentsPort] = await Promise.all([1, 2].map(() => freePort(runtime)))
  const doors = { auth: `localhost:${authPort}`, openPayments: `localhost:${openPaymentsPort}` }
  const http = checkedAgainstOpenPayments(createHttpClient(runtime), doors)
  const stopRecording = recordAnswers(doors)
  const openPaymentsUrl = `https://localhost:${openPaymentsPort}`
  const authUrl = `http://localhost:${authPort}`

  const events: ToldEvent[] = []
  const checkWebhook = createWebhookCheck()
  const wrongWebhooks: string[] = []
  const waiting = new Set<() => void>()
  const wallet = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const event = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ToldEvent & { id: string }
      const problem = checkWebhook(event)
      if (problem !== undefined) wrongWebhooks.push(problem)
      events.push(event)
      response.end()
      for (const look of waiting) look()
    })
  })

  let authOffsetMs = 0
  const auth = createAuth(
    loadAuthConfig({
      AUTH_DATABASE_URL: databases[0].url,
      AUTH_PORT: String(authPort),
      INTROSPECTION_PORT: '0',
      ADMIN_PORT: '0',
      INTERACTION_PORT: '0',
      SERVICE_API_PORT: '0',
      BIND_HOST: '127.0.0.1',
      CACHE: 'memory',
      AUTH_SERVER_URL: authUrl,
      IDENTITY_SERVER_URL: 'https://idp.example/consent',
      IDENTITY_SERVER_SECRET: IDP_SECRET,
      ADMIN_API_SECRET: ADMIN_SECRET,
      OPERATOR_TENANT_ID: OPERATOR_ID,
      COOKIE_KEY: 'cookie key',
      WAIT_SECONDS: '0',
      ...environment.auth
    }),
    { ...runtime, clock: { ...runtime.clock, nowMs: () => runtime.clock.nowMs() + authOffsetMs } }
  )
  await auth.start()
  const opened: Database[] = []
  let offsetMs = 0
  let refusedPrefix: string | undefined
  const observed: Runtime = {
    ...runtime,
    clock: { ...runtime.clock, nowMs: () => runtime.clock.nowMs() + offsetMs },
    openCache(...of) {
      const cache = runtime.openCache(...of)
      const isRefused = (key: string) => refusedPrefix !== undefined && key.startsWith(refusedPrefix)
      return {
        ...cache,
        async set(key, ...value) {
          if (isRefused(key)) throw new Error('READONLY')
          return cache.set(key, ...value)
        },
        setIfAbsent: async (key, ...value) => isRefused(key) || cache.setIfAbsent(key, ...value)
      }
    },
    openDatabase(options) {
      const database = runtime.openDatabase(options)
      opened.push(database)
      return database
    }
  }
  const backend = createBackend(
    loadBackendConfig({
      ...TEST_ENVIRONMENT,
      DATABASE_URL: databases[1].url,
      OPEN_PAYMENTS_PORT: String(openPaymentsPort),
      ADMIN_PORT: '0',
      CONNECTOR_PORT: '0',
      OPEN_PAYMENTS_URL: openPaymentsUrl,
      WALLET_ADDRESS_URL: `${openPaymentsUrl}/.well-known/pay`,
      AUTH_SERVER_GRANT_URL: authUrl,
      AUTH_SERVER_INTROSPECTION_URL: `http://127.0.0.1:${auth.addresses!.introspection.port}`,
      AUTH_SERVICE_API_URL: `http://127.0.0.1:${auth.addresses!.serviceApi.port}`,
      WEBHOOK_URL: `http://127.0.0.1:${wallet.address.port}/`,
      LEDGER: 'memory',
      ...environment.backend
    }),
    observed
  )
  await backend.start()
  const database = runtime.openDatabase({ url: databases[1].url, maxConnections: 1 })
  let lastTimestampMs = 0

  async function callAdmin<Data>(
    port: number,
    body: { query: string; variables: object },
    { tenantId, secret }: typeof OPERATOR
  ): Promise<{ data?: Data; errors?: AdminError[] }> {
    // Equal requests within one millisecond would have one signature.
    const timestampMs = Math.max(runtime.clock.nowMs(), lastTimestampMs + 1)
    lastTimestampMs = timestampMs
    const signature = signAdminRequest({ body, secret, version: 1, timestampMs })
    const answer = await http.request({
      method: 'POST',
      url: `http://127.0.0.1:${port}/graphql`,
      headers: { 'content-type': 'application/json', 'tenant-id': tenantId, signature },
      body: JSON.stringify(body),
      timeoutMs: 20_000,
      maxResponseBytes: 10_000_000
    })
    return JSON.parse(answer.body.toString('utf8')) as { data?: Data; errors?: AdminError[] }
  }

  const node: TestNode = {
    openPaymentsUrl,
    connectorUrl: `http://127.0.0.1:${backend.addresses!.connector.port}/`,
    runtime,
    http,
    database,
    statementCount: () => opened.reduce((sum, one) => sum + one.statementCount(), 0),
    admin: (query, variables = {}, as = OPERATOR) =>
      callAdmin(backend.addresses!.admin.port, { query, variables }, as),
    authAdmin: (query, variables = {}) =>
      callAdmin(auth.addresses!.admin.port, { query, variables }, OPERATOR),
    adminUrls: {
      backend: `http://127.0.0.1:${backend.addresses!.admin.port}/graphql`,
      auth: `http://127.0.0.1:${auth.addresses!.admin.port}/graphql`
    },
    async createTenant(tenant, walletAddressUrl) {
      const { errors } = await node.admin(
        `mutation ($input: CreateTenantInput!) { createTenant(input: $input) { tenant { id } } }`,
        {
          input: {
            id: tenant.tenantId,
            apiSecret: tenant.secret,
            idpConsentUrl: 'https://idp.example/consent',
            idpSecret: IDP_SECRET,
            ...(walletAddressUrl !== undefined && {
              settings: [{ key: 'WALLET_ADDRESS_URL', value: walletAddressUrl }]
            })
          }
        }
      )
      if (errors) throw new Error(JSON.stringify(errors))
    },
    async createWalletAddress(name, assetId, keySeed = 1) {
      const keyId = `${name}-key`
      const privateKey = privateKeyFromSeed(Buffer.alloc(32, keySeed))
      const url = `${openPaymentsUrl}/${name}`
      const { data, errors } = await node.admin<{ createWalletAddress: { walletAddress: { id: string } } }>(
        `mutation ($input: CreateWalletAddressInput!) {
           createWalletAddress(input: $input) { walletAddress { id } } }`,
        { input: { address: url, assetId, publicName: name } }
      )
      if (!data) throw new Error(JSON.stringify(errors))
      const { id } = data.createWalletAddress.walletAddress
      const { kid, x, alg, kty, crv } = toJwk(privateKey, keyId)
      await node.admin(
        `mutation ($input: CreateWalletAddressKeyInput!) {
           createWalletAddressKey(input: $input) { walletAddressKey { id } } }`,
        { input: { walletAddressId: id, jwk: { kid, x, alg, kty, crv } } }
      )
      const client = await createAuthenticatedClient({
        walletAddressUrl: url,
        keyId,
        privateKey,
        useHttp: true
      })
      return { id, url, keyId, privateKey, client }
    },
    async fetch(url, options) {
      const target = url.replace('https:', 'http:')
      const { status, headers, body } = await http.request({ method: 'GET', ...options, url: target })
      const isJson = String(headers['content-type']).includes('json')
      const text = body.toString('utf8')
      return { status, headers, body: isJson ? (JSON.parse(text) as unknown) : text }
    },
    async accept(grant) {
      const start = await node.fetch(grant.interact.redirect)
      const cookie = [start.headers['set-cookie'] ?? []].flat().map((set) => set.split(';')[0])
      const consent = new URL(String(start.headers.location))
      const id = consent.searchParams.get('interactId')
      const nonce = consent.searchParams.get('nonce')
      const interaction = `http://127.0.0.1:${auth.addresses!.interaction.port}`
      const headers = { 'x-idp-secret': IDP_SECRET }
      await node.fetch(`${interaction}/grant/${id}/${nonce}/accept`, { method: 'POST', headers })
      const finish = await node.fetch(`${authUrl}/interact/${id}/${nonce}/finish`, {
        headers: { cookie: cookie.join('; ') }
      })
      return new URL(String(finish.headers.location)).searchParams.get('interact_ref')!
    },
    refuseCacheWrites: (prefix) => void (refusedPrefix = prefix),
    shift: (byMs) => void (offsetMs += byMs),
    shiftAuth: (byMs) => void (authOffsetMs += byMs),
    told(type, resourceId) {
      return new Promise((resolve) => {
        const look = () => {
          const event = events.find(
            ({ type: told, data }) => told === type && [data.id, data.walletAddressUrl].includes(resourceId)
          )
          if (!event) return
          waiting.delete(look)
          resolve(event)
        }
        waiting.add(look)
        look()
      })
    },
    async stop() {
      await backend.stop()
      await database.close()
      await auth.stop(0)
      await wallet.stop(0)
      await http.close()
      stopRecording()
      await Promise.all(databases.map((database) => database.drop()))
      runtime.kill()
      if (wrongWebhooks.length > 0) {
        throw new Error(
          `webhooks are not as fixtures/contract/webhooks.json says:\n${wrongWebhooks.join('\n')}`
        )
      }
    }
  }
  return node
}
