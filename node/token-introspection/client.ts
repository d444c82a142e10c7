import { createFetchHttpClient } from './fetch-http-client.ts'
import { tokenIntrospectionOpenApi } from './openapi.ts'
import { findProblem } from './validate.ts'

/** Time for an introspection, from the request to the end of its answer. */
export const DEFAULT_INTROSPECTION_TIMEOUT_MS = 5_000
/** A longer answer is refused. */
export const MAX_INTROSPECTION_ANSWER_BYTES = 262_144

/** A client's public key that was given in the grant request (directed identity). */
export interface JWK {
  kid: string
  x: string
  alg: 'EdDSA'
  kty: 'OKP'
  crv: 'Ed25519'
  use?: 'sig' | undefined
}

/** Who a token was issued to. */
export type TokenInfoClient = { walletAddress: string } | { jwk: JWK }

export interface Amount {
  /** Minor units, as a decimal string. */
  value: string
  assetCode: string
  assetScale: number
}

export interface AccessLimits {
  receiver?: string | undefined
  /** ISO 8601 repeating interval. */
  interval?: string | undefined
  debitAmount?: Amount | undefined
  receiveAmount?: Amount | undefined
}

export type AccessType = 'incoming-payment' | 'outgoing-payment' | 'quote'
export type AccessAction = 'create' | 'complete' | 'read' | 'read-all' | 'list' | 'list-all'

/** One right of a grant. */
export interface AccessItem {
  type: AccessType
  actions: AccessAction[]
  identifier?: string | undefined
  limits?: AccessLimits | undefined
}

export interface ActiveTokenInfo {
  active: true
  /** Id of the grant. */
  grant: string
  /** The grant's items that match what was asked for; empty where nothing was asked for. */
  access: AccessItem[]
  client: TokenInfoClient
}

export type TokenInfo = { active: false } | ActiveTokenInfo

export interface IntrospectionRequest {
  access_token: string
  access?: AccessItem[]
  /** Whose resources are asked for, where one authorization server serves several tenants: tokens of others are inactive. */
  tenantId?: string
}

export interface TokenIntrospectionClient {
  /**
   * What the authorization server knows of a token.
   *
   * @throws Error `Error when making introspection request: …` when no valid answer came
   */
  introspect(request: IntrospectionRequest): Promise<TokenInfo>
}

/** Where failures are told; any pino logger will do. */
export interface IntrospectionLogger {
  error(details: object, message: string): void
}

/** Who sends the requests. It follows no redirect. */
export interface IntrospectionHttpClient {
  /** @throws when no whole answer came within `timeoutMs`, or a longer one than `maxResponseBytes` */
  request(request: {
    method: 'POST'
    url: string
    headers: Record<string, string>
    body: string
    timeoutMs: number
    maxResponseBytes: number
  }): Promise<{ status: number; body: Uint8Array }>
}

const { schemas } = tokenIntrospectionOpenApi.components

/** A client of an authorization server's introspection endpoint (RFC 9767 section 3.3). */
export function createClient({
  url,
  httpClient = createFetchHttpClient(),
  logger,
  requestTimeoutMs = DEFAULT_INTROSPECTION_TIMEOUT_MS
}: {
  /** `AUTH_SERVER_INTROSPECTION_URL` */
  url: string
  /** The platform's `fetch`, unless given. */
  httpClient?: IntrospectionHttpClient
  logger?: IntrospectionLogger
  requestTimeoutMs?: number
}): TokenIntrospectionClient {
  async function ask({ tenantId, ...request }: IntrospectionRequest): Promise<TokenInfo> {
    const response = await httpClient.request({
      method: 'POST',
      url,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        // Not in the body: a server that knows nothing of it may refuse members that it does not know.
        ...(tenantId !== undefined && { 'tenant-id': tenantId })
      },
      body: JSON.stringify(request),
      timeoutMs: requestTimeoutMs,
      maxResponseBytes: MAX_INTROSPECTION_ANSWER_BYTES
    })
    if (response.status !== 200) throw new Error(`the answer had the status ${response.status}`)
    const answer = JSON.parse(new TextDecoder().decode(response.body)) as unknown
    const problem = findProblem(schemas, schemas['token-info'], answer, 'answer')
    if (problem !== undefined) throw new Error(`the answer is not valid: ${problem}`)
    return answer as TokenInfo
  }

  return {
    async introspect(request) {
      try {
        return await ask(request)
      } catch (error) {
        const message = `Error when making introspection request: ${(error as Error).message}`
        logger?.error({ err: error, url }, message)
        throw new Error(message, { cause: error })
      }
    }
  }
}

export function isActiveTokenInfo(info: TokenInfo): info is ActiveTokenInfo {
  return info.active
}

export function isClientWalletAddress(client: TokenInfoClient): client is { walletAddress: string } {
  return 'walletAddress' in client
}

export function isClientJwk(client: TokenInfoClient): client is { jwk: JWK } {
  return 'jwk' in client
}
