import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { checkedAgainstOpenPayments, recordAnswers } from '../http-api/open-payments-answers.test-support.ts'
import { signRequest, toJwk } from '../http-signatures/index.ts'
import { createHttpClient, createRuntime, createSystemRuntime, serveHttp } from '../runtime/index.ts'
import type { Cache, Clock, HttpClient, HttpResponse, HttpServer, Runtime } from '../runtime/index.ts'
import { createTestDatabase, freePort } from '../runtime/testing.ts'
import { createAuth } from './auth.ts'
import type { Auth } from './auth.ts'
import { loadAuthConfig } from './config.ts'
import type { AuthConfig } from './config.ts'

export const OPERATOR_ID = '11111111-1111-4111-8111-111111111111'
export const IDP_SECRET = 'identity provider secret'
export const ADMIN_SECRET = 'admin secret'
export const CONSENT_URL = 'https://idp.example/consent?theme=dark'

/** A client of the tests: a wallet address with one key, served over http. */
export interface TestClient {
  walletAddress: string
  keyId: string
  privateKey: KeyObject
}

export interface JsonAnswer extends HttpResponse {
  json<Body = Record<string, never>>(): Body
}

/** A running authorization server, with clients that sign. For tests only. */
export interface AuthHarness {
  auth: Auth
  config: AuthConfig
  runtime: Runtime
  /** Its answers from the GNAP door are held to the document of Open Payments. */
  http: HttpClient
  client: TestClient
  otherClient: TestClient
  /** A wallet address without a public name. */
  namelessClient: TestClient
  /** Moves the server's clock, and that of the clients. */
  shift(byMs: number): void
  /** What a client's key set holds from now on. */
  publishKeys(client: TestClient, keys: object[]): void
  url(door: keyof NonNullable<Auth['addresses']>, path: string): string
  /** Asks the GNAP door, signed by `by` unless that is null. */
  signed(request: {
    method: 'POST' | 'DELETE' | 'GET'
    path: string
    /** A string goes out as it is, anything else as JSON. */
    body?: unknown
    token?: string
    by?: TestClient | null
    headers?: Record<string, string>
  }): Promise<JsonAnswer>
  /** Asks a door without a signature. */
  send(
    door: keyof NonNullable<Auth['addresses']>,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> }
  ): Promise<JsonAnswer>
  /** Makes a request, and lets `meanwhile` happen while the server waits for the client's key set. */
  whileFetchingKeys<Answer>(request: () => Promise<Answer>, meanwhile: () => Promise<void>): Promise<Answer>
  /** Rows of a statement on the server's database. */
  sql(statement: string, parameters?: readonly unknown[]): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/**
 * @param standStill time moves by `shift` alone (timeouts are those of the machine still)
 * @param cache the server's cache, in place of one of its own
 */
export async function startTestAuth(
  adminUrl: string,
  environment: Record<string, string> = {},
  { standStill = false, cache }: { standStill?: boolean; cache?: Cache } = {}
): Promise<AuthHarness> {
  const system = createSystemRuntime({ name: 'test', logLevel: 'fatal' })
  let offsetMs = 0
  const startMs = system.clock.nowMs()
  const nowMs = () => (standStill ? startMs : system.clock.nowMs()) + offsetMs
  const clock: Clock = { ...system.clock, nowMs }
  const parts = createRuntime({ ...system, clock })
  const runtime: Runtime = cache === undefined ? parts : { ...parts, openCache: () => cache }
  const database = await createTestDatabase(adminUrl)
  const authPort = await freePort(runtime)
  const doors = { auth: `127.0.0.1:${authPort}` }
  const http = checkedAgainstOpenPayments(createHttpClient(runtime), doors)
  const stopRecording = recordAnswers(doors)
  const config = loadAuthConfig({
    AUTH_DATABASE_URL: database.url,
    AUTH_PORT: String(authPort),
    ADMIN_PORT: '0',
    INTROSPECTION_PORT: '0',
    INTERACTION_PORT: '0',
    SERVICE_API_PORT: '0',
    BIND_HOST: '127.0.0.1',
    CACHE: 'memory',
    AUTH_SERVER_URL: `http://127.0.0.1:${authPort}`,
    IDENTITY_SERVER_URL: CONSENT_URL,
    IDENTITY_SERVER_SECRET: IDP_SECRET,
    ADMIN_API_SECRET: ADMIN_SECRET,
    OPERATOR_TENANT_ID: OPERATOR_ID,
    COOKIE_KEY: 'cookie key',
    WAIT_SECONDS: '0',
    ...environment
  })
  const inspector = runtime.openDatabase({ url: database.url })
  const wallets = await serveWallets(runtime)
  const auth = createAuth(config, runtime)
  await auth.start()

  const url: AuthHarness['url'] = (door, path) => `http://127.0.0.1:${auth.addresses![door].port}${path}`
  const harness: AuthHarness = {
    auth,
    config,
    runtime,
    http,
    client: wallets.createClient('client', 'Shop & Söhne'),
    otherClient: wallets.createClient('other', 'Other'),
    namelessClient: wallets.createClient('nameless', undefined),
    shift: (byMs) => void (offsetMs += byMs),
    publishKeys: ({ walletAddress }, keys) => wallets.publishKeys(walletAddress, keys),
    url,
    async signed({ method, path, body, token, by = harness.client, headers = {} }) {
      const target = url('auth', path)
      const sent = toText(body)
      const plain = {
        accept: 'application/json',
        ...(token !== undefined && { authorization: `GNAP ${token}` }),
        ...headers
      }
      const signedHeaders =
        by === null
          ? { ...plain, ...(sent !== undefined && { 'content-type': 'application/json' }) }
          : signRequest({
              method,
              url: target,
              headers: plain,
              ...(sent !== undefined && { body: sent }),
              keyId: by.keyId,
              privateKey: by.privateKey,
              nowMs: clock.nowMs()
            })
      return withJson(
        await http.request({
          method,
          url: target,
          headers: signedHeaders,
          ...(sent !== undefined && { body: sent })
        })
      )
    },
    async send(door, method, path, { body, headers = {} } = {}) {
      const sent = toText(body)
      const sentHeaders = { ...(sent !== undefined && { 'content-type': 'application/json' }), ...headers }
      return withJson(
        await http.request({
          method,
          url: url(door, path),
          headers: sentHeaders,
          ...(sent !== undefined && { body: sent })
        })
      )
    },
    async whileFetchingKeys(request, meanwhile) {
      wallets.beforeNextAnswer(meanwhile)
      return request()
    },
    async sql(statement, parameters = []) {
      const { rows } = await inspector.knex.raw<{ rows: Record<string, unknown>[] }>(
        statement,
        parameters as never
      )
      return rows
    },
    async close() {
      await auth.stop(0)
      await inspector.close()
      await http.close()
      stopRecording()
      await wallets.server.stop(0)
      await database.drop()
      system.kill()
    }
  }
  return harness
}

function toText(body: unknown): string | undefined {
  return typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
}

function withJson(response: HttpResponse): JsonAnswer {
  return { ...response, json: <Body>() => JSON.parse(response.body.toString('utf8')) as Body }
}

/** A wallet address server with the clients' documents. */
async function serveWallets(runtime: Runtime): Promise<{
  server: HttpServer
  createClient(name: string, publicName: string | undefined): TestClient
  publishKeys(walletAddress: string, keys: object[]): void
  beforeNextAnswer(happens: () => Promise<void>): void
}> {
  const documents = new Map<string, object>()
  let before: () => Promise<void> = async () => undefined
  const server = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
    const happens = before
    before = async () => undefined
    void happens().then(() => {
      const document = documents.get(request.url ?? '')
      response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
      response.end(JSON.stringify(document ?? {}))
    })
  })
  return {
    server,
    beforeNextAnswer: (happens) => void (before = happens),
    publishKeys: (walletAddress, keys) =>
      void documents.set(`${new URL(walletAddress).pathname}/jwks.json`, { keys }),
    createClient(name, publicName) {
      const { privateKey } = generateKeyPairSync('ed25519')
      const walletAddress = `https://127.0.0.1:${server.address.port}/${name}`
      const keyId = `${name}-key`
      documents.set(`/${name}/jwks.json`, { keys: [toJwk(privateKey, keyId)] })
      documents.set(`/${name}`, {
        id: walletAddress,
        ...(publicName !== undefined && { publicName }),
        assetCode: 'USD',
        assetScale: 2,
        authServer: 'https://auth.example/tenant',
        resourceServer: 'https://op.example/tenant'
      })
      return { walletAddress, keyId, privateKey }
    }
  }
}
