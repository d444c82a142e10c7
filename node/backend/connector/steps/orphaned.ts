import type { ConnectorContext } from '../context.ts'
import type { OrphanCause } from '../orphans.ts'
import type { PacketInHand } from '../packet.ts'

/** Lists a packet whose money the next hop booked, or may have booked, and we have not. */
export function recordOrphan(
  packet: PacketInHand,
  { orphans }: ConnectorContext,
  cause: OrphanCause,
  isCertain: boolean
): void {
  if (packet.reservation === undefined || packet.destination?.kind !== 'peer') return
  orphans.record({
    cause,
    isCertain,
    peerId: packet.destination.peer.id,
    direction: 'downstream',
    condition: packet.prepare.executionCondition,
    amount: packet.outgoingAmount
  })
}

/** Lists a packet that we booked, and answered with a Reject because that was not known in time. */
export function recordPostedAfterAnswer(packet: PacketInHand, { orphans }: ConnectorContext): void {
  if (packet.source.kind !== 'peer') return
  orphans.record({
    cause: 'posted_after_answer',
    isCertain: true,
    peerId: packet.source.peer.id,
    direction: 'upstream',
    condition: packet.prepare.executionCondition,
    amount: packet.prepare.amount
  })
}
