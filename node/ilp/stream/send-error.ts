import type { IlpReject, OutgoingReply } from '../model.ts'
import type { ReceiverNews } from './connection.ts'

/**
 * Why a payment or probe ended early. Names that the lifecycle of outgoing payments already has are used where
 * they fit (docs/compatibility.md); `PacketsInDoubt` and `InternalError` are ours.
 */
export type SendErrorCode =
  /** A connector refuses for good, or again and again. */
  | 'ConnectorError'
  /** No packet reached the receiver. */
  | 'EstablishmentFailed'
  /** What would be delivered is below the minimum, or the budget no longer buys the promise. */
  | 'InsufficientExchangeRate'
  /** No authentic answer told the path's rate. */
  | 'RateProbeFailed'
  /** Nothing was delivered for the whole idle time. */
  | 'IdleTimeout'
  /** The receiver closed with an error, or declined every packet. */
  | 'ClosedByReceiver'
  /** The connection has no sequence numbers left. */
  | 'MaxSafeEncryptionLimit'
  /** What is still to be delivered may already be: answers were lost, evidence has to decide. */
  | 'PacketsInDoubt'
  /** A defect of this node; `cause` says more. */
  | 'InternalError'

export interface SendError {
  code: SendErrorCode
  /** What was wrong and where. */
  message: string
  /** Whether a later attempt may succeed. */
  retryable: boolean
  /** The receiver's own words, when it declined with application data: shown to the payer as they are. */
  reason?: string
  cause?: unknown
}

export function sendError(code: SendErrorCode, message: string, extra: Partial<SendError> = {}): SendError {
  return { code, message, retryable: true, ...extra }
}

/** An error for what a connector or the receiver answered. */
export function rejectError(
  code: SendErrorCode,
  reject: IlpReject,
  extra: Partial<SendError> = {}
): SendError {
  const by = reject.triggeredBy === '' ? 'an unnamed node' : reject.triggeredBy
  const words = reject.message === '' ? '' : `: ${reject.message}`
  return sendError(code, `${by} rejected with ${reject.code}${words}`, extra)
}

/** Why the receiver closed before it had everything; undefined when it did so without an error. */
export function closingError(
  { reason, normally, message }: NonNullable<ReceiverNews['closed']>,
  reply: OutgoingReply
): SendError | undefined {
  if (reason !== undefined) {
    return sendError('ClosedByReceiver', `the receiver declined: ${reason}`, { reason, retryable: false })
  }
  if (normally) return undefined
  return sendError(
    'ClosedByReceiver',
    `the receiver closed on a ${reply.type}: ${message || 'no reason given'}`
  )
}
