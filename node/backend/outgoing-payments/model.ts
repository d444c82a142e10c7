import type { InitiatedBy } from '../incoming-payments/model.ts'
import type { LiquidityFailure } from '../liquidity/model.ts'
import type { Amount, Failure } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'
import type { Quote } from '../quotes/model.ts'

/**
 *   (create) ──▶ FUNDING ──deposit of debitAmount──▶ SENDING ──▶ COMPLETED
 *                   │                                 │   ▲ │
 *                   └──cancel──▶ CANCELLED            └───┘ └──▶ FAILED
 *                                                     retry
 */
export const OUTGOING_PAYMENT_STATES = ['FUNDING', 'SENDING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const
export type OutgoingPaymentState = (typeof OUTGOING_PAYMENT_STATES)[number]

/** The card behind a payment, as its card service told it. */
export interface CardDetails {
  /** Of the card service's request: what its webhooks are matched by. */
  requestId: string
  /** What the wallet verifies: the card's signature and what was signed. */
  data: Record<string, unknown>
  initiatedAt: Date
}

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
  /** Of a payment that was initiated by CARD. */
  cardDetails?: CardDetails
  /** Really sent, without the fee: from the ledger while SENDING, fixed at the end. */
  sentAmount: bigint
  createdAt: Date
  updatedAt: Date
}

export type OutgoingPaymentFailure =
  | 'UnknownWalletAddress'
  | 'UnknownPayment'
  | 'UnknownQuote'
  | 'WrongState'
  | 'InvalidQuote'
  | 'InsufficientGrant'
  | 'GrantBusy'
  | 'InactiveWalletAddress'
  | 'InvalidAmount'
  | 'InvalidReceiver'
  | 'InvalidInterval'
  | 'OnlyOneGrantAmountAllowed'
  | 'CouldNotFetchRates'
  | 'NonPositiveReceiveAmount'
  | 'DataTooLong'

/** A grant as the token's introspection tells it: whose limits a payment must fit. */
export interface PaymentGrant {
  id: string
  /** The wallet address that the limits are for; undefined: whichever pays. */
  identifier?: string
  limits?: {
    receiver?: string
    debitAmount?: Amount
    receiveAmount?: Amount
    /** ISO 8601 repeating interval. */
    interval?: string
  }
}

export interface GrantSpentAmounts {
  debitAmount?: Amount
  receiveAmount?: Amount
}

export interface OutgoingPayments {
  create(input: {
    tenantId: string
    walletAddressId: string
    quoteId: string
    metadata?: Record<string, unknown>
    client?: string
    grant?: PaymentGrant
    initiatedBy: InitiatedBy
    /** Exactly where it is initiated by CARD. */
    cardDetails?: CardDetails
  }): Promise<
    | { payment: OutgoingPayment; /** spent under the grant before this payment */ spent?: GrantSpentAmounts }
    | Failure<OutgoingPaymentFailure>
  >
  get(id: string, tenantId?: string): Promise<OutgoingPayment | undefined>
  page(
    request: PageRequest,
    filter: {
      walletAddressId?: string[]
      tenantId?: string
      client?: string
      receiver?: string[]
      state?: OutgoingPaymentState[]
    }
  ): Promise<Page<OutgoingPayment>>
  /** The same page of each wallet address's outgoing payments, in the order of `walletAddressIds`. */
  pages(walletAddressIds: readonly string[], request: PageRequest): Promise<Page<OutgoingPayment>[]>
  /** FUNDING → SENDING: deposits debitAmount into its account under the id of its created event. */
  fund(input: {
    id: string
    tenantId: string
    dataToTransmit?: string
  }): Promise<OutgoingPayment | Failure<OutgoingPaymentFailure | LiquidityFailure>>
  cancel(input: {
    id: string
    tenantId: string
    reason?: string
    cardPaymentFailureReason?: string
  }): Promise<OutgoingPayment | Failure<OutgoingPaymentFailure>>
  grantSpentAmounts(grant: PaymentGrant): Promise<GrantSpentAmounts>
  url(payment: Pick<OutgoingPayment, 'id' | 'tenantId'>): string
}
