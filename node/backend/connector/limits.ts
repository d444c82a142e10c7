import { DEFAULT_MAX_PACKETS_IN_FLIGHT, DEFAULT_MAX_PACKETS_PER_SECOND } from '../peers/model.ts'
import type { Peer } from '../peers/model.ts'
import type { LoadLimits } from './load.ts'
import type { RefusalLimits } from './refusals.ts'
import { createPeerRecords } from './peer-records.ts'

/** The connector's own limits. A peer's limits stand on the peer (`maxPacketsPerSecond` and its likes). */
export interface ConnectorLimits extends LoadLimits, RefusalLimits {
  /** Packets of all sources that are not settled yet; further ones are answered T03. */
  maxPacketsInFlight: number
  /** Packets to one next hop that are not settled; further ones are answered T03. */
  maxPacketsToPeerInFlight: number
  /** What is taken off a packet's expiry at this hop, and the least that must be left after it (R02). */
  minMessageWindowMs: number
  /** The longest that a next hop may hold a packet. */
  maxHoldTimeMs: number
  /** What must be left of a packet's life when its local booking starts (R02). */
  minDeliveryWindowMs: number
  /** A reservation's timeout is at least this. */
  minReservationTimeoutS: number
  /** A reservation outlives its packet by this: clocks differ, and ledgers count whole seconds. */
  reservationMarginS: number
  /** How long after the expiry an answer is still waited for, so that a late Fulfill is seen and listed. */
  lateAnswerWindowMs: number
  /** The first delay before a ledger whose answer was lost is asked again; doubled up to the maximum. */
  ledgerRetryMs: number
  maxLedgerRetryMs: number
  /** Orphans that are kept in memory for audits; the log has all. */
  maxOrphansListed: number
  /** What `stop` grants to packets in flight. */
  stopGraceMs: number
}

export const DEFAULT_CONNECTOR_LIMITS: ConnectorLimits = {
  maxPacketsInFlight: 20_000,
  maxPacketsToPeerInFlight: 4_000,
  maxPacketsWaiting: 20_000,
  firstPacketsWaiting: 2_000,
  minPacketsWaiting: 256,
  maxWaitMs: 150,
  adaptIntervalMs: 250,
  roomShare: 4,
  minRefusalsPerSecond: 50,
  maxRefusalShare: 0.1,
  maxRestMs: 5_000,
  minMessageWindowMs: 1_000,
  maxHoldTimeMs: 30_000,
  minDeliveryWindowMs: 200,
  minReservationTimeoutS: 5,
  reservationMarginS: 60,
  lateAnswerWindowMs: 2_000,
  ledgerRetryMs: 50,
  maxLedgerRetryMs: 5_000,
  maxOrphansListed: 10_000,
  stopGraceMs: 10_000
}

/** What one peer uses at this moment. */
export interface PeerUsage {
  /** Packets from it that are not settled. */
  fromInFlight: number
  /** Of those, the ones that wait for this node itself (`load.ts`). */
  waiting: number
  /** Packets to it that are not settled. */
  toInFlight: number
  /** Conditions of its packets with money in flight, and when those expire. */
  readonly conditions: Map<string, number>
  /** Whether its bucket of packets has one. */
  hasPacket(peer: Peer): boolean
  /** Takes one packet from its bucket; false when it is empty. */
  takePacket(peer: Peer): boolean
  /** Takes an amount from its bucket; false when too little is left. */
  takeAmount(peer: Peer, amount: bigint): boolean
}

/** Usage by peer, on the runtime's clock. */
export interface PeerUsages {
  of(peerId: string): PeerUsage
}

const MS_PER_SECOND = 1_000

/** `isPeer`: whether there is such a peer still; what was kept of others goes when there is much of it. */
export function createPeerUsages(
  clock: { monotonicMs(): number },
  isPeer: (id: string) => boolean
): PeerUsages {
  const usages = createPeerRecords<PeerUsage>(
    (id, { fromInFlight, toInFlight }) => fromInFlight > 0 || toInFlight > 0 || isPeer(id)
  )
  return {
    of(peerId) {
      let usage = usages.get(peerId)
      if (usage === undefined) {
        usage = createPeerUsage(clock)
        usages.set(peerId, usage)
      }
      return usage
    }
  }
}

/** Both buckets hold one second's worth, fill evenly and start full. */
function createPeerUsage(clock: { monotonicMs(): number }): PeerUsage {
  const packets = createPacketBucket(clock)
  const amounts = createTokenBucket(clock)
  return {
    fromInFlight: 0,
    waiting: 0,
    toInFlight: 0,
    conditions: new Map(),
    hasPacket: (peer) => packets.has(packetRateOf(peer)),
    takePacket: (peer) => packets.take(packetRateOf(peer)),
    takeAmount: (peer, amount) =>
      peer.maxAmountPerSecond === undefined || amounts.take(amount, peer.maxAmountPerSecond)
  }
}

/** Counts in thousandths, so that every whole millisecond adds a whole number. */
function createTokenBucket(clock: { monotonicMs(): number }) {
  let limitPerSecond: bigint | undefined
  let thousandths = 0n
  let filledToMs = 0
  return {
    take(count: bigint, perSecond: bigint): boolean {
      const nowMs = Math.floor(clock.monotonicMs())
      const capacity = perSecond * BigInt(MS_PER_SECOND)
      if (limitPerSecond !== perSecond) {
        limitPerSecond = perSecond
        thousandths = capacity
      } else if (nowMs > filledToMs) {
        const filled = thousandths + perSecond * BigInt(nowMs - filledToMs)
        thousandths = filled < capacity ? filled : capacity
      }
      filledToMs = nowMs
      const price = count * BigInt(MS_PER_SECOND)
      if (price > thousandths) return false
      thousandths -= price
      return true
    }
  }
}

/** The same for packets, which are counted by the thousand and not in minor units. */
function createPacketBucket(clock: { monotonicMs(): number }) {
  let limitPerSecond: number | undefined
  let thousandths = 0
  let filledToMs = 0

  function fill(perSecond: number): void {
    const nowMs = Math.floor(clock.monotonicMs())
    const capacity = perSecond * MS_PER_SECOND
    if (limitPerSecond !== perSecond) {
      limitPerSecond = perSecond
      thousandths = capacity
    } else if (nowMs > filledToMs) {
      thousandths = Math.min(capacity, thousandths + perSecond * (nowMs - filledToMs))
    }
    filledToMs = nowMs
  }

  return {
    has(perSecond: number): boolean {
      fill(perSecond)
      return thousandths >= MS_PER_SECOND
    },
    take(perSecond: number): boolean {
      fill(perSecond)
      if (thousandths < MS_PER_SECOND) return false
      thousandths -= MS_PER_SECOND
      return true
    }
  }
}

function packetRateOf(peer: Peer): number {
  return peer.maxPacketsPerSecond ?? DEFAULT_MAX_PACKETS_PER_SECOND
}

/** The largest packet that a peer may ever send: its packet limit, and what its amount bucket can hold. */
export function largestPacketOf(peer: Peer): bigint | undefined {
  const { maxPacketAmount, maxAmountPerSecond } = peer
  if (maxPacketAmount === undefined) return maxAmountPerSecond
  if (maxAmountPerSecond === undefined || maxPacketAmount < maxAmountPerSecond) return maxPacketAmount
  return maxAmountPerSecond
}

export function maxPacketsInFlightOf(peer: Peer): number {
  return peer.maxPacketsInFlight ?? DEFAULT_MAX_PACKETS_IN_FLIGHT
}
