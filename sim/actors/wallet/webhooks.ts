import { createHmac, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { AssetId } from '../../topology/model.ts'
import type { AdminClient } from '../admin-client.ts'
import { AdminApiError } from '../admin-client.ts'
import type { CustomerAccounts } from './accounts.ts'
import { cardFailure } from './cards.ts'
import type { CardDetails } from './cards.ts'
import * as operations from './operations.ts'

/** The types of the contract. */
export const WEBHOOK_EVENT_TYPES = [
  'incoming_payment.created',
  'incoming_payment.completed',
  'incoming_payment.expired',
  'incoming_payment.partial_payment_received',
  'outgoing_payment.created',
  'outgoing_payment.completed',
  'outgoing_payment.failed',
  'outgoing_payment.funded',
  'outgoing_payment.cancelled',
  'wallet_address.not_found',
  'wallet_address.web_monetization',
  'asset.liquidity_low',
  'peer.liquidity_low'
] as const
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number]

export interface WebhookEvent {
  id: string
  type: string
  data: Record<string, unknown>
}

interface WireAmount {
  value: string
  assetCode: string
  assetScale: number
}

/** What a wallet may say yes or no to. Where not given, it agrees. */
export interface WalletPolicy {
  /** To an incoming payment of its customer; undefined: it says nothing, which is right where the node does not ask. */
  decideIncoming?(data: Record<string, unknown>): 'approve' | { cancelBecause: string } | undefined
  /** To what the sender says with the money; undefined: yes, else the reason. It may take its time. */
  refusePartial?(data: Record<string, unknown>): string | undefined | Promise<string | undefined>
  /** What it says to the receiving wallet with the money of a payment. */
  dataToTransmit?(data: Record<string, unknown>): string | undefined
}

/** What the wallet honours events with. */
export interface WalletDesk {
  admin: AdminClient
  accounts: CustomerAccounts
  policy: WalletPolicy
  /** Public keys of the customers' cards, by the name of the wallet address. */
  cards: ReadonlyMap<string, KeyObject>
  /** The name of the wallet address with this id. */
  walletAddressOf: (id: string) => Promise<string>
}

const TOP_UP = 1_000_000n
const SIGNATURE_LIFETIME_MS = 300_000

/** True when the header is the HMAC of the body under the shared secret, made at most five minutes ago. */
export function isSignedBy(
  secret: string,
  header: string | undefined,
  event: WebhookEvent,
  nowMs: number
): boolean {
  const match = /^t=(\d+), v1=([0-9a-f]{64})$/.exec(header ?? '')
  if (!match || Math.abs(nowMs - Number(match[1])) > SIGNATURE_LIFETIME_MS) return false
  const digest = createHmac('sha256', secret)
    .update(`${match[1]}.${canonicalize(event)}`)
    .digest()
  return timingSafeEqual(digest, Buffer.from(match[2]!, 'hex'))
}

/**
 * What an account servicing entity does on each event: hold and deposit, capture and withdraw, credit and
 * withdraw, top up liquidity. Every action is safe to repeat: events come at least once.
 *
 * @throws when the event could not be honoured; it is then answered 500 and comes again
 */
export async function handleWebhookEvent(desk: WalletDesk, event: WebhookEvent): Promise<void> {
  if (!isKnown(event.type)) throw new Error(`this wallet does not know the event type ${event.type}`)
  await HONOURED[event.type](desk, event)
}

type Honour = (desk: WalletDesk, event: WebhookEvent) => Promise<void>

const HONOURED: Record<WebhookEventType, Honour> = {
  'incoming_payment.created': decideIncoming,
  'incoming_payment.completed': creditReceived,
  'incoming_payment.expired': creditReceived,
  'incoming_payment.partial_payment_received': decidePartial,
  'outgoing_payment.created': fundOrCancel,
  async 'outgoing_payment.completed'(desk, event) {
    // The customer agreed to the quote's debitAmount. What was not needed of it (fee, slippage) is ours.
    const debitAmount = event.data.debitAmount as WireAmount
    desk.accounts.capture(String(event.data.id), BigInt(debitAmount.value))
    await withdrawLeftover(desk, event)
    desk.accounts.earn(assetOf(debitAmount), event.id, BigInt(String(event.data.balance)))
  },
  async 'outgoing_payment.failed'(desk, event) {
    desk.accounts.capture(String(event.data.id), valueOf(event.data.sentAmount))
    await withdrawLeftover(desk, event)
  },
  // Of card payments; they are the card service's, and come here where that is the wallet itself.
  'outgoing_payment.funded': async () => undefined,
  'outgoing_payment.cancelled': async ({ accounts }, { data }) => accounts.release(String(data.id)),
  'wallet_address.not_found': createWalletAddress,
  'wallet_address.web_monetization': creditWebMonetization,
  async 'asset.liquidity_low'({ admin }, { id, data }) {
    const input = { assetId: data.id, amount: String(TOP_UP), id, idempotencyKey: id }
    await admin.call(operations.DEPOSIT_ASSET, { input }).catch(unlessDone)
  },
  async 'peer.liquidity_low'({ admin }, { id, data }) {
    const input = { peerId: data.id, amount: String(TOP_UP), id, idempotencyKey: id }
    await admin.call(operations.DEPOSIT_PEER, { input }).catch(unlessDone)
  }
}

function isKnown(type: string): type is WebhookEventType {
  return (WEBHOOK_EVENT_TYPES as readonly string[]).includes(type)
}

async function fundOrCancel(desk: WalletDesk, { id, data }: WebhookEvent): Promise<void> {
  const { admin, accounts } = desk
  const paymentId = String(data.id)
  const account = await desk.walletAddressOf(String(data.walletAddressId))
  const card = data.cardDetails as CardDetails | undefined
  const failed = card && cardFailure(card, desk.cards.get(account))
  if (failed) accounts.refuse(account, paymentId)
  if (!accounts.hold(account, paymentId, valueOf(data.debitAmount))) {
    const input = {
      id: paymentId,
      reason: failed ? 'The card was not accepted.' : 'Account does not have enough balance.',
      ...(card && { cardPaymentFailureReason: failed ?? 'invalid_request' })
    }
    await admin.call(operations.CANCEL, { input }).catch(unlessDone)
    return
  }
  const dataToTransmit = desk.policy.dataToTransmit?.(data)
  const said = dataToTransmit === undefined ? {} : { dataToTransmit }
  const input = { outgoingPaymentId: paymentId, idempotencyKey: id, ...said }
  const isFunded = await admin.call(operations.FUND, { input }).then(() => true, unlessDone)
  if (!isFunded && (await stateOf(admin, paymentId)) === 'CANCELLED') accounts.release(paymentId)
}

async function stateOf(admin: AdminClient, id: string): Promise<string | undefined> {
  type Found = { outgoingPayment: { state: string } | null }
  return (await admin.call<Found>(operations.PAYMENT_STATE, { id })).outgoingPayment?.state
}

async function withdrawLeftover({ admin }: WalletDesk, { id, data }: WebhookEvent): Promise<void> {
  if (BigInt(String(data.balance)) === 0n) return
  const input = { outgoingPaymentId: data.id, idempotencyKey: id, timeoutSeconds: 0 }
  await admin.call(operations.WITHDRAW_OUTGOING, { input }).catch(unlessDone)
}

async function creditReceived(desk: WalletDesk, { id, data }: WebhookEvent): Promise<void> {
  const account = await desk.walletAddressOf(String(data.walletAddressId))
  const input = { incomingPaymentId: data.id, idempotencyKey: id, timeoutSeconds: 0 }
  await desk.admin.call(operations.WITHDRAW_INCOMING, { input }).catch(unlessDone)
  desk.accounts.credit(account, id, valueOf(data.receivedAmount))
}

/**
 * Each event tells of money that no other tells of, and the withdrawal takes all that is there: one that comes later
 * may find nothing left to withdraw, for an earlier one took it.
 */
async function creditWebMonetization(desk: WalletDesk, { id, data }: WebhookEvent): Promise<void> {
  const walletAddress = data.walletAddress as { id: string; receivedAmount: WireAmount }
  const account = await desk.walletAddressOf(walletAddress.id)
  const input = { walletAddressId: walletAddress.id, id, idempotencyKey: id, timeoutSeconds: 0 }
  await desk.admin.call(operations.WITHDRAW_WALLET_ADDRESS, { input }).catch((error: unknown) => {
    if (!(error instanceof AdminApiError && /amount is zero/i.test(error.message))) unlessDone(error)
  })
  desk.accounts.credit(account, id, valueOf(walletAddress.receivedAmount))
}

async function decideIncoming({ admin, policy }: WalletDesk, { data }: WebhookEvent): Promise<void> {
  const decision = policy.decideIncoming?.(data)
  if (decision === undefined) return
  if (decision === 'approve') {
    await admin.call(operations.APPROVE_INCOMING, { input: { id: data.id } }).catch(unlessDone)
  } else {
    const input = { id: data.id, cancellationReason: decision.cancelBecause }
    await admin.call(operations.CANCEL_INCOMING, { input }).catch(unlessDone)
  }
}

async function decidePartial({ admin, policy }: WalletDesk, { data }: WebhookEvent): Promise<void> {
  const of = { incomingPaymentId: data.id, partialIncomingPaymentId: data.partialIncomingPaymentId }
  const reason = await policy.refusePartial?.(data)
  if (reason === undefined) await admin.call(operations.CONFIRM_PARTIAL, { input: of })
  else await admin.call(operations.REJECT_PARTIAL, { input: { ...of, reason } })
}

/** An account that has no wallet address yet gets it; what is no account's stays unknown. */
async function createWalletAddress({ admin, accounts }: WalletDesk, { data }: WebhookEvent): Promise<void> {
  const address = String(data.walletAddressUrl)
  const name = address.slice(address.lastIndexOf('/') + 1)
  const account = accounts.get(name)
  if (!account) return
  type Found = { assetByCodeAndScale: { id: string } | null }
  const { assetByCodeAndScale: asset } = await admin.call<Found>(operations.ASSET, { ...account.asset })
  if (!asset) throw new Error(`the node has no asset ${account.asset.code}/${account.asset.scale}`)
  const input = { address, assetId: asset.id, publicName: name }
  await admin.call(operations.CREATE_WALLET_ADDRESS, { input }).catch(unlessDone)
}

/**
 * An event that comes a second time finds its work done: the node says so, and that is well. Work that is being done
 * may fail yet, so the event has to come again.
 *
 * @returns false: not by this call
 */
function unlessDone(error: unknown): false {
  const isDone =
    error instanceof AdminApiError &&
    (error.code === 'DUPLICATE' ||
      (error.code === 'CONFLICT' && !error.message.includes('Concurrent request')))
  if (!isDone) throw error
  return false
}

function valueOf(amount: unknown): bigint {
  return BigInt((amount as WireAmount).value)
}

function assetOf({ assetCode, assetScale }: WireAmount): AssetId {
  return { code: assetCode, scale: assetScale }
}
