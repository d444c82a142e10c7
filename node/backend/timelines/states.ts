import type { IncomingPayment } from '../incoming-payments/model.ts'
import type { OutgoingPayment } from '../outgoing-payments/model.ts'
import type { WebhookEvent, WebhookEventType } from '../webhooks/model.ts'
import type { TimelineEntry } from './model.ts'

/** What else is known of a payment than the API's own fields tell. */
export interface Known {
  /** When its row changed last. */
  updatedAt: Date
  events: readonly WebhookEvent[]
  /** When its account was first credited: by the deposit that funds it, or by the first money that it received. */
  creditedAt: Date | undefined
}

/** An attempt to send that got as far as its first packet. */
export interface SendingAttempt {
  epoch: number
  createdAt: Date
}

const initiators = { ADMIN: 'the Admin API', OPEN_PAYMENTS: 'Open Payments', CARD: 'a card' }

function state(at: Date, title: string, more: Partial<TimelineEntry> = {}): TimelineEntry {
  return { at, kind: 'STATE', title, ...more }
}

/** The states that an incoming payment went through: their times are its columns', its events' and its transfers'. */
export function incomingStates(
  payment: IncomingPayment,
  { updatedAt, events, creditedAt }: Known
): TimelineEntry[] {
  const { createdAt, initiatedBy, approvedAt, cancelledAt, cancellationReason } = payment
  const entries = [state(createdAt, 'PENDING', { detail: `Created by ${initiators[initiatedBy]}.` })]
  if (approvedAt) entries.push(state(approvedAt, 'Approved by the wallet'))
  if (cancelledAt) {
    const detail = cancellationReason === undefined ? {} : { detail: cancellationReason }
    entries.push(state(cancelledAt, 'Cancelled by the wallet', detail))
  }
  if (creditedAt) entries.push(state(creditedAt, 'PROCESSING', { detail: 'The first money came in.' }))
  if (payment.state === 'COMPLETED') {
    entries.push(state(timeOf(events, 'incoming_payment.completed') ?? updatedAt, 'COMPLETED'))
  }
  if (payment.state === 'EXPIRED') {
    entries.push(state(timeOf(events, 'incoming_payment.expired') ?? updatedAt, 'EXPIRED'))
  }
  return entries
}

/** The states that an outgoing payment went through, and its attempts. */
export function outgoingStates(
  payment: OutgoingPayment,
  { updatedAt, events, creditedAt, attempts }: Known & { attempts: readonly SendingAttempt[] }
): TimelineEntry[] {
  const { createdAt, initiatedBy, stateAttempts, error, sentAmount, metadata, quote } = payment
  const entries = [state(createdAt, 'FUNDING', { detail: `Created by ${initiators[initiatedBy]}.` })]
  if (creditedAt) entries.push(state(creditedAt, 'SENDING', { detail: 'It was funded.' }))
  for (const { epoch, createdAt: at } of attempts) entries.push(state(at, `Attempt ${epoch} sends packets`))
  const failed = stateAttempts === 1 ? '1 attempt failed' : `${stateAttempts} attempts failed`
  const sent = { amount: sentAmount, assetCode: quote.asset.code, assetScale: quote.asset.scale }
  switch (payment.state) {
    case 'FUNDING':
      break
    case 'SENDING':
      if (stateAttempts > 0) entries.push(state(updatedAt, failed, { detail: 'It is tried again.' }))
      break
    case 'COMPLETED':
      entries.push(state(timeOf(events, 'outgoing_payment.completed') ?? updatedAt, 'COMPLETED', sent))
      break
    case 'FAILED': {
      const detail = error === undefined ? {} : { detail: error }
      entries.push(
        state(timeOf(events, 'outgoing_payment.failed') ?? updatedAt, 'FAILED', { ...sent, ...detail })
      )
      break
    }
    case 'CANCELLED': {
      const reason = metadata?.cancellationReason
      entries.push(state(updatedAt, 'CANCELLED', typeof reason === 'string' ? { detail: reason } : {}))
      break
    }
  }
  return entries
}

function timeOf(events: readonly WebhookEvent[], type: WebhookEventType): Date | undefined {
  return events.find((event) => event.type === type)?.createdAt
}
