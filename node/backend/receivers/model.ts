import type { StreamCredentials } from '../../ilp/index.ts'
import type { Amount, Failure } from '../model.ts'
import type { AssetUnit } from '../rates/model.ts'

/** An incoming payment, here or on another node, as a payer sees it. */
export interface Receiver {
  /** Its URL, which is also its id. */
  incomingPaymentUrl: string
  walletAddressUrl: string
  asset: AssetUnit
  incomingAmount?: Amount
  receivedAmount: Amount
  completed: boolean
  expiresAt?: Date
  metadata?: Record<string, unknown>
  createdAt: Date
  /** How to pay it; undefined when it takes no more money. */
  credentials?: StreamCredentials
  /** The incoming payment's id where it is of this very database. */
  localPaymentId?: string
}

export interface ReadOptions {
  /** A receiver of another node may have been read (or created, by us) less than so long ago. Default 0: never. */
  maxAgeMs?: number
  /** Its credentials must not have been given to anybody yet: the caller opens a connection with them. */
  ownCredentials?: boolean
}

/** All that a client is told of a receiver that cannot be read, whatever the reason. */
export const UNREADABLE_RECEIVER = 'the receiver cannot be read'

/**
 * A receiver that was read so recently need not be read again to price a payment, or to begin one: whoever sends
 * reads it afresh before the first packet, and each later attempt too.
 */
export const RECENT_READ_MS = 2_000

export type ReceiverFailure = 'NotFound' | 'UnknownWalletAddress' | 'InvalidRequest' | 'InvalidGrant'

/**
 * All methods throw RemoteUnavailableError when another node gave no usable answer: nothing is known then, and it
 * may be asked again. A failure is an answer.
 */
export interface Receivers {
  /**
   * Reads it afresh, unless told otherwise: a remote one answers with new STREAM credentials each time. One of
   * another tenant of this node comes without its metadata, unless it was created for who asks, or he is the operator.
   */
  get(
    tenantId: string,
    incomingPaymentUrl: string,
    options?: ReadOptions
  ): Promise<Receiver | Failure<ReceiverFailure>>
  /** @param input.id of an incoming payment on this node, where it was given out already */
  create(input: {
    id?: string
    tenantId: string
    walletAddressUrl: string
    incomingAmount?: Amount
    expiresAt?: Date
    metadata?: Record<string, unknown>
  }): Promise<Receiver | Failure<ReceiverFailure>>
  /**
   * Of the incoming payments of this node a tenant completes its own and those that it had created; undefined:
   * the operator, who completes any.
   */
  complete(
    tenantId: string | undefined,
    incomingPaymentUrl: string
  ): Promise<Receiver | Failure<ReceiverFailure>>
}

/** True while it can be paid: neither complete nor expired, and with a way to pay. */
export function isActiveReceiver(receiver: Receiver, nowMs: number): boolean {
  return (
    !receiver.completed &&
    receiver.credentials !== undefined &&
    (receiver.expiresAt === undefined || receiver.expiresAt.getTime() > nowMs)
  )
}
