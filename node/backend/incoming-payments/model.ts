import type { Asset } from '../assets/model.ts'

/**
 *   (create) ──▶ PENDING ──first credit──▶ PROCESSING
 *                   │  ╲                      │   │
 *                   │   ──total ≥ incomingAmount, or completed by API──▶ COMPLETED
 *                   │                         │
 *                   └──────── expiresAt ──────┴──▶ EXPIRED   (deleted as well where nothing was received)
 *
 * COMPLETED and EXPIRED are final. The event for the wallet is written once, where money was received.
 */
export type IncomingPaymentState = 'PENDING' | 'PROCESSING' | 'COMPLETED' | 'EXPIRED'

export type InitiatedBy = 'CARD' | 'OPEN_PAYMENTS' | 'ADMIN'

export interface IncomingPayment {
  id: string
  tenantId: string
  walletAddressId: string
  asset: Asset
  state: IncomingPaymentState
  /** Minor units of `asset`; undefined: open amount. */
  incomingAmount?: bigint
  expiresAt: Date
  client?: string
  metadata?: Record<string, unknown>
  initiatedBy: InitiatedBy
  senderWalletAddress?: string
  approvedAt?: Date
  cancelledAt?: Date
  cancellationReason?: string
  createdAt: Date
}

/** What a packet for an incoming payment (or wallet address) is credited to, as the connector asks for it. */
export interface DeliveryTarget {
  readonly kind: 'incomingPayment' | 'walletAddress'
  readonly id: string
  readonly tenantId: string
  readonly asset: Asset
  /** The ledger account to credit; exists by the time the target is resolved. */
  readonly accountId: bigint
  /**
   * Asks to receive `amount`: checked against state, expiry and what was received or is being booked. When
   * admitted, exactly one of `posted` and `released` follows.
   */
  admit(amount: bigint): 'admitted' | 'closed' | 'full'
  /** The amount is durably credited. Moves the payment's state on, outside of the packet's way. */
  posted(amount: bigint): void
  /** The amount was not credited. */
  released(amount: bigint): void
  /** Received so far, from the ledger: posted credits, never shrinking. */
  readonly received: bigint
  /** The most that it will take in all; undefined: no limit. */
  readonly receiveMax: bigint | undefined
}

/** Finds what a STREAM payment tag stands for. Cached in process; a packet costs no query once it is known. */
export interface DeliveryTargets {
  resolve(paymentTag: string): Promise<DeliveryTarget | undefined>
}
