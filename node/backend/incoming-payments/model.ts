import type { Asset } from '../assets/model.ts'
import type { Amount, Failure } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

/**
 *   (create) ──▶ PENDING ──first credit──▶ PROCESSING
 *                   │  ╲                      │   │
 *                   │   ──total ≥ incomingAmount, or completed by API──▶ COMPLETED
 *                   │                         │
 *                   └──────── expiresAt ──────┴──▶ EXPIRED   (deleted as well where nothing was received)
 *
 * What the wallet says of it (approved, cancelled: approval.ts) is not a state; cancelled it takes no money any more.
 * COMPLETED and EXPIRED are final. The event for the wallet is written once, where money was received.
 */
export const INCOMING_PAYMENT_STATES = ['PENDING', 'PROCESSING', 'COMPLETED', 'EXPIRED'] as const
export type IncomingPaymentState = (typeof INCOMING_PAYMENT_STATES)[number]

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
  /** The tenant that had it created, where that is another one of this node (createReceiver). */
  creatorTenantId?: string
  /** It takes no money before it is approved. */
  needsApproval: boolean
  approvedAt?: Date
  cancelledAt?: Date
  cancellationReason?: string
  createdAt: Date
}

/**
 * `full`: with what is being booked here it has all that it takes. `later`: what other processes are booking may be
 * the rest, or is not known; asked again, the answer may be another one.
 */
export type Admission = 'admitted' | 'closed' | 'full' | 'later'

/** What a packet for an incoming payment (or wallet address) is credited to, as the connector asks for it. */
export interface DeliveryTarget {
  readonly kind: 'incomingPayment' | 'walletAddress'
  readonly id: string
  readonly tenantId: string
  readonly asset: Asset
  /** The ledger account to credit; exists by the time the target is resolved. */
  readonly accountId: bigint
  /**
   * Asks to receive `amount`: checked against state, expiry and what was received or is being booked, in all
   * processes of the service. When admitted, exactly one of `posted` and `released` follows. Answers at once where no
   * other process has to be heard. Never rejects.
   */
  admit(amount: bigint): Admission | Promise<Admission>
  /** It takes nothing any more. */
  readonly isClosed: boolean
  /**
   * The amount is durably credited: under this process's tag, or (`untagged`) without one, as a payment within the
   * node is. Moves the payment's state on, outside of the packet's way.
   */
  posted(amount: bigint, tag?: 'tagged' | 'untagged'): void
  /** The amount was not credited. */
  released(amount: bigint): void
  /**
   * So much is in the ledger at least, what other processes credited included, and nothing of it is admitted here
   * and neither posted nor released.
   */
  learned(received: bigint): void
  /** Received so far, from the ledger: posted credits, never shrinking. */
  readonly received: bigint
  /** The most that it will take in all; undefined: no limit. */
  readonly receiveMax: bigint | undefined
}

/** Finds what a STREAM payment tag stands for. Cached in process; a packet costs no query once it is known. */
export interface DeliveryTargets {
  resolve(paymentTag: string): Promise<DeliveryTarget | undefined>
}

export type IncomingPaymentFailure =
  | 'UnknownWalletAddress'
  | 'UnknownPayment'
  | 'InvalidAmount'
  | 'InvalidState'
  | 'InvalidExpiry'
  | 'WrongState'
  | 'InactiveWalletAddress'
  | 'ActionNotPerformed'
  | 'AlreadyActioned'

/** How to pay it: STREAM credentials, fresh on every call. */
export interface IlpPaymentMethod {
  type: 'ilp'
  ilpAddress: string
  sharedSecret: Buffer
}

export interface IncomingPayments {
  /**
   * With POLL_INCOMING_PAYMENT_CREATED_WEBHOOK it answers once the wallet approved the payment. ActionNotPerformed:
   * it did not; the payment stays, and takes no money.
   *
   * @param input.id of the new payment, where it was given out already
   */
  create(input: {
    id?: string
    tenantId: string
    walletAddressId: string
    incomingAmount?: Amount
    expiresAt?: Date
    metadata?: Record<string, unknown>
    client?: string
    initiatedBy: InitiatedBy
    senderWalletAddress?: string
    creatorTenantId?: string
  }): Promise<IncomingPayment | Failure<IncomingPaymentFailure>>
  get(id: string, tenantId?: string): Promise<IncomingPayment | undefined>
  page(
    request: PageRequest,
    filter: { walletAddressId?: string; tenantId?: string; client?: string; initiatedBy?: InitiatedBy[] }
  ): Promise<Page<IncomingPayment>>
  /** The same page of each wallet address's incoming payments, in the order of `walletAddressIds`. */
  pages(
    walletAddressIds: readonly string[],
    request: PageRequest,
    filter: { initiatedBy?: InitiatedBy[] }
  ): Promise<Page<IncomingPayment>[]>
  /** The wallet's word: it may be paid. WrongState unless it is PENDING, AlreadyActioned where it is cancelled. */
  approve(id: string, tenantId: string): Promise<IncomingPayment | Failure<IncomingPaymentFailure>>
  /** The wallet's word: it takes no money any more. AlreadyActioned where it is approved. */
  cancel(
    id: string,
    tenantId: string,
    reason?: string
  ): Promise<IncomingPayment | Failure<IncomingPaymentFailure>>
  /** Closes it for further money. WrongState unless it is PENDING or PROCESSING. */
  complete(id: string, tenantId?: string): Promise<IncomingPayment | Failure<IncomingPaymentFailure>>
  updateMetadata(input: {
    id: string
    tenantId: string
    metadata: Record<string, unknown>
  }): Promise<IncomingPayment | Failure<IncomingPaymentFailure>>
  /** Minor units received, from the ledger, in the order of `ids`. */
  receivedAmounts(ids: readonly string[]): Promise<bigint[]>
  /** Empty when it takes no money: complete, expired, cancelled, or not approved yet. */
  paymentMethods(payment: IncomingPayment): IlpPaymentMethod[]
  /** `<OPEN_PAYMENTS_URL>/<tenantId>/incoming-payments/<id>` */
  url(payment: Pick<IncomingPayment, 'id' | 'tenantId'>): string
}
