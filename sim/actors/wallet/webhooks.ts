import { createHmac, timingSafeEqual } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { AdminClient } from '../admin-client.ts'
import { AdminApiError } from '../admin-client.ts'
import type { CustomerAccounts } from './accounts.ts'

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

const HOLDS_LIQUIDITY = 1_000_000n

/** True when the header is the HMAC of the body under the shared secret, made at most five minutes ago. */
export function isSignedBy(
  secret: string,
  header: string | undefined,
  event: WebhookEvent,
  nowMs: number
): boolean {
  const match = /^t=(\d+), v1=([0-9a-f]{64})$/.exec(header ?? '')
  if (!match || Math.abs(nowMs - Number(match[1])) > 300_000) return false
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
export async function handleWebhookEvent(
  {
    admin,
    accounts,
    walletAddressOf
  }: {
    admin: AdminClient
    accounts: CustomerAccounts
    /** The name of the wallet address with this id. */
    walletAddressOf: (id: string) => Promise<string>
  },
  { id, type, data }: WebhookEvent
): Promise<void> {
  switch (type) {
    case 'outgoing_payment.created': {
      const account = await walletAddressOf(String(data.walletAddressId))
      const paymentId = String(data.id)
      if (!accounts.hold(account, paymentId, BigInt((data.debitAmount as WireAmount).value))) {
        await admin
          .call(CANCEL, { input: { id: paymentId, reason: 'Account does not have enough balance.' } })
          .catch(unlessDone)
        return
      }
      await admin
        .call(DEPOSIT, { input: { outgoingPaymentId: paymentId, idempotencyKey: id } })
        .catch(unlessDone)
      return
    }
    case 'outgoing_payment.completed':
      // The customer agreed to the quote's debitAmount. What was not needed of it (fee, slippage) is ours.
      accounts.capture(String(data.id), BigInt((data.debitAmount as WireAmount).value))
      await withdrawLeftover()
      return
    case 'outgoing_payment.failed':
      accounts.capture(String(data.id), BigInt((data.sentAmount as WireAmount).value))
      await withdrawLeftover()
      return
    case 'incoming_payment.completed':
    case 'incoming_payment.expired': {
      const account = await walletAddressOf(String(data.walletAddressId))
      await admin
        .call(WITHDRAW_INCOMING, {
          input: { incomingPaymentId: data.id, idempotencyKey: id, timeoutSeconds: 0 }
        })
        .catch(unlessDone)
      accounts.credit(account, id, BigInt((data.receivedAmount as WireAmount).value))
      return
    }
    case 'asset.liquidity_low':
      await admin
        .call(DEPOSIT_ASSET, {
          input: { assetId: data.id, amount: String(HOLDS_LIQUIDITY), id, idempotencyKey: id }
        })
        .catch(unlessDone)
      return
    case 'peer.liquidity_low':
      await admin
        .call(DEPOSIT_PEER, {
          input: { peerId: data.id, amount: String(HOLDS_LIQUIDITY), id, idempotencyKey: id }
        })
        .catch(unlessDone)
      return
    case 'incoming_payment.created':
    case 'wallet_address.not_found':
      return // told for information; nothing is due
    default:
      throw new Error(`this wallet does not know the event type ${type}`)
  }

  async function withdrawLeftover(): Promise<void> {
    if (BigInt(String(data.balance)) === 0n) return
    await admin
      .call(WITHDRAW_OUTGOING, {
        input: { outgoingPaymentId: data.id, idempotencyKey: id, timeoutSeconds: 0 }
      })
      .catch(unlessDone)
  }
}

/** An event that comes a second time finds its work done: the node says so, and that is well. */
function unlessDone(error: unknown): void {
  if (error instanceof AdminApiError && (error.code === 'DUPLICATE' || error.code === 'CONFLICT')) return
  throw error
}

const CANCEL = `mutation CancelOutgoingPayment($input: CancelOutgoingPaymentInput!) {
  cancelOutgoingPayment(input: $input) { payment { id } } }`
const DEPOSIT = `mutation DepositOutgoingPaymentLiquidity($input: DepositOutgoingPaymentLiquidityInput!) {
  depositOutgoingPaymentLiquidity(input: $input) { success } }`
const WITHDRAW_INCOMING = `mutation CreateIncomingPaymentWithdrawal($input: CreateIncomingPaymentWithdrawalInput!) {
  createIncomingPaymentWithdrawal(input: $input) { success } }`
const WITHDRAW_OUTGOING = `mutation CreateOutgoingPaymentWithdrawal($input: CreateOutgoingPaymentWithdrawalInput!) {
  createOutgoingPaymentWithdrawal(input: $input) { success } }`
const DEPOSIT_ASSET = `mutation DepositAssetLiquidity($input: DepositAssetLiquidityInput!) {
  depositAssetLiquidity(input: $input) { success } }`
const DEPOSIT_PEER = `mutation DepositPeerLiquidity($input: DepositPeerLiquidityInput!) {
  depositPeerLiquidity(input: $input) { success } }`
