import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import {
  createAuthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isPendingGrant
} from '@interledger/open-payments'
import type { AuthenticatedClient } from '@interledger/open-payments'
import type { HttpClient, Random } from '../../node/runtime/index.ts'
import { formatAmount } from '../topology/amount.ts'
import { createAgreeingAccountHolder } from './account-holder.ts'
import type { AccountHolder } from './account-holder.ts'

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
 * address and signs with that address's key.
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
    scheme,
    accountHolder = createAgreeingAccountHolder(http)
  }: {
    walletAddressUrl: string
    keyId: string
    privateKey: KeyObject
    scheme: 'http' | 'https'
    /** Default: one who agrees to everything. */
    accountHolder?: AccountHolder
  }
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

      const clientNonce = random.uuid()
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
            finish: { method: 'redirect', uri: accountHolder.finishUri, nonce: clientNonce }
          }
        }
      )
      if (!isPendingGrant(outgoingGrant)) throw new Error('an outgoing payment was granted without consent')
      const interactRef = interactRefOf(await accountHolder.decide(outgoingGrant.interact.redirect), {
        authServer: sender.authServer,
        clientNonce,
        serverNonce: outgoingGrant.interact.finish
      })
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

/** Raised when the account holder did not agree, or the browser came back from somewhere else. */
export class ConsentError extends Error {
  override name = 'ConsentError'
}

/**
 * The interaction reference that the browser brought back, once its hash proves that it comes from the
 * authorization server that was asked (RFC 9635, 4.2.3: the client verifies it before it continues).
 */
function interactRefOf(
  arrivedAt: string,
  asked: { authServer: string; clientNonce: string; serverNonce: string }
): string {
  const { searchParams } = new URL(arrivedAt)
  const interactRef = searchParams.get('interact_ref')
  if (interactRef === null)
    throw new ConsentError(`consent was not given: ${searchParams.get('result') ?? arrivedAt}`)
  const hash = createHash('sha256')
    .update([asked.clientNonce, asked.serverNonce, interactRef, asked.authServer].join('\n'))
    .digest('base64')
  if (searchParams.get('hash') !== hash)
    throw new ConsentError(`the browser was not sent back by ${asked.authServer}: its hash is another`)
  return interactRef
}

function describe({ value, assetCode, assetScale }: WireAmount): string {
  return `${formatAmount(BigInt(value), assetScale)} ${assetCode}`
}
