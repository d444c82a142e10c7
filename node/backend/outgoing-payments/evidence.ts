import { ceilTimes, maxOf } from '../../ilp/index.ts'
import type { Ratio } from '../../ilp/index.ts'

/** A packet whose reservation stands and whose outcome nobody knows. */
export interface PacketInDoubt {
  /** Source units. */
  amount: bigint
  /** Destination units that the receiver had to accept at least, if it accepted. */
  minimum: bigint
}

/** What the receiver's side says arrived beyond what is booked. */
export interface ArrivalEvidence {
  /** Destination units; undefined where nobody could be asked. */
  arrived: bigint | undefined
  /** Nobody else can have paid a part of it: else it is only an upper bound. */
  isExact: boolean
}

/** What becomes of packets in doubt, in their order. */
export interface EvidenceDecision {
  /** `delivered`: post it as that many destination units. Undefined: void it. */
  outcomes: { delivered: bigint | undefined }[]
  /** Packets that were voided although they may have been paid: the node's risk, to be listed. */
  riskCount: number
  /** Destination units that arrived, or may have, and that no packet is posted for. */
  unexplained: bigint
}

/**
 * Decides packets in doubt by what arrived:
 *
 *   nothing arrived                       void all: certain
 *   so much arrived, and all was ours     post the oldest whose minimums fit, void the rest
 *   at most so much arrived, or unknown   void all, and list them: the payer is never debited on a guess
 *
 * A posted packet takes no more of what arrived than it could deliver at the path's best rate, so that as few
 * packets are posted as explain the arrivals; what is left over goes to the last one posted, for it arrived
 * from us, whichever packet brought it.
 *
 * @param highRate destination units per source unit, above all that the path gives; undefined: not known
 */
export function decideInDoubt(
  packets: readonly PacketInDoubt[],
  evidence: ArrivalEvidence,
  highRate: Ratio | undefined
): EvidenceDecision {
  const voidAll = packets.map(() => ({ delivered: undefined }))
  const { arrived } = evidence
  if (arrived !== undefined && arrived <= 0n) return { outcomes: voidAll, riskCount: 0, unexplained: 0n }
  if (arrived === undefined || !evidence.isExact) {
    return { outcomes: voidAll, riskCount: packets.length, unexplained: arrived ?? 0n }
  }
  let left = arrived
  let lastPosted: { delivered: bigint | undefined } | undefined
  const outcomes = packets.map(({ amount, minimum }) => {
    const outcome: { delivered: bigint | undefined } = { delivered: undefined }
    if (left <= 0n || minimum > left) return outcome
    const most = mostDelivered(amount, minimum, highRate)
    outcome.delivered = most < left ? most : left
    left -= outcome.delivered
    lastPosted = outcome
    return outcome
  })
  if (lastPosted === undefined) return { outcomes, riskCount: packets.length, unexplained: left }
  lastPosted.delivered = lastPosted.delivered! + left
  return { outcomes, riskCount: 0, unexplained: 0n }
}

/**
 * What the path's best rate makes of it: the highest whole number below amount × rate, for the rate is an
 * exclusive bound. Never less than the minimum, nor than one unit.
 */
function mostDelivered(amount: bigint, minimum: bigint, highRate: Ratio | undefined): bigint {
  return maxOf(1n, minimum, highRate ? ceilTimes(amount, highRate) - 1n : 0n)
}

/** What was looked at, to tell what arrived. All in destination units. */
export interface ArrivalReadings {
  /** The incoming payment's receivedAmount before the earliest attempt with packets in doubt. */
  baseline: bigint | undefined
  /** The same now: no packet in doubt can arrive any more, and the connections are asked afterwards. */
  receivedNow: bigint | undefined
  /** Delivered by this payment since the baseline, as booked. */
  bookedSince: bigint
  /** The receiver's total on each old connection with packets in doubt, and what is booked of it. */
  connections: readonly { total: bigint | undefined; booked: bigint }[]
  /** The receiver's total on a connection that nothing was paid on; undefined where it did not say. */
  freshTotal: bigint | undefined
  /** So long ago that receivers which keep totals for a while may have forgotten them. */
  mayHaveForgotten: boolean
  /** What packets in doubt can have delivered at most; undefined: not known. */
  possible: bigint | undefined
  /** The receiver had money from somebody before this payment, or another payment of this node pays it. */
  othersPay: boolean
}

/**
 * Weighs what was looked at.
 *
 *   the incoming payment did not grow beyond what is booked     nothing arrived: exact
 *   the receiver counts each connection for itself, and         what arrived on the connections: exact, whoever
 *   remembers them                                              else pays
 *   nothing says that anybody else pays                         the growth: exact
 *   otherwise                                                   at most the growth
 *
 * That a receiver counts connections shows by a total below what the whole incoming payment has: that of a fresh
 * connection, on which nothing was paid, where there is no other. What it remembers is valid where it covers what
 * is booked; where nothing is booked, a zero may be a total that was forgotten. No evidence is exact that says more
 * than can have arrived.
 */
export function weighArrivals(readings: ArrivalReadings): ArrivalEvidence {
  const { baseline, receivedNow, bookedSince, possible } = readings
  if (baseline === undefined || receivedNow === undefined) return { arrived: undefined, isExact: false }
  const growth = maxOf(0n, receivedNow - baseline - bookedSince)
  if (growth === 0n) return { arrived: 0n, isExact: true }
  const most = possible === undefined || growth < possible ? growth : possible
  const onConnections = countsConnections(readings, receivedNow) ? totalOnConnections(readings) : undefined
  if (onConnections !== undefined && onConnections <= most) return { arrived: onConnections, isExact: true }
  return { arrived: growth, isExact: growth <= most && !readings.othersPay }
}

/** A receiver that keeps one total for the whole incoming payment tells no less than that has. */
function countsConnections({ connections, freshTotal }: ArrivalReadings, receivedNow: bigint): boolean {
  return [freshTotal, ...connections.map(({ total }) => total)].some(
    (total) => total !== undefined && total < receivedNow
  )
}

function totalOnConnections({ connections, mayHaveForgotten }: ArrivalReadings): bigint | undefined {
  let sum = 0n
  for (const { total, booked } of connections) {
    if (total === undefined || total < booked) return undefined
    if (total === 0n && mayHaveForgotten) return undefined
    sum += total - booked
  }
  return connections.length === 0 ? undefined : sum
}
