import type { Amount } from '../model.ts'
import type { NewWebhookEvent, WebhookEventType } from '../webhooks/model.ts'
import type { OutgoingPayment } from './model.ts'

type OutgoingEventType = Extract<WebhookEventType, `outgoing_payment.${string}`>

function amountJson({ value, assetCode, assetScale }: Amount) {
  return { value: value.toString(), assetCode, assetScale }
}

/** The data of an outgoing payment's events, as the webhook contract has it. `balance` in minor units. */
export function outgoingPaymentData(payment: OutgoingPayment, balance: bigint): Record<string, unknown> {
  const { quote } = payment
  return {
    id: payment.id,
    walletAddressId: payment.walletAddressId,
    ...(payment.client !== undefined && { client: payment.client }),
    state: payment.state,
    receiver: payment.receiver,
    debitAmount: amountJson(quote.debitAmount),
    receiveAmount: amountJson(quote.receiveAmount),
    sentAmount: amountJson({ ...quote.debitAmount, value: payment.sentAmount }),
    stateAttempts: payment.stateAttempts,
    createdAt: payment.createdAt.toISOString(),
    balance: balance.toString(),
    ...(payment.metadata !== undefined && { metadata: payment.metadata }),
    ...(payment.error !== undefined && { error: payment.error }),
    ...(payment.grantId !== undefined && { grantId: payment.grantId }),
    ...(payment.cardDetails !== undefined && {
      cardDetails: { ...payment.cardDetails, initiatedAt: payment.cardDetails.initiatedAt.toISOString() }
    })
  }
}

/** An event of a payment. `balance` is what its account holds; at the end the wallet may withdraw it. */
export function outgoingPaymentEvent(
  type: OutgoingEventType,
  payment: OutgoingPayment,
  balance: bigint
): NewWebhookEvent {
  const isFinal = type === 'outgoing_payment.completed' || type === 'outgoing_payment.failed'
  return {
    type,
    tenantId: payment.tenantId,
    data: outgoingPaymentData(payment, balance),
    resource: { kind: 'outgoingPayment', id: payment.id },
    ...(isFinal &&
      balance > 0n && {
        withdrawal: { accountId: payment.id, assetId: payment.quote.asset.id, amount: balance }
      })
  }
}
