import { readSignatures, thumbprintUri, verifyRequestOnce } from '../../http-signatures/index.ts'
import type { ClientKeyFetcher, Jwk, NonceGuard } from '../../http-signatures/index.ts'
import type { Clock, Logger } from '../../runtime/index.ts'
import { isActiveTokenInfo, isClientWalletAddress } from '../../token-introspection/index.ts'
import type { ActiveTokenInfo, TokenIntrospectionClient } from '../../token-introspection/index.ts'
import type { PaymentGrant } from '../outgoing-payments/model.ts'
import type { WalletAddresses } from '../wallet-addresses/model.ts'
import { parseAmount } from './amounts.ts'
import { challenge, isRefusal, refuse } from './errors.ts'
import type { Refusal } from './errors.ts'

export type AccessType = 'incoming-payment' | 'outgoing-payment' | 'quote'
export type AccessAction = 'create' | 'complete' | 'read' | 'list'

/** What of a request is signed, and the token it carries. */
export interface SignedRequest {
  method: string
  /** Path and query as they stand in the request line. */
  url: string
  headers: Record<string, string | string[] | undefined>
  rawBody: Buffer
}

/** What a request was found to be allowed. */
export interface Authorization {
  /** The client's wallet address; of a client that is known by its key alone the URI of the key's thumbprint. */
  client: string
  /** The grant allows `read-all` or `list-all`: resources of other clients are shown too. */
  all: boolean
  grant: PaymentGrant
}

export interface AuthorizerDependencies {
  introspection: TokenIntrospectionClient
  /** Keys of clients whose wallet addresses are elsewhere, fetched for every request. */
  clientKeys: Pick<ClientKeyFetcher, 'getKey'>
  /** Wallet addresses that are ours: their keys are known here. */
  walletAddresses: Pick<WalletAddresses, 'byUrl' | 'activeKeys'>
  nonces: NonceGuard
  /** This instance as a client: WALLET_ADDRESS_URL and the public half of its key. */
  instance: { walletAddressUrl: string; key: Jwk }
  /** Scheme and host that clients sign (`@target-uri`). */
  publicOrigin: string
  clock: Clock
  logger: Logger
}

/**
 * Decides whether a request is allowed, in the order that the contract's errors show:
 * the token is introspected, then the signature is verified with a key of the token's client.
 */
export interface Authorizer {
  /** `identifier`: the wallet address that the request is about; `tenantId`: whose resources it is about. */
  authorize(
    request: SignedRequest,
    access: { type: AccessType; action: AccessAction; tenantId: string; identifier?: string }
  ): Promise<Authorization | Refusal>
}

export function createAuthorizer(dependencies: AuthorizerDependencies): Authorizer {
  return {
    async authorize(request, access) {
      const token = await introspect(dependencies, request, access)
      if (isRefusal(token)) return token
      const unsigned = await verifySignature(dependencies, request, token.info)
      if (unsigned) return unsigned
      const { info, item } = token
      const grant = paymentGrant(info, item)
      if (isRefusal(grant)) return grant
      return {
        client: isClientWalletAddress(info.client)
          ? info.client.walletAddress
          : thumbprintUri(info.client.jwk as Jwk),
        all: item.actions.includes(`${access.action}-all`),
        grant
      }
    }
  }
}

interface AccessItem {
  actions: readonly string[]
  identifier?: unknown
  limits?: unknown
}

async function introspect(
  { introspection, logger }: AuthorizerDependencies,
  { headers }: SignedRequest,
  { type, action, tenantId, identifier }: Parameters<Authorizer['authorize']>[1]
): Promise<{ info: ActiveTokenInfo; item: AccessItem } | Refusal> {
  const match = /^GNAP ([^\s]+)$/.exec(String(headers.authorization ?? ''))
  if (!match) return challenge(401, 'Missing or invalid authorization header value')
  let info
  try {
    info = await introspection.introspect({
      access_token: match[1]!,
      tenantId,
      access: [{ type, actions: [action], ...(identifier !== undefined && { identifier }) }] as never
    })
  } catch (error) {
    logger.warn({ err: error }, 'the token introspection did not answer')
    return challenge(401, 'Invalid Token')
  }
  if (!isActiveTokenInfo(info)) return challenge(403, 'Inactive Token')
  const [item, ...others] = info.access as readonly AccessItem[]
  if (!item) return challenge(403, 'Insufficient Grant')
  if (others.length > 0) return challenge(403, 'Unexpected number of access items')
  return { info, item }
}

async function verifySignature(
  dependencies: AuthorizerDependencies,
  { method, url, headers, rawBody }: SignedRequest,
  { client }: ActiveTokenInfo
): Promise<Refusal | undefined> {
  const { publicOrigin, nonces, clock, logger } = dependencies
  const signatures = readSignatures(headers)
  if (!signatures.ok) {
    const unnamed = signatures.code === 'missing_signature' || signatures.code === 'missing_key_id'
    return invalidSignature(unnamed ? 'missing keyId in signature input' : 'provided signature is invalid')
  }
  const keyIds = signatures.signatures.map(({ keyId }) => keyId)
  const key = await keyOfClient(dependencies, client, keyIds)
  if (isRefusal(key)) return key
  const verified = await verifyRequestOnce(
    { method, targetUri: `${publicOrigin}${url}`, headers, rawBody, key, nowMs: clock.nowMs() },
    nonces
  )
  if (verified.ok) return undefined
  logger.info({ code: verified.code, reason: verified.message, url }, 'a signature was refused')
  return invalidSignature('provided signature is invalid', verified.message)
}

async function keyOfClient(
  { instance, walletAddresses, clientKeys, logger }: AuthorizerDependencies,
  client: ActiveTokenInfo['client'],
  keyIds: readonly string[]
): Promise<Jwk | Refusal> {
  if (!isClientWalletAddress(client)) {
    return keyIds.includes(client.jwk.kid) ? (client.jwk as Jwk) : invalidSignature('invalid key id')
  }
  const url = client.walletAddress
  const own = await ownKeys(url)
  if (own) {
    const key = keyIds.flatMap((keyId) => own.filter(({ kid }) => kid === keyId))[0]
    return key ?? invalidSignature('could not find key in list of client keys')
  }
  const found = await clientKeys.getKey(url, keyIds)
  if (found.ok) return found.key
  logger.info({ code: found.code, reason: found.message }, "a client's key was not found")
  return invalidSignature(
    found.code === 'unknown_key'
      ? 'could not find key in list of client keys'
      : 'could not retrieve client keys',
    found.message
  )

  async function ownKeys(walletAddressUrl: string): Promise<Jwk[] | undefined> {
    if (walletAddressUrl === instance.walletAddressUrl) return [instance.key]
    const walletAddress = await walletAddresses.byUrl(walletAddressUrl)
    if (!walletAddress) return undefined
    if (!walletAddress.isActive) return []
    return (await walletAddresses.activeKeys(walletAddress.id)).map(({ jwk }) => jwk)
  }
}

function invalidSignature(what: string, reason?: string): Refusal {
  return refuse(401, `Signature validation error: ${what}`, reason === undefined ? undefined : { reason })
}

/**
 * The limits of an outgoing payment's access item, as the authorization server keeps them. A limit that cannot
 * be read refuses: dropping it would lift it.
 */
function paymentGrant(
  { grant: id }: ActiveTokenInfo,
  { limits, identifier }: AccessItem
): PaymentGrant | Refusal {
  const grant = { id, ...(typeof identifier === 'string' && { identifier }) }
  if (typeof limits !== 'object' || limits === null) return grant
  const { receiver, debitAmount, receiveAmount, interval } = limits as Record<string, unknown>
  const debit = parseAmount(debitAmount)
  const receive = parseAmount(receiveAmount)
  const unreadable =
    (debitAmount != null && !debit) ||
    (receiveAmount != null && !receive) ||
    (receiver != null && typeof receiver !== 'string') ||
    (interval != null && typeof interval !== 'string')
  if (unreadable) return challenge(403, 'Insufficient Grant')
  return {
    ...grant,
    limits: {
      ...(typeof receiver === 'string' && { receiver }),
      ...(debit && { debitAmount: debit }),
      ...(receive && { receiveAmount: receive }),
      ...(typeof interval === 'string' && { interval })
    }
  }
}
