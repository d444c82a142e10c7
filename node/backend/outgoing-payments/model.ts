import type { InitiatedBy } from '../incoming-payments/model.ts'
import type { Quote } from '../quotes/model.ts'

/**
 *   (create) ──▶ FUNDING ──deposit of debitAmount──▶ SENDING ──▶ COMPLETED
 *                   │                                 │   ▲ │
 *                   └──cancel──▶ CANCELLED            └───┘ └──▶ FAILED
 *                                                     retry
 */
export type OutgoingPaymentState = 'FUNDING' | 'SENDING' | 'COMPLETED' | 'FAILED' | 'CANCELLED'

export interface OutgoingPayment {
  id: string
  tenantId: string
  walletAddressId: string
  quote: Quote
  receiver: string
  state: OutgoingPaymentState
  error?: string
  stateAttempts: number
  client?: string
  grantId?: string
  metadata?: Record<string, unknown>
  initiatedBy: InitiatedBy
  /** Really sent, without the fee: from the ledger while SENDING, fixed at the end. */
  sentAmount: bigint
  createdAt: Date
  updatedAt: Date
}
