import { encodeAmountTooLarge } from '../../../ilp/index.ts'
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

/** Packets per second of one peer (RFC 27, T05). */
export function limitPacketRate(packet: PacketInHand, { usages }: ConnectorContext): StepAnswer {
  if (packet.source.kind !== 'peer') return undefined
  const { peer } = packet.source
  if (usages.of(peer.id).takePacket(peer)) return undefined
  return shedPacket(packet, 'T05', 'too many packets per second')
}

/** Packets in flight: of one peer T05, of the whole node T03. */
export function limitPacketsInFlight(packet: PacketInHand, context: ConnectorContext): StepAnswer {
  if (context.packetsInFlight >= context.limits.maxPacketsInFlight) {
    return shedPacket(packet, 'T03', 'the node is busy: too many packets are in flight')
  }
  if (packet.source.kind === 'peer') {
    const { peer } = packet.source
    const usage = context.usages.of(peer.id)
    if (usage.fromInFlight >= maxPacketsInFlightOf(peer)) {
      return shedPacket(packet, 'T05', 'too many packets of this peer are in flight')
    }
    usage.fromInFlight += 1
  }
  context.packetsInFlight += 1
  return undefined
}

export function leaveFlight(packet: PacketInHand, context: ConnectorContext): void {
  context.packetsInFlight -= 1
  if (packet.source.kind !== 'peer') return
  const { id } = packet.source.peer
  const usage = context.usages.of(id)
  usage.fromInFlight -= 1
  if (usage.fromInFlight === 0 && context.peers.get(id) === undefined) context.usages.forget(id)
}

/** Packets that wait for this node itself, as many as it gets done in time (RFC 27, T03; `load.ts`). */
export function admit(packet: PacketInHand, { load, clock }: ConnectorContext): StepAnswer {
  if (load.waiting >= load.limit)
    return shedPacket(packet, 'T03', 'the node is busy: it has more than it can do')
  load.enter()
  packet.waitingSinceMs = clock.monotonicMs()
  return undefined
}

/** From here on it waits for its next hop, or it is answered. */
export function endWaiting(packet: PacketInHand, { load, clock }: ConnectorContext): undefined {
  if (packet.waitingSinceMs === undefined) return undefined
  load.leave(clock.monotonicMs() - packet.waitingSinceMs)
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
