import { INCOMING_PAYMENT_STATES } from '../incoming-payments/model.ts'
import type { IncomingPaymentState } from '../incoming-payments/model.ts'
import { OUTGOING_PAYMENT_STATES } from '../outgoing-payments/model.ts'
import type { OutgoingPaymentState } from '../outgoing-payments/model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

export type PaymentType = 'INCOMING' | 'OUTGOING'
export const PAYMENT_TYPES: readonly PaymentType[] = ['INCOMING', 'OUTGOING']

export type PaymentState = IncomingPaymentState | OutgoingPaymentState
export const PAYMENT_STATES: Readonly<Record<PaymentType, readonly PaymentState[]>> = {
  INCOMING: INCOMING_PAYMENT_STATES,
  OUTGOING: OUTGOING_PAYMENT_STATES
}

/** What incoming and outgoing payments have in common: an entry of the list of both. */
export interface Payment {
  id: string
  type: PaymentType
  tenantId: string
  walletAddressId: string
  state: PaymentState
  client?: string
  metadata?: Record<string, unknown>
  createdAt: Date
}

/** Which payments of a list are meant; what is absent lets all pass. */
export interface PaymentFilter {
  tenantId?: string
  types?: readonly PaymentType[]
  walletAddressId?: readonly string[]
  /** Of either kind: a kind that has none of them has no payments in the list. */
  states?: readonly PaymentState[]
  /** URLs of the incoming payments that are paid: outgoing payments alone have one. */
  receiver?: readonly string[]
  /** Created at this time or later. */
  createdAfter?: Date
  /** Created before this time. */
  createdBefore?: Date
}

/** Stretches of time, one after the other, each of `bucketMs`: which payments are counted. */
export interface PaymentBuckets {
  tenantId?: string
  /** Where the first one begins. */
  since: Date
  bucketMs: number
  buckets: number
}

/** How many payments of those created in a bucket are in a state now: at least one. */
export interface PaymentStateCount {
  type: PaymentType
  state: PaymentState
  bucketStart: Date
  count: number
}

/** Payments of both kinds as one list. */
export interface Payments {
  page(request: PageRequest, filter: PaymentFilter): Promise<Page<Payment>>
  /** Oldest bucket first; what has no payments is left out. */
  countStates(buckets: PaymentBuckets): Promise<PaymentStateCount[]>
}
