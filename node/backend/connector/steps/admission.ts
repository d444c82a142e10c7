import { encodeAmountTooLarge } from '../../../ilp/index.ts'
import type { Peer } from '../../peers/model.ts'
import type { ConnectorContext } from '../context.ts'
import { largestPacketOf, maxPacketsInFlightOf } from '../limits.ts'
import { rejectPacket, shedPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'

/** The peer's largest packet; the answer says what arrived and what would pass (RFC 27, F08). */
export function limitAmount(packet: PacketInHand): StepAnswer {
  if (packet.source.kind !== 'peer') return undefined
  const { amount } = packet.prepare
  const maximum = largestPacketOf(packet.source.peer)
  if (maximum === undefined || amount <= maximum) return undefined
  return rejectPacket(
    packet,
    'F08',
    `packet size too large: received ${amount}, maximum ${maximum}`,
    encodeAmountTooLarge({ receivedAmount: amount, maximumAmount: maximum })
  )
}

/** Why a packet is refused for load: what the Reject says. */
export interface LoadRefusal {
  code: 'T03' | 'T05'
  message: string
}

const TOO_FAST: LoadRefusal = { code: 'T05', message: 'too many packets per second' }
const TOO_MANY: LoadRefusal = { code: 'T05', message: 'too many packets of this peer are in flight' }
const NODE_FULL: LoadRefusal = { code: 'T03', message: 'the node is busy: too many packets are in flight' }
const NODE_BUSY: LoadRefusal = { code: 'T03', message: 'the node is busy: it has more than it can do' }

/**
 * What the next three steps would refuse a packet of this peer with at this moment, whatever is in it: transports
 * ask before they read it. Nothing is taken yet.
 */
export function refusalForLoad(peer: Peer, context: ConnectorContext): LoadRefusal | undefined {
  const { load, limits, usages } = context
  const usage = usages.of(peer.id)
  if (!usage.hasPacket(peer)) return TOO_FAST
  if (usage.fromInFlight >= maxPacketsInFlightOf(peer)) return TOO_MANY
  if (context.packetsInFlight >= limits.maxPacketsInFlight) return NODE_FULL
  if (!load.admits(usage.waiting)) return NODE_BUSY
  return undefined
}

function shed(packet: PacketInHand, { code, message }: LoadRefusal): StepAnswer {
  return shedPacket(packet, code, message)
}

/** Packets per second of one peer (RFC 27, T05). */
export function limitPacketRate(packet: PacketInHand, { usages }: ConnectorContext): StepAnswer {
  if (packet.source.kind !== 'peer') return undefined
  const { peer } = packet.source
  return usages.of(peer.id).takePacket(peer) ? undefined : shed(packet, TOO_FAST)
}

/** Packets in flight: of one peer T05, of the whole node T03. */
export function limitPacketsInFlight(packet: PacketInHand, context: ConnectorContext): StepAnswer {
  const isFull = context.packetsInFlight >= context.limits.maxPacketsInFlight
  if (packet.source.kind === 'peer') {
    const { peer } = packet.source
    const usage = context.usages.of(peer.id)
    if (usage.fromInFlight >= maxPacketsInFlightOf(peer)) return shed(packet, TOO_MANY)
    if (isFull) return shed(packet, NODE_FULL)
    usage.fromInFlight += 1
  } else if (isFull) {
    return shed(packet, NODE_FULL)
  }
  context.packetsInFlight += 1
  return undefined
}

export function leaveFlight(packet: PacketInHand, context: ConnectorContext): void {
  context.packetsInFlight -= 1
  if (packet.source.kind !== 'peer') return
  context.usages.of(packet.source.peer.id).fromInFlight -= 1
}

/** What the senders within this node have waiting together counts as that of one peer. */
const LOCAL_SENDERS = 'local'

function waitingOf({ source }: PacketInHand, { usages }: ConnectorContext): { waiting: number } {
  return usages.of(source.kind === 'peer' ? source.peer.id : LOCAL_SENDERS)
}

/** Packets that wait for this node itself, as many as it gets done in time (RFC 27, T03; `load.ts`). */
export function admit(packet: PacketInHand, context: ConnectorContext): StepAnswer {
  const { load, clock } = context
  const own = waitingOf(packet, context)
  if (!load.admits(own.waiting)) return shed(packet, NODE_BUSY)
  load.enter()
  own.waiting += 1
  packet.waitingSinceMs = clock.monotonicMs()
  return undefined
}

/** Its answer is there, and it waits for this node itself again: that time counts, too. */
export function waitAgain(packet: PacketInHand, { clock }: ConnectorContext): undefined {
  packet.postingSinceMs = clock.monotonicMs()
  return undefined
}

export function endWaitingAgain(packet: PacketInHand, { clock, load }: ConnectorContext): void {
  if (packet.postingSinceMs !== undefined) load.note(clock.monotonicMs() - packet.postingSinceMs)
}

/** From here on it waits for its next hop, or it is answered. */
export function endWaiting(packet: PacketInHand, context: ConnectorContext): undefined {
  if (packet.waitingSinceMs === undefined) return undefined
  context.load.leave(context.clock.monotonicMs() - packet.waitingSinceMs)
  waitingOf(packet, context).waiting -= 1
  packet.waitingSinceMs = undefined
  return undefined
}

/** Packets in flight to one next hop (RFC 27, T03): a slow peer does not take the whole node's room. */
export function limitPacketsToPeer(packet: PacketInHand, { usages, limits }: ConnectorContext): StepAnswer {
  if (packet.destination?.kind !== 'peer') return undefined
  const usage = usages.of(packet.destination.peer.id)
  if (usage.toInFlight >= limits.maxPacketsToPeerInFlight) {
    return shedPacket(packet, 'T03', 'the next hop is busy: too many packets to it are in flight')
  }
  usage.toInFlight += 1
  return undefined
}

export function leaveFlightToPeer(packet: PacketInHand, { usages }: ConnectorContext): void {
  if (packet.destination?.kind === 'peer') usages.of(packet.destination.peer.id).toInFlight -= 1
}

/** Amount per second of one peer (RFC 27, Bandwidth). */
export function limitAmountRate(packet: PacketInHand, { usages }: ConnectorContext): StepAnswer {
  if (packet.source.kind !== 'peer') return undefined
  const { peer } = packet.source
  if (usages.of(peer.id).takeAmount(peer, packet.prepare.amount)) return undefined
  return shedPacket(packet, 'T05', 'too large an amount per second')
}
