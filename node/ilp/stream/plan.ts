import { MAX_PACKET_AMOUNT } from '../packet.ts'
import { maxOf, minOf } from '../ratio.ts'
import type { RateEstimate } from './rate.ts'

/** All that the amount of the next packet depends on. Source units unless said otherwise. */
export interface PlanInput {
  rate: Pick<RateEstimate, 'bounds' | 'sourceFor'>
  /** Destination units that are promised and not booked as delivered. */
  undelivered: bigint
  /** What may still be spent, all open packets deducted. */
  budget: bigint
  /** Σ amounts of packets in flight or in doubt: they may arrive. */
  openSource: bigint
  /** Their amounts one by one, asked for near the end only. */
  openAmounts(): readonly bigint[]
  inFlightCount: number
  inDoubtCount: number
  /** The largest packet to send now. */
  maxPacket: bigint
  /** Smaller ones were refused as too small. */
  minPacket: bigint
  /** Destination units that the receiver still takes, where it says so. */
  receiverRoom?: bigint
  /** The last packet that was to complete the payment and was refused: what arrived of it was too little then. */
  fellShort?: ShortPacket
}

export interface ShortPacket {
  source: bigint
  arrived: bigint
  /** Such packets in a row. */
  tries: number
}

/**
 * The next step of a payment:
 *
 *   send      a packet of `source`. `wanted` (destination units) is demanded of the packet that completes the
 *             payment, and of one that is sent against the odds: refused, it costs nothing and tells the rate
 *   wait      for packets in flight: what they bring decides
 *   complete  all is delivered
 *   full      the receiver takes no more
 *   inDoubt   what is missing may have arrived with packets in doubt
 *   tooPoor   the budget does not buy what is missing
 */
export type PlanStep =
  | { step: 'send'; source: bigint; wanted: bigint; isCompleting: boolean }
  | { step: 'wait' | 'complete' | 'full' | 'inDoubt' | 'tooPoor' }

/**
 * Plans one packet. As large as possible while more than one is needed; the last one is the smallest that may
 * deliver what is missing by the most favourable rate that is known, so that less of it would not do: that is
 * at most one source unit's worth above the promise. It demands what is missing as its minimum, so a rate that
 * turned out worse costs a refusal and no rounding.
 */
export function planPacket(input: PlanInput): PlanStep {
  const { rate, undelivered, budget, openSource, inFlightCount, receiverRoom } = input
  const isAlone = inFlightCount === 0
  if (undelivered <= 0n) return { step: isAlone ? 'complete' : 'wait' }
  const orWait = (step: 'full' | 'inDoubt' | 'tooPoor'): PlanStep => ({ step: isAlone ? step : 'wait' })
  const outOfBudget = () => orWait(input.inDoubtCount > 0 ? 'inDoubt' : 'tooPoor')

  const cap = minOf(input.maxPacket, MAX_PACKET_AMOUNT)
  const room = minOf(undelivered, receiverRoom ?? undelivered)
  // Far from the end, one multiplication instead of one per open packet: together they bring less than this.
  const farTarget = room - rate.bounds(openSource).most - 1n
  if (farTarget > 0n && budget >= cap) {
    const { optimistic } = rate.sourceFor(farTarget)
    if (optimistic > cap && optimistic <= budget)
      return { step: 'send', source: cap, wanted: 0n, isCompleting: false }
  }

  const { mostExpected, isExact } = expectedOf(input.openAmounts(), rate)
  const missing = undelivered - mostExpected
  if (missing <= 0n) return orWait('inDoubt')
  const target = receiverRoom === undefined ? missing : minOf(missing, receiverRoom - mostExpected)
  if (target <= 0n) return orWait('full')
  if (budget <= 0n) return outOfBudget()

  // What arrived then may be enough for what is missing now.
  const fellShort = input.fellShort && input.fellShort.arrived < target ? input.fellShort : undefined
  const needed = maxOf(sourceNeeded(rate, target, fellShort), minOf(input.minPacket, cap))
  const isCompleting = needed <= cap

  if (needed > budget) {
    // Not enough by what is known. Alone, the path is asked once more at the price that would do.
    if (!isAlone) return { step: 'wait' }
    const source = minOf(budget, cap)
    if (fellShort && fellShort.source >= source) return outOfBudget()
    return { step: 'send', source, wanted: ceilShare(target, source, budget), isCompleting: true }
  }
  if (!isCompleting) return { step: 'send', source: cap, wanted: 0n, isCompleting: false }
  if (!isExact && !isAlone) return { step: 'wait' }
  return { step: 'send', source: needed, wanted: target === missing ? target : 0n, isCompleting: true }
}

/** What open packets bring together at most, and whether that is sure. Nearly all of them are of one size. */
function expectedOf(openAmounts: readonly bigint[], rate: PlanInput['rate']) {
  const counts = new Map<bigint, number>()
  for (const source of openAmounts) counts.set(source, (counts.get(source) ?? 0) + 1)
  let mostExpected = 0n
  let isExact = true
  for (const [source, count] of counts) {
    const { least, most } = rate.bounds(source)
    mostExpected += most * BigInt(count)
    isExact &&= least === most
  }
  return { mostExpected, isExact }
}

/** Grows after each packet that fell short: first to what surely suffices, then by an eighth. */
function sourceNeeded(rate: PlanInput['rate'], target: bigint, fellShort?: ShortPacket): bigint {
  const { optimistic, certain } = rate.sourceFor(target)
  if (!fellShort) return optimistic
  const grown = fellShort.source + 1n + (fellShort.tries > 2 ? fellShort.source / 8n : 0n)
  return maxOf(certain ?? 0n, optimistic, grown)
}

/** target × source / budget, rounded up: what a part of the budget has to bring for the whole to suffice. */
function ceilShare(target: bigint, source: bigint, budget: bigint): bigint {
  return (target * source + budget - 1n) / budget
}
