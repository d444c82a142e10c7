import { ceilDivide, ceilDividedBy, floorTimes } from '../../ilp/index.ts'
import type { Ratio } from '../../ilp/index.ts'
import { feeAmount } from '../fees/model.ts'
import type { Fee } from '../fees/model.ts'

/** What is asked of a quote: one of both amounts, in minor units of its own asset. */
export type Terms = { kind: 'fixedSend'; debit: bigint } | { kind: 'fixedDelivery'; receive: bigint }

/** What a method of payment takes and delivers, without fees. */
export interface MethodQuote {
  source: bigint
  delivery: bigint
}

/** Nothing would be delivered: the least that the method has to send for one unit to arrive; undefined: none does. */
export interface MethodTooSmall {
  minimumSource: bigint | undefined
}

export interface Price {
  debit: bigint
  /** The most that may be sent: without the fee. */
  debitMinusFees: bigint
  receive: bigint
}

type FeeTerms = Pick<Fee, 'fixed' | 'basisPoints'>

/** What is left to send: the fee on a fixed debit amount is taken out of it. At least 0. */
export function principalOf(debit: bigint, fee: FeeTerms | undefined): bigint {
  const principal = debit - feeAmount(fee, debit)
  return principal > 0n ? principal : 0n
}

/** The whole price. A fixed debit amount pays its fee out of itself, a fixed delivery on top of it. */
export function price(terms: Terms, quoted: MethodQuote, fee: FeeTerms | undefined): Price {
  const ofPrincipal = terms.kind === 'fixedSend' ? terms.debit : quoted.source
  return {
    debit: quoted.source + feeAmount(fee, ofPrincipal),
    debitMinusFees: quoted.source,
    receive: quoted.delivery
  }
}

/**
 * The least debit amount from which, after its fee, the method's minimum is left, rounded up:
 * ceil((minimum + fixed fee) / (1 − basis points)). Undefined where the fee takes everything, or the method delivers
 * nothing of any amount.
 */
export function minimumDebit(
  minimumSource: bigint | undefined,
  fee: FeeTerms | undefined
): bigint | undefined {
  if (fee === undefined || minimumSource === undefined) return minimumSource
  const share = 10_000n - BigInt(fee.basisPoints)
  return share === 0n ? undefined : ceilDivide((minimumSource + fee.fixed) * 10_000n, share)
}

/**
 * A payment within this node: a fixed amount sent delivers its value rounded down, a fixed delivery takes its
 * value rounded up.
 *
 * @param rate destination minor units per source minor unit
 */
export function quoteLocal(terms: Terms, principal: bigint, rate: Ratio): MethodQuote | MethodTooSmall {
  const quoted =
    terms.kind === 'fixedSend'
      ? { source: principal, delivery: floorTimes(principal, rate) }
      : { source: ceilDividedBy(terms.receive, rate), delivery: terms.receive }
  return quoted.delivery > 0n ? quoted : { minimumSource: ceilDividedBy(1n, rate) }
}

/** For people to read: ten decimals, rounded down. Never used to compute an amount. */
export function decimalOf({ numerator, denominator }: Ratio): number {
  return Number((numerator * 10n ** 10n) / denominator) / 1e10
}
