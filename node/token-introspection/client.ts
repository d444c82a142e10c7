import { z } from 'zod'
import type { HttpClient } from '../runtime/index.ts'

/** Time for an introspection, from the request to the end of its answer. */
export const DEFAULT_INTROSPECTION_TIMEOUT_MS = 5_000

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

const amount = z.object({
  value: z.string().regex(/^\d{1,20}$/),
  assetCode: z.string(),
  assetScale: z.number().int().min(0).max(255)
})

/** Limits that are not known here may not be overlooked: an answer with others is refused. */
const limits = z.strictObject({
  receiver: z.string().optional(),
  interval: z.string().optional(),
  debitAmount: amount.optional(),
  receiveAmount: amount.optional()
})

const accessItem = z.object({
  type: z.enum(['incoming-payment', 'outgoing-payment', 'quote']),
  actions: z.array(z.enum(['create', 'complete', 'read', 'read-all', 'list', 'list-all'])),
  identifier: z.string().optional(),
  limits: limits.optional()
})

const jwk = z.object({
  kid: z.string(),
  x: z.string(),
  alg: z.literal('EdDSA'),
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  use: z.literal('sig').optional()
})

const tokenInfo = z.discriminatedUnion('active', [
  z.object({ active: z.literal(false) }),
  z.object({
    active: z.literal(true),
    grant: z.string(),
    access: z.array(accessItem),
    client: z.union([z.strictObject({ walletAddress: z.string() }), z.strictObject({ jwk })])
  })
])

/** A client of an authorization server's introspection endpoint (RFC 9767 section 3.3). */
export function createClient({
  url,
  httpClient,
  logger,
  requestTimeoutMs = DEFAULT_INTROSPECTION_TIMEOUT_MS
}: {
  /** `AUTH_SERVER_INTROSPECTION_URL` */
  url: string
  httpClient: HttpClient
  logger?: IntrospectionLogger
  requestTimeoutMs?: number
}): TokenIntrospectionClient {
  async function ask(request: IntrospectionRequest): Promise<TokenInfo> {
    const response = await httpClient.request({
      method: 'POST',
      url,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify(request),
      timeoutMs: requestTimeoutMs
    })
    if (response.status !== 200) throw new Error(`the answer had the status ${response.status}`)
    const parsed = tokenInfo.safeParse(JSON.parse(response.body.toString('utf8')))
    if (!parsed.success) throw new Error(`the answer is not valid: ${z.prettifyError(parsed.error)}`)
    return parsed.data
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
