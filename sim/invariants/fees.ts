/** A sending fee, and from when on it was in force. */
export interface SendingFee {
  /** Minor units. */
  fixed: bigint
  /** Hundredths of a percent of what is sent. */
  basisPoints: bigint
  setAtMs: number
}

const WHOLE = 10_000n

/** From when the fee is read until the quote is there, the path's rate is measured. */
const QUOTED_WITHIN_MS = 60_000

/**
 * The most that may be sent of a debit amount that includes a fee: the largest amount that, with its fee (its share
 * rounded up), is within the debit. A fee that was taken out of a fixed debit amount is never less than that.
 *
 * @param debit minor units
 */
export function mostSentOf(
  debit: bigint,
  { fixed, basisPoints }: Pick<SendingFee, 'fixed' | 'basisPoints'>
): bigint {
  const rest = debit - fixed
  if (rest <= 0n) return 0n
  // amount + ceil(amount × share) ≤ rest holds for whole amounts just where amount × (1 + share) ≤ rest.
  return (rest * WHOLE) / (WHOLE + basisPoints)
}

/**
 * The same where it is known only when the quote was made: of the fees that were in force then, the one that leaves
 * most.
 *
 * @param options.beganAtMs no quote was asked for before
 */
export function mostSentWhen(
  debit: bigint,
  fees: readonly SendingFee[],
  { quotedAtMs, beganAtMs }: { quotedAtMs: number; beganAtMs: number }
): bigint {
  const inOrder = [...fees].sort((one, other) => one.setAtMs - other.setAtMs)
  const askedAtMs = Math.max(quotedAtMs - QUOTED_WITHIN_MS, beganAtMs)
  const first = inOrder.findLastIndex(({ setAtMs }) => setAtMs <= askedAtMs)
  // Before the first there was none.
  if (first < 0) return debit
  return inOrder
    .slice(first)
    .filter(({ setAtMs }) => setAtMs <= quotedAtMs || setAtMs <= askedAtMs)
    .map((fee) => mostSentOf(debit, fee))
    .reduce((most, one) => (one > most ? one : most), 0n)
}
