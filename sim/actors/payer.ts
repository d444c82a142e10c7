import type { KeyObject } from 'node:crypto'
import {
  createAuthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isPendingGrant
} from '@interledger/open-payments'
import type { AuthenticatedClient } from '@interledger/open-payments'
import type { HttpClient, HttpResponse, Random } from '../../node/runtime/index.ts'
import { formatAmount } from '../topology/amount.ts'

/** A payment as the third party asked for it. Amounts are minor units. */
export interface PaymentRequest {
  /** Wallet address URLs. */
  from: string
  to: string
  amount: { kind: 'send' | 'receive'; value: bigint }
}

/** What was agreed and created, before any money moved. */
export interface InitiatedPayment {
  incomingPaymentUrl: string
  quoteUrl: string
  outgoingPaymentUrl: string
  debitAmount: WireAmount
  receiveAmount: WireAmount
  /** Tells the receiver's node that no more money will come: due where the amount was left open. */
  completeIncomingPayment(): Promise<void>
}

export interface WireAmount {
  value: string
  assetCode: string
  assetScale: number
}

/** What the payer does while it pays, as it happens. */
export type PayerStep = 'incoming payment' | 'quote' | 'consent' | 'outgoing payment'

/**
 * A third party that pays with the unmodified `@interledger/open-payments` client: it is known by a wallet
 * address and signs with that address's key. `decide` stands for the account holder at the consent page.
 */
export interface Payer {
  initiate(
    request: PaymentRequest,
    onStep?: (step: PayerStep, detail: string) => void
  ): Promise<InitiatedPayment>
  /** Reads both ends with the access that was granted for them. */
  readonly client: AuthenticatedClient
}

export async function createPayer(
  { http, random }: { http: HttpClient; random: Random },
  {
    walletAddressUrl,
    keyId,
    privateKey,
    scheme
  }: { walletAddressUrl: string; keyId: string; privateKey: KeyObject; scheme: 'http' | 'https' }
): Promise<Payer> {
  const client = await createAuthenticatedClient({
    walletAddressUrl,
    keyId,
    privateKey,
    useHttp: scheme === 'http'
  })

  return {
    client,
    async initiate(request, onStep = () => undefined) {
      const sender = await client.walletAddress.get({ url: request.from })
      const receiver = await client.walletAddress.get({ url: request.to })

      const incomingGrant = await client.grant.request(
        { url: receiver.authServer },
        { access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read', 'complete'] }] } }
      )
      if (!isFinalizedGrantWithAccessToken(incomingGrant))
        throw new Error('the receiver asks for consent to create an incoming payment')
      const incomingPayment = await client.incomingPayment.create(
        { url: receiver.resourceServer, accessToken: incomingGrant.access_token.value },
        {
          walletAddress: receiver.id,
          ...(request.amount.kind === 'receive' && {
            incomingAmount: {
              value: request.amount.value.toString(),
              assetCode: receiver.assetCode,
              assetScale: receiver.assetScale
            }
          })
        }
      )
      onStep('incoming payment', incomingPayment.id)

      const quoteGrant = await client.grant.request(
        { url: sender.authServer },
        { access_token: { access: [{ type: 'quote', actions: ['create', 'read'] }] } }
      )
      if (!isFinalizedGrantWithAccessToken(quoteGrant))
        throw new Error('the sender asks for consent to create a quote')
      const quote = await client.quote.create(
        { url: sender.resourceServer, accessToken: quoteGrant.access_token.value },
        {
          walletAddress: sender.id,
          receiver: incomingPayment.id,
          method: 'ilp',
          ...(request.amount.kind === 'send' && {
            debitAmount: {
              value: request.amount.value.toString(),
              assetCode: sender.assetCode,
              assetScale: sender.assetScale
            }
          })
        }
      )
      onStep(
        'quote',
        `debit ${describe(quote.debitAmount)}, deliver at least ${describe(quote.receiveAmount)}`
      )

      const outgoingGrant = await client.grant.request(
        { url: sender.authServer },
        {
          access_token: {
            access: [
              {
                type: 'outgoing-payment',
                actions: ['create', 'read'],
                identifier: sender.id,
                limits: { debitAmount: quote.debitAmount }
              }
            ]
          },
          interact: {
            start: ['redirect'],
            finish: { method: 'redirect', uri: 'https://payer.example/finish', nonce: random.uuid() }
          }
        }
      )
      if (!isPendingGrant(outgoingGrant)) throw new Error('an outgoing payment was granted without consent')
      const interactRef = await acceptConsent(http, outgoingGrant.interact.redirect)
      const granted = await client.grant.continue(
        { url: outgoingGrant.continue.uri, accessToken: outgoingGrant.continue.access_token.value },
        { interact_ref: interactRef }
      )
      if (!isFinalizedGrantWithAccessToken(granted))
        throw new Error('the grant was continued and is still pending')
      onStep('consent', `accepted by ${request.from}`)

      const outgoingPayment = await client.outgoingPayment.create(
        { url: sender.resourceServer, accessToken: granted.access_token.value },
        { walletAddress: sender.id, quoteId: quote.id }
      )
      onStep('outgoing payment', outgoingPayment.id)
      return {
        incomingPaymentUrl: incomingPayment.id,
        quoteUrl: quote.id,
        outgoingPaymentUrl: outgoingPayment.id,
        debitAmount: quote.debitAmount,
        receiveAmount: quote.receiveAmount,
        async completeIncomingPayment() {
          await client.incomingPayment.complete({
            url: incomingPayment.id,
            accessToken: incomingGrant.access_token.value
          })
        }
      }
    }
  }
}

/**
 * Does what the account holder's browser does: follows the redirect to the consent page, presses its accept
 * button, follows back, and takes the interaction reference out of the last address.
 */
async function acceptConsent(http: HttpClient, startUrl: string): Promise<string> {
  const start = await http.request({ method: 'GET', url: startUrl })
  const session = cookiesOf(start)
  const consentUrl = locationOf(start, startUrl)
  const page = await http.request({ method: 'GET', url: consentUrl })
  if (page.status !== 200) throw new Error(`the consent page answered ${page.status}: ${consentUrl}`)
  const form = new URLSearchParams({ choice: 'accept' })
  for (const field of page.body
    .toString('utf8')
    .matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)) {
    form.set(field[1]!, field[2]!)
  }
  const action = new URL('/consent', consentUrl).href
  const decided = await http.request({
    method: 'POST',
    url: action,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString()
  })
  const finishUrl = locationOf(decided, action)
  const finished = await http.request({ method: 'GET', url: finishUrl, headers: { cookie: session } })
  const back = new URL(locationOf(finished, finishUrl))
  const interactRef = back.searchParams.get('interact_ref')
  if (interactRef === null)
    throw new Error(`consent was not given: ${back.searchParams.get('result') ?? back.href}`)
  return interactRef
}

function locationOf(response: HttpResponse, url: string): string {
  const location = response.headers.location
  if (response.status < 300 || response.status > 399 || typeof location !== 'string') {
    throw new Error(
      `a redirect was expected of ${url}, it answered ${response.status}: ${response.body.toString('utf8').slice(0, 300)}`
    )
  }
  return new URL(location, url).href
}

/** The cookies that an answer sets, as the next request's header. */
function cookiesOf(response: HttpResponse): string {
  const set = response.headers['set-cookie']
  const list = set === undefined ? [] : Array.isArray(set) ? set : [set]
  return list.map((cookie) => cookie.split(';')[0]).join('; ')
}

function describe({ value, assetCode, assetScale }: WireAmount): string {
  return `${formatAmount(BigInt(value), assetScale)} ${assetCode}`
}
