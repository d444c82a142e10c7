import { decodeAmountTooLarge } from '../packet.ts'
import type { IlpErrorCode } from '../packet.ts'

/**
 * What a Reject asks of the sender:
 *
 *   backOff       the same again, later, for as long as the payment is not idle
 *   sendLess      smaller packets, later
 *   retry         again later, a bounded number of times, with a smaller window
 *   outlast       as `retry`, with a longer life
 *   sendMore      a larger packet, at once
 *   expireLater   a longer life, at once
 *   limitAmount   packets no larger than the connector says, or can convert, at once
 *   readFrames    the receiver says why, if the data is authentic; otherwise as `retry`
 *   fail          nothing more is sent
 */
export type Reaction =
  | 'backOff'
  | 'sendLess'
  | 'retry'
  | 'outlast'
  | 'sendMore'
  | 'expireLater'
  | 'limitAmount'
  | 'readFrames'
  | 'fail'

/** Every code of RFC 27 (Error Codes), answered as deployed senders answer it. */
export const REACTIONS: Readonly<Record<IlpErrorCode, Reaction>> = {
  F00: 'fail',
  F01: 'fail',
  F02: 'fail',
  F03: 'limitAmount',
  F04: 'readFrames',
  F05: 'readFrames',
  F06: 'fail',
  F07: 'fail',
  F08: 'limitAmount',
  F99: 'readFrames',
  T00: 'retry',
  T01: 'retry',
  T02: 'backOff',
  T03: 'backOff',
  T04: 'sendLess',
  T05: 'backOff',
  T99: 'retry',
  R00: 'outlast',
  R01: 'sendMore',
  R02: 'expireLater',
  R99: 'retry'
}

/** A code that RFC 27 does not name is final when its class is (F), and passing otherwise. */
export function reactionTo(code: string): Reaction {
  return isKnown(code) ? REACTIONS[code] : code.startsWith('F') ? 'fail' : 'retry'
}

function isKnown(code: string): code is IlpErrorCode {
  return Object.hasOwn(REACTIONS, code)
}

/**
 * The largest packet that fits after an F08 (or F03) to one of `amount`, in the sender's units: in proportion to what
 * the connector got and takes, rounded down; half where its data is missing or absurd. 0: nothing fits.
 */
export function amountAfterTooLarge(amount: bigint, data: Buffer): { limit: bigint; isGuess: boolean } {
  const limits = decodeAmountTooLarge(data)
  if (!limits || limits.maximumAmount === 0n || limits.maximumAmount >= limits.receivedAmount) {
    return { limit: amount / 2n, isGuess: true }
  }
  return { limit: (amount * limits.maximumAmount) / limits.receivedAmount, isGuess: false }
}
