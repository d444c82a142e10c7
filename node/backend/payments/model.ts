import type { IncomingPaymentState } from '../incoming-payments/model.ts'
import type { OutgoingPaymentState } from '../outgoing-payments/model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

export type PaymentType = 'INCOMING' | 'OUTGOING'
export const PAYMENT_TYPES: readonly PaymentType[] = ['INCOMING', 'OUTGOING']

/** What incoming and outgoing payments have in common: an entry of the list of both. */
export interface Payment {
  id: string
  type: PaymentType
  tenantId: string
  walletAddressId: string
  state: IncomingPaymentState | OutgoingPaymentState
  client?: string
  metadata?: Record<string, unknown>
  createdAt: Date
}

/** Payments of both kinds as one list. */
export interface Payments {
  page(
    request: PageRequest,
    filter: { tenantId?: string; types?: readonly PaymentType[]; walletAddressId?: readonly string[] }
  ): Promise<Page<Payment>>
}
