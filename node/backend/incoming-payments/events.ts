import { MAX_AMOUNT } from '../../ledger/index.ts'
import type { NewWebhookEvent } from '../webhooks/model.ts'
import { isOpen } from './store.ts'
import type { IncomingPayment } from './model.ts'

/** An amount as JSON shows it. */
function amountJson(value: bigint, { asset }: IncomingPayment) {
  return { value: value.toString(), assetCode: asset.code, assetScale: asset.scale }
}

/** The data of an incoming payment's events, as the webhook contract has it. `received` in minor units. */
export function incomingPaymentData(payment: IncomingPayment, received: bigint): Record<string, unknown> {
  return {
    id: payment.id,
    walletAddressId: payment.walletAddressId,
    ...(payment.client !== undefined && { client: payment.client }),
    createdAt: payment.createdAt.toISOString(),
    expiresAt: payment.expiresAt.toISOString(),
    ...(payment.incomingAmount !== undefined && {
      incomingAmount: amountJson(payment.incomingAmount, payment)
    }),
    receivedAmount: amountJson(received, payment),
    completed: payment.state === 'COMPLETED',
    ...(payment.metadata !== undefined && { metadata: payment.metadata }),
    ...(payment.approvedAt && { approvedAt: payment.approvedAt.toISOString() }),
    ...(payment.cancelledAt && { cancelledAt: payment.cancelledAt.toISOString() })
  }
}

/** `incoming_payment.created`: nothing is received yet. */
export function createdEvent(payment: IncomingPayment): NewWebhookEvent {
  return {
    type: 'incoming_payment.created',
    tenantId: payment.tenantId,
    data: incomingPaymentData(payment, 0n),
    resource: { kind: 'incomingPayment', id: payment.id }
  }
}

/**
 * `incoming_payment.completed` or `.expired`, with what the wallet may withdraw: all that was received. Processes that
 * took money at once, each short of what one transfer moves, may together be beyond it: the rest stays on the account.
 */
export function closedEvent(payment: IncomingPayment, received: bigint): NewWebhookEvent {
  if (isOpen(payment.state)) throw new Error(`incoming payment ${payment.id} is not closed`)
  return {
    type: payment.state === 'COMPLETED' ? 'incoming_payment.completed' : 'incoming_payment.expired',
    tenantId: payment.tenantId,
    data: incomingPaymentData(payment, received),
    resource: { kind: 'incomingPayment', id: payment.id },
    alsoToPointOfSale: payment.initiatedBy === 'CARD',
    withdrawal: {
      accountId: payment.id,
      assetId: payment.asset.id,
      amount: received > MAX_AMOUNT ? MAX_AMOUNT : received
    }
  }
}
