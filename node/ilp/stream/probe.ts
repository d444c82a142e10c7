import type { Clock, Random } from '../../runtime/index.ts'
import type { IlpReject, OutgoingReply, Ratio, SendPacket, StreamCredentials } from '../model.ts'
import { MAX_PACKET_AMOUNT } from '../packet.ts'
import { compareRatios, createRatio, floorTimes, maxOf, minOf } from '../ratio.ts'
import type { StreamPacket } from './codec.ts'
import { createClientConnection, readReceiverNews } from './connection.ts'
import type { AssetDetails } from './credentials.ts'
import type { KnownPath } from './path-memory.ts'
import { createRateEstimate } from './rate.ts'
import { amountAfterTooLarge, reactionTo } from './reactions.ts'
import { rejectError, sendError } from './send-error.ts'
import type { SendError } from './send-error.ts'

/** Defaults of a probe's limits. */
export const PROBE_LIMITS = {
  /** Life of a probe packet. */
  lifetimeMs: 30_000,
  /** Volleys of packets, one after the other. */
  maxRounds: 12,
  /** Packets in all. */
  maxPackets: 60,
  /** Pause after a volley that told nothing; doubles. */
  backoffStartMs: 50,
  backoffMaxMs: 2_000
}
export type ProbeLimits = typeof PROBE_LIMITS

/**
 * The amounts of the first volley: the smallest says whether anything arrives, the largest the exact rate, and
 * what the odd ones lose shows how coarsely the path rounds.
 */
const FIRST_VOLLEY: readonly bigint[] = [1n, 7n, 97n, 10n ** 3n, 9_973n, 10n ** 6n, 10n ** 9n, 10n ** 12n]

const ROUNDING_SAMPLES: readonly (readonly [bigint, bigint])[] = [
  [12n, 13n],
  [7n, 11n],
  [5n, 17n]
]

/** Packets whose sizes differ by less than this part of them are of one size to a probe. */
const NEAR = 256n

/** Packets that prove a path of which enough is remembered. */
const KNOWN_VOLLEY = 3

export interface ProbeOptions {
  credentials: StreamCredentials
  sendPacket: SendPacket
  clock: Pick<Clock, 'nowMs' | 'sleep'>
  random: Pick<Random, 'bytes'>
  /** What will be sent, or what will be delivered: the rate is measured at the packet sizes that this takes. */
  sourceAmount?: bigint
  deliverAmount?: bigint
  /** A packet limit that is known already. */
  maxPacketAmount?: bigint
  /** What is remembered of the path: says which packets to try first, and proves nothing. */
  known?: KnownPath
  /** Default 1. */
  firstSequence?: number
  /** Has the receiver tell its asset, where that is not known otherwise (see `RECEIVE_ONLY_ADDRESS`). */
  asksForAsset?: boolean
  signal?: AbortSignal
  limits?: Partial<ProbeLimits>
}

/** What a path is like, from authentic answers only. Source units, but for the roundingLoss. */
export interface PathProbe {
  type: 'path'
  /** The largest packet that the path takes, where it has a limit. */
  maxPacketAmount?: bigint
  /** Inclusive; above 0. */
  lowRate: Ratio
  /** Exclusive, exact for a path that rounds once. */
  highRate: Ratio
  /** Destination units that a packet may lose by rounding: 1, or more where inner hops round coarsely. */
  roundingLoss: bigint
  /** The largest packet that arrived. */
  largestArrived: bigint
  /** The packet limit and the rounding loss rest on what was remembered. */
  isRecognized: boolean
  /** A packet of this size delivered `deliverAmount`, where one was tried. */
  deliversAt?: bigint
  /** As the receiver told it, where it was asked. */
  destinationAsset?: AssetDetails
  /** What the receiver said of its limits, where it did. */
  receiveMax?: bigint
  totalReceived?: bigint
  packetsSent: number
  /** The first sequence number of this connection that was not used. */
  nextSequence: number
}

export interface ProbeFailure {
  type: 'failure'
  error: SendError
  nextSequence: number
}

/**
 * Finds a path's packet limit and its exchange rate with unfulfillable packets: one volley of powers of ten,
 * then packets of the size that the payment will use. Of a path that is known, three packets prove what they need to,
 * while they find it as it was. A rate is believed only from the receiver itself: an
 * answer that decrypts, is a Reject and has the packet's sequence, whatever its code (RFC 29, 3.4 and 5.2).
 */
export async function probePath(options: ProbeOptions): Promise<PathProbe | ProbeFailure> {
  const { clock, signal } = options
  const limits = { ...PROBE_LIMITS, ...options.limits }
  const connection = createClientConnection(options)
  /** What is remembered, until the path turns out to be another. */
  let { known } = options
  /** Starts from what is remembered, so that what is planned does not change while the path has not. */
  let rate = createRateEstimate(known && { low: known.lowRate, high: known.highRate })
  const arrivals = new Map<bigint, bigint>()
  /** Amounts that were refused for now, and how often. */
  const refusals = new Map<bigint, number>()
  let maxPacketAmount = leastOf(options.maxPacketAmount, known?.maxPacketAmount)
  let packetsSent = 0
  let backoffMs = limits.backoffStartMs
  let news: ReturnType<typeof readReceiverNews> = {}
  let lastReject: IlpReject | undefined
  let fatal: SendError | undefined
  let smallestWanted = 1n
  /** Of a known path: the size that was to deliver the whole amount, by what was remembered. */
  let provesAt = 0n

  const fits = (amount: bigint) =>
    amount > 0n && amount <= minOf(MAX_PACKET_AMOUNT, maxPacketAmount ?? MAX_PACKET_AMOUNT)
  const failure = (error: SendError): ProbeFailure => ({
    type: 'failure',
    error,
    nextSequence: connection.nextSequence
  })

  function learn(amount: bigint, reply: OutgoingReply, stream: StreamPacket | undefined): void {
    if (stream) {
      arrivals.set(amount, stream.prepareAmount)
      const { closed, ...rest } = readReceiverNews(stream.frames)
      news = { ...news, ...rest }
      if (closed) {
        const message = `the receiver closed the connection${closed.message && `: ${closed.message}`}`
        fatal = sendError('ClosedByReceiver', message, closed.reason ? { reason: closed.reason } : {})
      }
      return
    }
    if (reply.type !== 'reject') return void refusals.set(amount, (refusals.get(amount) ?? 0) + 1)
    lastReject = reply
    switch (reactionTo(reply.code)) {
      case 'limitAmount':
        maxPacketAmount = minOf(
          maxPacketAmount ?? MAX_PACKET_AMOUNT,
          amountAfterTooLarge(amount, reply.data).limit
        )
        if (maxPacketAmount === 0n) fatal = rejectError('ConnectorError', reply)
        return
      case 'sendMore':
        // Too little to be forwarded: nothing arrives of it.
        smallestWanted = maxOf(smallestWanted, amount + 1n)
        arrivals.set(amount, 0n)
        return
      default:
        refusals.set(amount, (refusals.get(amount) ?? 0) + 1)
    }
  }

  /** The size of the packets that the payment will use, once a rate is known. */
  function plannedSize(): bigint | undefined {
    const wanted =
      options.sourceAmount ??
      (options.deliverAmount === undefined ? undefined : rate.sourceFor(options.deliverAmount).optimistic)
    return wanted === undefined
      ? maxPacketAmount
      : minOf(wanted, maxPacketAmount ?? MAX_PACKET_AMOUNT, MAX_PACKET_AMOUNT)
  }

  /**
   * The packet that told about one of this size: the same, or so near that the rate cannot be another. What is
   * planned moves a little with every answer, and is not measured again for that.
   */
  function measuredNear(size: bigint): bigint | undefined {
    if (arrivals.has(size)) return size
    const distance = (amount: bigint) => (amount > size ? amount - size : size - amount)
    return [...arrivals.keys()]
      .filter((amount) => distance(amount) <= size / NEAR)
      .sort((left, right) => ascending(distance(left), distance(right)))[0]
  }

  /** Twice the worst loss that was seen, for samples see part of what may be lost; and one for the last hop. */
  function roundingLoss(): bigint {
    const low = bestBounds(arrivals)?.low ?? known?.lowRate
    const losses = low ? [...arrivals].map(([amount, arrived]) => floorTimes(amount, low) - arrived) : []
    const worst = maxOf(0n, ...losses)
    return maxOf(worst === 0n ? 1n : 2n * worst + 1n, known?.roundingLoss ?? 1n)
  }

  /** What surely delivers the whole amount, in spite of the rounding, by all that is known. */
  function certainSize(deliverAmount: bigint): bigint | undefined {
    const loss = roundingLoss()
    return rate.sourceFor(loss === 1n ? deliverAmount : deliverAmount + loss).certain
  }

  /**
   * The packet that delivers the whole amount: the planned one or, where the path rounds so coarsely that it
   * falls short, one above the loss, then twice the largest that fell short. Undefined when one packet cannot do it.
   */
  function completingSize(): bigint | undefined {
    const { deliverAmount } = options
    const planned = plannedSize()
    if (deliverAmount === undefined || planned === undefined) return undefined
    const measured = measuredNear(planned)
    if (measured === undefined || arrivals.get(measured)! >= deliverAmount) return measured ?? planned
    const short = [...arrivals].filter(([, arrived]) => arrived < deliverAmount).map(([amount]) => amount)
    const largestShort = maxOf(planned, ...short)
    const certain = certainSize(deliverAmount) ?? 0n
    const limit = maxOf(largestShort * 2n, certain)
    const tried = [...arrivals.keys()]
      .filter((amount) => amount > largestShort && amount <= limit)
      .sort(ascending)[0]
    if (tried !== undefined) return tried
    return [certain, largestShort * 2n].find((size) => size > largestShort && fits(size))
  }

  /**
   * Of a known path: the planned packet; one that surely completes the payment, if that is another; the largest that is
   * known to arrive, for the rate; and samples of the rounding.
   */
  function knownVolley(largestArrived: bigint): bigint[] {
    const { deliverAmount } = options
    const size = plannedSize() ?? 0n
    if (deliverAmount !== undefined) provesAt = rate.sourceFor(deliverAmount + roundingLoss()).certain ?? 0n
    const certain = provesAt > 0n ? provesAt : size
    const largest = minOf(largestArrived, maxPacketAmount ?? MAX_PACKET_AMOUNT)
    return [...new Set([size, certain, largest, ...samplesOf(size)].filter(fits))].slice(0, KNOWN_VOLLEY)
  }

  /** All of the amount arrived, of a packet no larger than the one that was sure to bring it. */
  function isProven(): boolean {
    const { deliverAmount } = options
    if (deliverAmount === undefined) return false
    const limit = maxOf(provesAt, certainSize(deliverAmount) ?? 0n)
    return [...arrivals].some(([amount, arrived]) => arrived >= deliverAmount && amount <= limit)
  }

  /** What to send next: nothing when all is known, or when nothing more can be. */
  function nextVolley(): bigint[] {
    const untold = (amount: bigint) =>
      fits(amount) && !arrivals.has(amount) && (refusals.get(amount) ?? 0) < 2
    if (rate.low && rate.low.numerator > 0n) {
      const size = plannedSize()
      if (size === undefined || (known && isProven())) return []
      if (measuredNear(size) !== undefined || !untold(size)) return [completingSize() ?? 0n].filter(untold)
      return [...new Set([size, ...samplesOf(size).filter(untold)])]
    }
    if (maxPacketAmount !== undefined && untold(maxPacketAmount)) return [maxPacketAmount]
    // Everything was refused for now, or arrived as nothing: both again, and amounts in between.
    const again = [...refusals.keys()].filter((amount) => fits(amount) && refusals.get(amount)! < 4)
    const least = maxOf(smallestWanted, ...[...arrivals.keys()].map((amount) => amount + 1n))
    const between = [least * 2n, least * 30n].filter(untold)
    return [...new Set([...again, ...between])].sort(ascending).slice(0, FIRST_VOLLEY.length)
  }

  async function send(amount: bigint): Promise<void> {
    const prepared = connection.prepare({ amount, minimum: 0n, isProbe: true, lifetimeMs: limits.lifetimeMs })
    if (!prepared) {
      fatal = sendError('MaxSafeEncryptionLimit', 'no sequence number is left', { retryable: false })
      return
    }
    packetsSent++
    const reply = await options.sendPacket(prepared.packet)
    learn(amount, reply, reply.type === 'reject' ? prepared.readReply(reply) : undefined)
  }

  /** Of a path of which nothing is known. */
  function firstVolley(): bigint[] {
    const { sourceAmount } = options
    const wanted = [...FIRST_VOLLEY, ...(sourceAmount ? [sourceAmount] : [])]
    return [...new Set([...wanted, ...(maxPacketAmount ? [maxPacketAmount] : [])])]
      .filter(fits)
      .sort(ascending)
  }

  let volley = known ? knownVolley(known.largestArrived) : firstVolley()
  for (let round = 0; round < limits.maxRounds && volley.length > 0; round++) {
    const told = arrivals.size
    const limit = maxPacketAmount
    await Promise.all(volley.slice(0, Math.max(0, limits.maxPackets - packetsSent)).map(send))
    if (fatal) return failure(fatal)
    if (signal?.aborted) return failure(sendError('RateProbeFailed', 'the probe was stopped'))
    for (const amount of volley) if (arrivals.get(amount)) rate.observe(amount, arrivals.get(amount)!)
    if (arrivals.size === told && maxPacketAmount === limit && packetsSent < limits.maxPackets) {
      if (lastReject && reactionTo(lastReject.code) === 'fail' && told === 0) break
      await clock.sleep(backoffMs)
      backoffMs = Math.min(backoffMs * 2, limits.backoffMaxMs)
    }
    const isUnrecognized = round === 0 && known !== undefined && !bestBounds(arrivals)
    if (isUnrecognized) {
      known = undefined
      rate = createRateEstimate()
      maxPacketAmount = options.maxPacketAmount
    }
    volley = packetsSent >= limits.maxPackets ? [] : isUnrecognized ? firstVolley() : nextVolley()
  }

  const best = bestBounds(arrivals)
  if (!best) {
    const code =
      arrivals.size === 0 && lastReject?.code.startsWith('F') ? 'EstablishmentFailed' : 'RateProbeFailed'
    return failure(
      arrivals.size === 0 && lastReject
        ? rejectError(code, lastReject)
        : sendError(code, 'no packet of any size arrived as more than nothing')
    )
  }
  const { low, high } = best
  const deliversAt = completingSize()
  return {
    type: 'path',
    ...(maxPacketAmount !== undefined && { maxPacketAmount }),
    lowRate: low,
    highRate: high,
    roundingLoss: roundingLoss(),
    largestArrived: [...arrivals].reduce(
      (most, [amount, arrived]) => (arrived > 0n ? maxOf(most, amount) : most),
      0n
    ),
    ...(deliversAt !== undefined && arrivals.has(deliversAt) && { deliversAt }),
    ...(news.destinationAsset && { destinationAsset: news.destinationAsset }),
    ...(news.receiveMax !== undefined && { receiveMax: news.receiveMax }),
    ...(news.totalReceived !== undefined && { totalReceived: news.totalReceived }),
    isRecognized: known !== undefined,
    packetsSent,
    nextSequence: connection.nextSequence
  }
}

/**
 * The tightest bounds: the highest lower one, which holds whatever was rounded on the way, and the lowest upper
 * one above it (others come from packets that were rounded more than once).
 */
function bestBounds(arrivals: ReadonlyMap<bigint, bigint>): { low: Ratio; high: Ratio } | undefined {
  const lows = [...arrivals].map(([amount, arrived]) => createRatio(arrived, amount))
  const low = lows.reduce(
    (best, value) => (compareRatios(value, best) > 0 ? value : best),
    createRatio(0n, 1n)
  )
  if (low.numerator === 0n) return undefined
  const highs = [...arrivals]
    .map(([amount, arrived]) => createRatio(arrived + 1n, amount))
    .filter((high) => compareRatios(high, low) > 0)
  return { low, high: highs.reduce((best, value) => (compareRatios(value, best) < 0 ? value : best)) }
}

/** Odd parts of a packet's size: what they lose shows how coarsely the path rounds. */
function samplesOf(size: bigint): bigint[] {
  return ROUNDING_SAMPLES.map(([part, whole]) => (size * part) / whole)
}

function leastOf(left: bigint | undefined, right: bigint | undefined): bigint | undefined {
  return left === undefined ? right : right === undefined ? left : minOf(left, right)
}

function ascending(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0
}
