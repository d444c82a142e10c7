import { decodeAmountTooLarge } from '../packet.ts'

/**
 * What a Reject asks of the sender (RFC 27, Error Codes, and what deployed senders do):
 *
 *   T02 T03 T05     backOff         the same again, later
 *   T04             sendLess        smaller packets, later
 *   other T, R00    retry           again, with a smaller window, a bounded number of times
 *   R01             sendMore        a larger packet
 *   R02             expireLater     a longer life
 *   F08 F03         limitAmount     packets no larger than the connector says, or can convert
 *   F04 F05 F99     readFrames      the receiver says why, if the data is authentic
 *   other F         fail
 */
export type Reaction =
  'backOff' | 'sendLess' | 'retry' | 'sendMore' | 'expireLater' | 'limitAmount' | 'readFrames' | 'fail'

const REACTIONS: Readonly<Record<string, Reaction>> = {
  T02: 'backOff',
  T03: 'backOff',
  T05: 'backOff',
  T04: 'sendLess',
  R01: 'sendMore',
  R02: 'expireLater',
  F03: 'limitAmount',
  F08: 'limitAmount',
  F04: 'readFrames',
  F05: 'readFrames',
  F99: 'readFrames'
}

export function reactionTo(code: string): Reaction {
  return REACTIONS[code] ?? (code.startsWith('F') ? 'fail' : 'retry')
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
