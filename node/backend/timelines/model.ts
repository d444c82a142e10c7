import type { IncomingPayment } from '../incoming-payments/model.ts'
import type { OutgoingPayment } from '../outgoing-payments/model.ts'

export type TimelineKind = 'STATE' | 'WEBHOOK' | 'TRANSFER'

/** Something that happened to a payment. */
export interface TimelineEntry {
  at: Date
  kind: TimelineKind
  /** What happened, in a few words. */
  title: string
  detail?: string
  /** Minor units of the payment's asset. */
  amount?: bigint
  assetCode?: string
  assetScale?: number
  /** How many records it stands for, where these are several. */
  count?: number
  /** Of the webhook event, or of the ledger's record. */
  id?: string
}

/** Transfers of a payment that its timeline looks at, the newest. */
export const MAX_TIMELINE_TRANSFERS = 200
/** Webhook events that it tells of, the newest. */
export const MAX_TIMELINE_EVENTS = 100
/** Records of packets that are told one by one; where there are more, those of a second are one entry. */
export const MAX_SINGLE_PACKETS = 50

/**
 * What the database and the ledger know of a payment's past, oldest first.
 *
 * @param tenantId who asks, and is told of webhooks that are its business; undefined: the operator
 */
export interface PaymentTimelines {
  ofIncoming(payment: IncomingPayment, tenantId?: string): Promise<TimelineEntry[]>
  ofOutgoing(payment: OutgoingPayment, tenantId?: string): Promise<TimelineEntry[]>
}
