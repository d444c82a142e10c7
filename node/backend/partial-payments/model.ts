import type { IncomingPayment } from '../incoming-payments/model.ts'
import type { Failure } from '../model.ts'

/**
 * A packet for an incoming payment that carries data of its sender waits for the wallet's word, where the
 * operator asks for that (ENABLE_PARTIAL_PAYMENT_DECISION):
 *
 *   (packet with data) ──event stored──▶ WAITING ──confirmed──▶ accepted: it is booked
 *          │                                │  ╲
 *          │                                │   ──rejected──▶ declined: the wallet's reason
 *          │                                └──no word in time──▶ declined
 *          └──event not stored──▶ declined
 *
 * A decline closes the STREAM connection for good, with the reason as data: the sender's payment fails by it.
 */
export type PartialPaymentDecision = { kind: 'accepted' } | { kind: 'declined'; reason: string }

/** Reasons that are ours to give. They are the contract's, word by word. */
export const DeclineReason = {
  /** The wallet rejected without a reason. */
  REJECTED: 'Additional data rejected',
  NO_RESPONSE: 'No response from receiving ASE',
  FAILED: 'Error processing partial payment'
} as const

/** What the connector asks before it books a packet with data. */
export interface PartialPaymentGate {
  /**
   * Never rejects, and answers well before the packet expires.
   *
   * @param dataFromSender as it came; it is told to the wallet as text (UTF-8)
   * @param expiresAtMs wall clock when the packet expires
   */
  decide(packet: {
    incomingPaymentId: string
    dataFromSender: Buffer
    expiresAtMs: number
  }): Promise<PartialPaymentDecision>
}

/** What the wallet says. Nobody checks whether the partial payment still waits, or ever did. */
export interface PartialPayments {
  /** Refuses for payments that are complete or expired: InvalidState. */
  decided(
    payment: IncomingPayment,
    partialIncomingPaymentId: string,
    decision: { isAccepted: boolean; reason?: string }
  ): Promise<void | Failure<'InvalidState'>>
}
