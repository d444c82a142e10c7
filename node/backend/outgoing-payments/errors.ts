import type { SendError } from '../../ilp/index.ts'

/**
 * Why a payment failed: the `error` of a FAILED payment. Names of the contract where it has one; the names of
 * STREAM's own errors pass through from the sender.
 */
export const LifecycleError = {
  /** It was funded after its quote had expired. */
  QuoteExpired: 'QuoteExpired',
  /** The receiver's incoming payment is in another asset than the quote. */
  DestinationAssetConflict: 'DestinationAssetConflict',
  /** Nothing is left to send and the promise is not kept. */
  BadState: 'BadState',
  /** The receiver could not be read. */
  ReceiverUnavailable: 'ReceiverUnavailable',
  /** The receiver's node refuses to show the incoming payment. */
  Unauthorized: 'Unauthorized',
  /** The liquidity of the receiver's asset does not cover the payment. */
  InsufficientLiquidity: 'InsufficientLiquidity',
  /** The payment's own account does not cover it. */
  InsufficientBalance: 'InsufficientBalance',
  /** Another payment is about to complete the receiver. */
  ClosedByReceiver: 'ClosedByReceiver',
  /** A defect of this node; the log says more. */
  InternalError: 'InternalError'
} as const
export type LifecycleError = (typeof LifecycleError)[keyof typeof LifecycleError]

/** Why an attempt ended early. */
export interface AttemptError {
  code: string
  message: string
  /** Whether a later attempt may succeed. */
  retryable: boolean
}

export function lifecycleError(code: LifecycleError, message: string, retryable = false): AttemptError {
  return { code, message, retryable }
}

export function attemptErrorOf({ code, message, retryable, reason }: SendError): AttemptError {
  return { code: reason ?? code, message, retryable }
}

/** The lease was lost, or the worker stops: whoever holds the payment next goes on. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError'
  /** The lease still stands: its holder releases it. */
  readonly isStopping: boolean

  constructor(message: string, options: { isStopping?: boolean } = {}) {
    super(message)
    this.isStopping = options.isStopping ?? false
  }
}
