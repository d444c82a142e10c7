import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import {
  createAuthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isPendingGrant,
  OpenPaymentsClientError
} from '@interledger/open-payments'
import type { AuthenticatedClient } from '@interledger/open-payments'
import type { StreamCredentials } from '../../node/ilp/index.ts'
import type { Clock, HttpClient, Random } from '../../node/runtime/index.ts'
import { formatAmount } from '../topology/amount.ts'
import { createAgreeingAccountHolder } from './account-holder.ts'
import type { AccountHolder } from './account-holder.ts'
import { askAgain, effectOnce } from './careful.ts'

/** An incoming payment that names no way to pay: it was over before its payer heard of it. */
export class NoWayToPayError extends Error {
  override name = 'NoWayToPayError'
}

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

/** Hears of a step that was made; the payer waits with the next one until it is done with it. */
export type OnPayerStep = (step: PayerStep, detail: string) => void | Promise<void>

/**
 * A third party that pays with the unmodified `@interledger/open-payments` client: it is known by a wallet
 * address and signs with that address's key. Where an answer is lost it reads again what it reads; of a payment's
 * creation and an incoming payment's completion it reads whether they were heard. Grants, quotes and incoming payments
 * move nothing: it asks for none twice by itself, and says that there was no answer.
 */
export interface Payer {
  initiate(request: PaymentRequest, onStep?: OnPayerStep): Promise<InitiatedPayment>
  /** One step alone: an incoming payment at a wallet address, of a fixed amount or an open one. */
  openIncomingPayment(
    to: string,
    options?: { amount?: bigint; expiresAt?: string }
  ): Promise<OpenedIncomingPayment>
  /** One step alone: a quote for what the incoming payment asks for, or for what `debit` buys. */
  quote(from: string, incomingPaymentUrl: string, debit?: bigint): Promise<Quote>
  /** One step alone: the payer agrees to outgoing payments up to a limit, which an interval may renew (ISO 8601). */
  consent(from: string, debitLimit: WireAmount, interval?: string): Promise<Consent>
  /** Reads both ends with the access that was granted for them. */
  readonly client: AuthenticatedClient
}

export interface OpenedIncomingPayment {
  url: string
  /** Where its money goes, for who speaks STREAM. */
  credentials: StreamCredentials
  /** Tells the receiver's node that no more money will come. */
  complete(): Promise<void>
}

export interface Quote {
  id: string
  debitAmount: WireAmount
  receiveAmount: WireAmount
  expiresAt?: string
}

/** A grant for outgoing payments. */
export interface Consent {
  /** The token that the grant gave. */
  readonly accessToken: string
  /** @returns the payment's URL */
  createOutgoingPayment(quoteUrl: string): Promise<string>
  revoke(): Promise<void>
}

/** How long a payer waits for an answer of a real process. */
const BUSY_MACHINE_MS = 30_000

export async function createPayer(
  { http, random, clock }: { http: HttpClient; random: Random; clock: Clock },
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
    useHttp: scheme === 'http',
    // Real processes share this machine with others; in simulated time the client's own 5 s are right.
    ...(scheme === 'http' && { requestTimeoutMs: BUSY_MACHINE_MS })
  })

  const addressOf = (url: string) => askAgain(clock, () => client.walletAddress.get({ url }))

  async function openIncomingPayment(
    to: string,
    { amount, expiresAt }: { amount?: bigint; expiresAt?: string } = {}
  ): Promise<OpenedIncomingPayment> {
    const receiver = await addressOf(to)
    const grant = await client.grant.request(
      { url: receiver.authServer },
      { access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read', 'complete'] }] } }
    )
    if (!isFinalizedGrantWithAccessToken(grant))
      throw new Error('the receiver asks for consent to create an incoming payment')
    const accessToken = grant.access_token.value
    const { id, methods } = await client.incomingPayment.create(
      { url: receiver.resourceServer, accessToken },
      {
        walletAddress: receiver.id,
        ...(expiresAt !== undefined && { expiresAt }),
        ...(amount !== undefined && {
          incomingAmount: {
            value: amount.toString(),
            assetCode: receiver.assetCode,
            assetScale: receiver.assetScale
          }
        })
      }
    )
    const [ilp] = methods
    if (ilp === undefined) throw new NoWayToPayError(`${id} names no way to pay`)
    return {
      url: id,
      credentials: {
        destination: ilp.ilpAddress,
        sharedSecret: Buffer.from(ilp.sharedSecret, 'base64url')
      },
      async complete() {
        const complete = () => client.incomingPayment.complete({ url: id, accessToken })
        const read = () => client.incomingPayment.get({ url: id, accessToken })
        await effectOnce<{ completed?: boolean }>(clock, complete, async () => {
          const current = await read()
          return current.completed ? current : undefined
        })
      }
    }
  }

  async function quote(from: string, receiver: string, debit?: bigint): Promise<Quote> {
    const sender = await addressOf(from)
    const grant = await client.grant.request(
      { url: sender.authServer },
      { access_token: { access: [{ type: 'quote', actions: ['create', 'read'] }] } }
    )
    if (!isFinalizedGrantWithAccessToken(grant))
      throw new Error('the sender asks for consent to create a quote')
    return client.quote.create(
      { url: sender.resourceServer, accessToken: grant.access_token.value },
      {
        walletAddress: sender.id,
        receiver,
        method: 'ilp',
        ...(debit !== undefined && {
          debitAmount: {
            value: debit.toString(),
            assetCode: sender.assetCode,
            assetScale: sender.assetScale
          }
        })
      }
    )
  }

  async function consent(from: string, debitLimit: WireAmount, interval?: string): Promise<Consent> {
    const sender = await addressOf(from)
    const clientNonce = random.uuid()
    const pending = await client.grant.request(
      { url: sender.authServer },
      {
        access_token: {
          access: [
            {
              type: 'outgoing-payment',
              actions: ['create', 'read'],
              identifier: sender.id,
              limits: { debitAmount: debitLimit, ...(interval !== undefined && { interval }) }
            }
          ]
        },
        interact: {
          start: ['redirect'],
          finish: { method: 'redirect', uri: accountHolder.finishUri, nonce: clientNonce }
        }
      }
    )
    if (!isPendingGrant(pending)) throw new Error('an outgoing payment was granted without consent')
    const interactRef = interactRefOf(await accountHolder.decide(pending.interact.redirect), {
      authServer: sender.authServer,
      clientNonce,
      serverNonce: pending.interact.finish
    })
    const granted = await client.grant.continue(
      { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
      { interact_ref: interactRef }
    )
    if (!isFinalizedGrantWithAccessToken(granted))
      throw new Error('the grant was continued and is still pending')
    return {
      accessToken: granted.access_token.value,
      async createOutgoingPayment(quoteId) {
        const accessToken = granted.access_token.value
        const create = () =>
          client.outgoingPayment.create(
            { url: sender.resourceServer, accessToken },
            { walletAddress: sender.id, quoteId }
          )
        const { id } = await effectOnce<{ id: string }>(clock, create, () =>
          unlessUnknown(() => client.outgoingPayment.get({ url: paymentOf(quoteId), accessToken }))
        )
        return id
      },
      async revoke() {
        await client.grant.cancel({
          url: granted.continue.uri,
          accessToken: granted.continue.access_token.value
        })
      }
    }
  }

  return {
    client,
    openIncomingPayment,
    quote,
    consent,
    async initiate({ from, to, amount }, onStep = () => undefined) {
      const incoming = await openIncomingPayment(
        to,
        amount.kind === 'receive' ? { amount: amount.value } : {}
      )
      await onStep('incoming payment', incoming.url)
      const quoted = await quote(from, incoming.url, amount.kind === 'send' ? amount.value : undefined)
      await onStep(
        'quote',
        `debit ${describe(quoted.debitAmount)}, deliver at least ${describe(quoted.receiveAmount)}`
      )
      const agreed = await consent(from, quoted.debitAmount)
      await onStep('consent', `accepted by ${from}`)
      const outgoingPaymentUrl = await agreed.createOutgoingPayment(quoted.id)
      await onStep('outgoing payment', outgoingPaymentUrl)
      return {
        incomingPaymentUrl: incoming.url,
        quoteUrl: quoted.id,
        outgoingPaymentUrl,
        debitAmount: quoted.debitAmount,
        receiveAmount: quoted.receiveAmount,
        completeIncomingPayment: () => incoming.complete()
      }
    }
  }
}

/** A payment has its quote's id, and a quote makes one payment (facts 14): so a payer knows it before it is told. */
function paymentOf(quoteUrl: string): string {
  return new URL(`../outgoing-payments/${quoteUrl.slice(quoteUrl.lastIndexOf('/') + 1)}`, quoteUrl).href
}

/** A node says 404 of what it does not know, or 401 as to whoever may not know it either (facts 6). */
async function unlessUnknown<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    const isUnknown =
      error instanceof OpenPaymentsClientError &&
      (error.status === 404 || (error.status === 401 && error.description === 'Unauthorized'))
    if (isUnknown) return undefined
    throw error
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
