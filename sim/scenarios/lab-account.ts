import type { KeyObject } from 'node:crypto'
import type { AuthenticatedClient } from '@interledger/open-payments'
import type { StreamCredentials } from '../../node/ilp/index.ts'
import { AdminApiError } from '../actors/admin-client.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import type { Account } from '../networks/network.ts'
import { clientKey, planOf, walletAddressUrl } from '../networks/plan.ts'
import type { Consent, OpenedIncomingPayment, Payer, Quote, WireAmount } from '../actors/payer.ts'
import type { LabParts } from './lab-network.ts'
import { beginPayment } from './lab-payment.ts'
import type { LabPayment } from './lab-payment.ts'

/** How much a payment is for, in minor units: of what the payer is debited, or of what the receiver gets. */
export type PaymentAmount = { send: bigint } | { receive: bigint }

/** `GONE`: it expired with nothing in it, and the node keeps no such payment. */
export type LabIncomingPaymentState = 'PENDING' | 'PROCESSING' | 'COMPLETED' | 'EXPIRED' | 'GONE'

/** An incoming payment that somebody can be sent to. */
export interface LabIncomingPayment extends OpenedIncomingPayment {
  readonly account: Account
  readonly amount: bigint | undefined
  /** What the receiver's node says that it has. */
  read(): Promise<{ state: LabIncomingPaymentState; received: bigint }>
}

/** A customer's account: pays, is paid. Everything goes through Open Payments, as of any third party. */
export interface LabAccount {
  /** Its wallet address. */
  readonly url: string
  /** The key that this account's client signs with. */
  readonly key: { keyId: string; privateKey: KeyObject }
  /** The third party that is known by this account. */
  client(): Promise<AuthenticatedClient>
  /** Its wallet address as a receiver itself (RFC 9, SPSP). */
  spsp(): Promise<StreamCredentials>
  /** Minor units at the wallet that are not held for a payment. */
  balance(): bigint
  /**
   * Begins a payment and returns at once. To an account: with an incoming payment of its own, fixed where the receiver's
   * amount is fixed, open otherwise. To an incoming payment: for what it asks, unless an amount is said.
   */
  pay(to: string | LabIncomingPayment, amount?: PaymentAmount): LabPayment
  openIncomingPayment(options?: { amount?: bigint; expiresInMs?: number }): Promise<LabIncomingPayment>
  quote(incoming: LabIncomingPayment, amount?: { send: bigint }): Promise<Quote>
  /** The customer agrees to outgoing payments up to a limit: of all time, or of each repetition of an interval. */
  consent(debitLimit: WireAmount, interval?: string): Promise<Consent>
  /** Begins a payment from a quote under a consent that was given. */
  payQuoted(quote: Quote, consent: Consent, incoming: LabIncomingPayment): LabPayment
}

export function createLabAccount(parts: LabParts, account: Account): LabAccount {
  const { network, paying } = parts
  const plan = planOf(network.plan.plans, account.node)
  const url = walletAddressUrl(plan, account.walletAddress)
  const wallet = network.wallets.get(account.node)!
  const name = `${account.walletAddress}@${account.node}`

  /** The third party through which this account pays: the one that is known by the account itself. */
  const payer = (): Promise<Payer> => paying.payerKnownAs(account)
  const { tell } = parts

  function parse(to: string): Account {
    const [walletAddress, node] = to.split('@')
    const known = network.nodes.find((one) => one.name === node)?.walletAddresses
    if (!known?.some((one) => one.name === walletAddress))
      throw new Error(`no account "${to}" in the topology`)
    return { walletAddress: walletAddress!, node: node! }
  }

  async function open(
    of: Account,
    options: { amount?: bigint; expiresInMs?: number } = {}
  ): Promise<LabIncomingPayment> {
    const opened = await (
      await paying.payerKnownAs(of)
    ).openIncomingPayment(walletAddressUrl(planOf(network.plan.plans, of.node), of.walletAddress), {
      ...(options.amount !== undefined && { amount: options.amount }),
      ...(options.expiresInMs !== undefined && {
        expiresAt: new Date(network.runtime.clock.nowMs() + options.expiresInMs).toISOString()
      })
    })
    return {
      ...opened,
      account: of,
      amount: options.amount,
      async complete() {
        const closed = parts.closing(opened.url)
        await opened.complete()
        closed()
      },
      read: () => readIncomingPayment(parts.adminOf(of.node), opened.url)
    }
  }

  return {
    url,
    key: clientKey(plan, account.walletAddress),
    client: async () => (await payer()).client,
    async spsp() {
      const { body } = await parts.http.request({
        method: 'GET',
        url,
        headers: { accept: 'application/spsp4+json' }
      })
      const answer = JSON.parse(body.toString()) as { destination_account: string; shared_secret: string }
      return {
        destination: answer.destination_account,
        sharedSecret: Buffer.from(answer.shared_secret, 'base64url')
      }
    },
    balance() {
      const { balance, held } = wallet.accounts.get(account.walletAddress)!
      return balance - held
    },
    openIncomingPayment(options) {
      tell('opens', `${name}: an incoming payment`)
      return open(account, options)
    },
    async quote(incoming, amount) {
      tell('quotes', `${name} → ${incoming.url}`)
      return (await payer()).quote(url, incoming.url, amount?.send)
    },
    async consent(debitLimit, interval) {
      tell('agrees', `${name} to ${debitLimit.value}`)
      return (await payer()).consent(url, debitLimit, interval)
    },
    pay(to, amount) {
      const target = typeof to === 'string' ? parse(to) : to.account
      tell('pays', `${name} → ${target.walletAddress}@${target.node}`)
      return beginPayment(parts, {
        from: account,
        to: target,
        title: `${name} → ${target.walletAddress}@${target.node}`,
        async initiate(step) {
          const receive = amount !== undefined && 'receive' in amount ? { amount: amount.receive } : {}
          const incoming = typeof to === 'string' ? await open(target, receive) : to
          step('incoming payment', incoming.url)
          const through = await payer()
          const debit = amount !== undefined && 'send' in amount ? amount.send : undefined
          const quote = await through.quote(url, incoming.url, debit)
          step('quote', quote.id)
          const consent = await through.consent(url, quote.debitAmount)
          const outgoingPaymentUrl = await consent.createOutgoingPayment(quote.id)
          return {
            incoming,
            quote,
            outgoingPaymentUrl,
            closes: typeof to === 'string' && debit !== undefined
          }
        }
      })
    },
    payQuoted(quote, consent, incoming) {
      tell('pays', `${name} → ${incoming.url}`)
      return beginPayment(parts, {
        from: account,
        to: incoming.account,
        title: `${name} → ${incoming.url}`,
        async initiate() {
          const outgoingPaymentUrl = await consent.createOutgoingPayment(quote.id)
          return { incoming, quote, outgoingPaymentUrl, closes: false }
        }
      })
    }
  }
}

/** What the Admin API of the receiver's node, or of its tenant, says that an incoming payment has. */
export async function readIncomingPayment(
  admin: AdminClient,
  url: string
): ReturnType<LabIncomingPayment['read']> {
  const id = url.slice(url.lastIndexOf('/') + 1)
  try {
    const { incomingPayment } = await admin.call<{
      incomingPayment: { state: LabIncomingPaymentState; receivedAmount: WireAmount }
    }>(INCOMING_PAYMENT, { id })
    return { state: incomingPayment.state, received: BigInt(incomingPayment.receivedAmount.value) }
  } catch (error) {
    if (!(error instanceof AdminApiError && error.code === 'NOT_FOUND')) throw error
    return { state: 'GONE' as const, received: 0n }
  }
}

const INCOMING_PAYMENT = `query IncomingPayment($id: String!) {
  incomingPayment(id: $id) { state receivedAmount { value assetCode assetScale } } }`
