import type { Clock } from '../../runtime/index.ts'
import { failure, isFailure } from '../model.ts'
import type { Failure } from '../model.ts'
import { parseAmount } from '../open-payments/amounts.ts'
import type { WireAmount } from '../open-payments/amounts.ts'
import type { AnswerSchemas, IncomingPaymentAnswer, WalletAddressAnswer } from './answer-schemas.ts'
import { createClientGrants } from './client-grants.ts'
import type { AccessToken, IncomingPaymentAction } from './client-grants.ts'
import type { ReceiverFailure } from './model.ts'
import { RemoteUnavailableError } from './signed-http.ts'
import type { JsonAnswer, SignedHttp } from './signed-http.ts'

/** Authorization servers that are remembered at most, by the resource server that named them. */
export const MAX_KNOWN_AUTH_SERVERS = 1_000

/** What a request needs at its authorization server. `read-all`: this node reads what its other clients created. */
const ACCESS = {
  create: ['create', 'read-all'],
  read: ['read-all'],
  complete: ['read-all', 'complete']
} as const satisfies Record<string, readonly IncomingPaymentAction[]>

/**
 * This node as a client of other nodes: incoming payments are looked up, created and completed there with this
 * instance's identity (WALLET_ADDRESS_URL and KEY_ID). Follows no redirect and repeats nothing but a request
 * that was refused for its token, once, with a new token.
 *
 * All methods throw RemoteUnavailableError when the other node gave no usable answer.
 */
export interface OpenPaymentsClient {
  walletAddress(url: string): Promise<WalletAddressAnswer | Failure<ReceiverFailure>>
  createIncomingPayment(
    walletAddress: WalletAddressAnswer,
    payment: { incomingAmount?: WireAmount; expiresAt?: string; metadata?: Record<string, unknown> }
  ): Promise<IncomingPaymentAnswer | Failure<ReceiverFailure>>
  incomingPayment(url: string): Promise<IncomingPaymentAnswer | Failure<ReceiverFailure>>
  completeIncomingPayment(url: string): Promise<IncomingPaymentAnswer | Failure<ReceiverFailure>>
}

export function createOpenPaymentsClient({
  http,
  schemas,
  clock,
  clientWalletAddress
}: {
  http: SignedHttp
  /** Loaded when first needed. */
  schemas: () => Promise<AnswerSchemas>
  clock: Clock
  /** Who we are: the wallet address whose jwks.json has our key. */
  clientWalletAddress: string
}): OpenPaymentsClient {
  const grants = createClientGrants<Failure<ReceiverFailure>>({ clock, request: requestGrant, rotate })
  const authServers = new Map<string, string>()

  async function requestGrant(
    authServer: string,
    actions: readonly IncomingPaymentAction[]
  ): Promise<AccessToken | Failure<ReceiverFailure>> {
    const answer = await http.request({
      method: 'POST',
      url: authServer,
      body: {
        access_token: { access: [{ type: 'incoming-payment', actions }] },
        client: clientWalletAddress,
        interact: { start: ['redirect'] }
      }
    })
    if (answer.status >= 400 && answer.status < 500) {
      return failure('InvalidGrant', `${authServer} refused a grant: ${describe(answer)}`)
    }
    expectStatus(answer, 200, authServer)
    const { access_token: token } = (await schemas()).grant(answer, authServer)
    if (!token) {
      return failure(
        'InvalidGrant',
        `${authServer} asks for a person's consent to ${actions.join(', ')} incoming payments; a node cannot give it`
      )
    }
    return accessToken(token)
  }

  async function rotate(token: AccessToken): Promise<AccessToken | undefined> {
    const answer = await http.request({
      method: 'POST',
      url: token.manageUrl,
      accessToken: token.value
    })
    if (answer.status !== 200) return undefined
    return accessToken((await schemas()).rotatedToken(answer, token.manageUrl).access_token)
  }

  /** One request with a token; once more with a new one where the token was refused. */
  async function withToken(
    authServer: string,
    actions: readonly IncomingPaymentAction[],
    request: (accessToken: string) => Promise<JsonAnswer>
  ): Promise<JsonAnswer | Failure<ReceiverFailure>> {
    for (let attempt = 1; ; attempt++) {
      const token = await grants.obtain(authServer, actions)
      if (isFailure(token)) return token
      const answer = await request(token.value)
      if (answer.status !== 401 && answer.status !== 403) return answer
      grants.drop(token)
      if (attempt === 2) return answer
    }
  }

  /** The authorization server of an existing incoming payment, which its public view names. */
  async function readAuthServer(url: string): Promise<string | Failure<ReceiverFailure>> {
    const answer = await http.request({ method: 'GET', url })
    const refused = refusal(answer, url, 'NotFound')
    if (refused) return refused
    const { authServer } = (await schemas()).publicIncomingPayment(answer, url)
    remember(resourceServerOf(url), authServer)
    return authServer
  }

  function remember(resourceServer: string, authServer: string): void {
    authServers.set(resourceServer, authServer)
    if (authServers.size <= MAX_KNOWN_AUTH_SERVERS) return
    const [oldest] = authServers.keys()
    if (oldest !== undefined) authServers.delete(oldest)
  }

  /**
   * A request about an existing incoming payment. 401 is ambiguous: nodes of this kind answer it to an unknown
   * id before they look at the token. The public view then tells whether the payment is there, and whether the
   * authorization server that was remembered is still the right one.
   */
  async function onIncomingPayment(
    url: string,
    actions: readonly IncomingPaymentAction[],
    request: (accessToken: string) => Promise<JsonAnswer>
  ): Promise<JsonAnswer | Failure<ReceiverFailure>> {
    const remembered = authServers.get(resourceServerOf(url))
    let authServer = remembered ?? (await readAuthServer(url))
    if (isFailure(authServer)) return authServer
    let answer = await withToken(authServer, actions, request)
    const isRefused = isFailure(answer) ? remembered !== undefined : answer.status === 401
    if (isRefused) {
      const current = await readAuthServer(url)
      if (isFailure(current)) return current
      if (current !== authServer) {
        authServer = current
        answer = await withToken(authServer, actions, request)
      }
    }
    if (isFailure(answer)) return answer
    if (answer.status === 401) {
      return failure('InvalidGrant', `${url} takes no token of ${authServer}: ${describe(answer)}`)
    }
    return refusal(answer, url, 'NotFound') ?? answer
  }

  return {
    async walletAddress(url) {
      const answer = await http.request({ method: 'GET', url })
      return refusal(answer, url, 'UnknownWalletAddress') ?? (await schemas()).walletAddress(answer, url)
    },

    async createIncomingPayment(walletAddress, payment) {
      const url = `${walletAddress.resourceServer}/incoming-payments`
      const answer = await withToken(walletAddress.authServer, ACCESS.create, (accessToken) =>
        http.request({
          method: 'POST',
          url,
          accessToken,
          body: { walletAddress: walletAddress.id, ...payment }
        })
      )
      if (isFailure(answer)) return answer
      if (answer.status === 401) return failure('InvalidGrant', `${url}: ${describe(answer)}`)
      const refused = refusal(answer, url, 'UnknownWalletAddress')
      if (refused) return refused
      expectStatus(answer, 201, url)
      const created = (await schemas()).createdIncomingPayment(answer, url)
      checkCreated(created, walletAddress, payment.incomingAmount)
      remember(resourceServerOf(hrefOf(created.id)), walletAddress.authServer)
      return created
    },

    async incomingPayment(url) {
      const answer = await onIncomingPayment(url, ACCESS.read, (accessToken) =>
        http.request({ method: 'GET', url, accessToken })
      )
      return isFailure(answer) ? answer : (await schemas()).incomingPayment(answer, url)
    },

    async completeIncomingPayment(url) {
      const answer = await onIncomingPayment(url, ACCESS.complete, (accessToken) =>
        http.request({ method: 'POST', url: `${url}/complete`, accessToken })
      )
      return isFailure(answer) ? answer : (await schemas()).completedIncomingPayment(answer, url)
    }
  }
}

/**
 * What a refusing answer means. 401 to a request without a token stands for an id that the other node does not
 * know.
 *
 * @throws RemoteUnavailableError when the answer says nothing about the request (5xx, 408, 429, redirects)
 */
function refusal(
  answer: JsonAnswer,
  url: string,
  unknown: 'NotFound' | 'UnknownWalletAddress'
): Failure<ReceiverFailure> | undefined {
  const { status } = answer
  if (status >= 200 && status < 300) return undefined
  const message = `${url}: ${describe(answer)}`
  if (status === 404 || status === 410 || status === 401) return failure(unknown, message)
  if (status === 403) return failure('InvalidGrant', message)
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return failure('InvalidRequest', message)
  }
  throw new RemoteUnavailableError(message)
}

function expectStatus(answer: JsonAnswer, status: number, url: string): void {
  if (answer.status !== status) throw new RemoteUnavailableError(`${url}: ${describe(answer)}`)
}

/**
 * Whether a created incoming payment is the one that was asked for. A node answers for what lies below its own
 * resource server alone: another id would have us take its word for another node's payments.
 *
 * @throws RemoteUnavailableError where it is another
 */
function checkCreated(
  created: IncomingPaymentAnswer,
  { id, resourceServer }: WalletAddressAnswer,
  asked: WireAmount | undefined
): void {
  const url = `${resourceServer}/incoming-payments`
  const unfit = (what: string) => new RemoteUnavailableError(`${url} answered ${what}`)
  if (resourceServerOf(hrefOf(created.id)) !== hrefOf(resourceServer).replace(/\/$/, '')) {
    throw unfit(`an incoming payment that lies elsewhere: ${created.id}`)
  }
  if (hrefOf(created.walletAddress) !== hrefOf(id)) {
    throw unfit(`an incoming payment of ${created.walletAddress}, not of ${id}`)
  }
  if (asked === undefined) return
  const amount = created.incomingAmount
  const isAsked =
    amount !== undefined &&
    parseAmount(amount)?.value === parseAmount(asked)?.value &&
    amount.assetCode === asked.assetCode &&
    amount.assetScale === asked.assetScale
  if (!isAsked) throw unfit('an incoming payment of another amount')
}

/** A URL in one spelling. The OpenAPI document has let through URIs alone. */
function hrefOf(text: string): string {
  return URL.canParse(text) ? new URL(text).href : text
}

/** The status and what the body says went wrong, cut to a line. */
function describe({ status, body }: JsonAnswer): string {
  const error = (body as { error?: { description?: unknown; code?: unknown } } | undefined)?.error
  const text = [error?.code, error?.description].filter((part) => typeof part === 'string').join(' ')
  return text === '' ? `answered ${status}` : `answered ${status} (${text.slice(0, 200)})`
}

function accessToken(token: { value: string; manage: string; expires_in?: number }): AccessToken {
  return {
    value: token.value,
    manageUrl: token.manage,
    ...(token.expires_in !== undefined && { expiresInS: token.expires_in })
  }
}

/** The part of an incoming payment's URL that its node shares with others: one authorization server serves it. */
function resourceServerOf(incomingPaymentUrl: string): string {
  return incomingPaymentUrl.slice(0, incomingPaymentUrl.lastIndexOf('/incoming-payments/'))
}
