import type { Ratio } from '../model.ts'
import { MAX_PACKET_AMOUNT } from '../packet.ts'
import {
  ceilDivide,
  ceilDividedBy,
  complementOf,
  createRatio,
  floorTimes,
  maxOf,
  minOf,
  multiplyRatios
} from '../ratio.ts'
import type { PathProbe } from './probe.ts'

/** What a quote promises: within the path's bounds, a budget of `maxSource` delivers at least `minDelivery`. */
export interface StreamQuote {
  type: 'quote'
  /** Source units, without fees. */
  maxSource: bigint
  /** Destination units. */
  minDelivery: bigint
  /** minDelivery / maxSource: holds cumulatively for whatever is sent. */
  minimumRate: Ratio
}

/** Nothing can be promised: too little would be sent for one unit to be delivered. */
export interface StreamQuoteFailure {
  type: 'nothingDelivered'
  /** The least source amount of which a unit is promised; undefined where the path promises nothing of any. */
  minimumSource: bigint | undefined
}

export interface QuoteTerms {
  probe: Pick<PathProbe, 'lowRate' | 'highRate' | 'roundingLoss' | 'maxPacketAmount' | 'deliversAt'>
  /** How far the path's rate may fall, as a part of 1: at least 0, below 1. */
  slippage: Ratio
}

/**
 * The quote for sending `sourceAmount`. What is promised is what the worst rate within the slippage delivers,
 * rounded down, less the rounding of every packet.
 */
export function quoteFixedSource({
  probe,
  slippage,
  sourceAmount
}: QuoteTerms & { sourceAmount: bigint }): StreamQuote | StreamQuoteFailure {
  const worstRate = multiplyRatios(probe.lowRate, complementOf(slippage))
  const packets = packetsOf(sourceAmount, probe.maxPacketAmount)
  const minDelivery = floorTimes(sourceAmount, worstRate) - roundingReserve(packets, probe.roundingLoss)
  return promise(sourceAmount, minDelivery, { probe, worstRate })
}

/**
 * The quote for delivering `deliverAmount`: the source amount that delivers it at the worst rate within the
 * slippage, rounded up, with the rounding of every packet.
 */
export function quoteFixedDelivery({
  probe,
  slippage,
  deliverAmount
}: QuoteTerms & { deliverAmount: bigint }): StreamQuote | StreamQuoteFailure {
  const worstRate = multiplyRatios(probe.lowRate, complementOf(slippage))
  if (worstRate.numerator === 0n) return promise(0n, 0n, { probe, worstRate })
  let { source: maxSource } = sourceFor(deliverAmount, { probe, worstRate })
  // Coarse rounding may ask for more than any rate says: what was seen to deliver it, at the worst rate.
  const { deliversAt, roundingLoss } = probe
  if (deliversAt !== undefined && roundingLoss > 1n) {
    maxSource = maxOf(maxSource, ceilDividedBy(deliversAt, complementOf(slippage)))
  }
  return promise(maxSource, deliverAmount, { probe, worstRate })
}

interface WorstCase {
  probe: QuoteTerms['probe']
  worstRate: Ratio
}

const MAX_SETTLING_ROUNDS = 100

/**
 * The least source amount that delivers so much at the worst rate, with the rounding of every packet. More packets need
 * a larger reserve, which may need one more packet: in a few rounds that settles, where a packet brings more than it
 * may lose.
 */
function sourceFor(deliverAmount: bigint, { probe, worstRate }: WorstCase) {
  let packets = 1n
  let source = 0n
  for (let round = 0; round < MAX_SETTLING_ROUNDS; round++) {
    source = ceilDividedBy(deliverAmount + roundingReserve(packets, probe.roundingLoss), worstRate)
    const needed = packetsOf(source, probe.maxPacketAmount)
    if (needed <= packets) return { source, isSettled: true }
    packets = needed
  }
  return { source, isSettled: false }
}

/** Full packets and the last partial one. */
function packetsOf(sourceAmount: bigint, maxPacketAmount = MAX_PACKET_AMOUNT): bigint {
  return maxOf(1n, ceilDivide(sourceAmount, minOf(maxPacketAmount, MAX_PACKET_AMOUNT)))
}

/**
 * Destination units kept back for rounding. One packet that rounds once needs none: its amount is rounded in
 * the right direction as a whole. Of several, each loses up to `roundingLoss`; one more covers a last partial
 * packet that had to be sent in two, and the rounding up of the minimum of each.
 */
function roundingReserve(packets: bigint, roundingLoss: bigint): bigint {
  if (packets === 1n) return roundingLoss === 1n ? 0n : roundingLoss
  return (packets + 1n) * roundingLoss
}

function promise(
  maxSource: bigint,
  minDelivery: bigint,
  worstCase: WorstCase
): StreamQuote | StreamQuoteFailure {
  if (maxSource <= 0n || minDelivery <= 0n) {
    return { type: 'nothingDelivered', minimumSource: minimumSource(worstCase) }
  }
  return { type: 'quote', maxSource, minDelivery, minimumRate: createRatio(minDelivery, maxSource) }
}

/** Rafiki names max(2, ceil(1 / high rate)), which leaves out the slippage: of that amount nothing may be promised. */
function minimumSource(worstCase: WorstCase): bigint | undefined {
  if (worstCase.worstRate.numerator === 0n) return undefined
  const { source, isSettled } = sourceFor(1n, worstCase)
  return isSettled ? source : undefined
}
