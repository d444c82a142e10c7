import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'

/**
 * A peer may not repeat the condition of one of its packets in flight: a repeated Prepare would be paid
 * twice, for receivers do not deduplicate. Amount 0 is exempt, IL-DCP always has the same condition.
 * Each process looks at its own packets (docs/decisions/0012).
 *
 * A packet that went round in a loop of routes comes back from the same peer too, but every hop took time off
 * its expiry. No time would bring it to its end: R02 at once, before each round reserves liquidity once more.
 */
export function refuseDuplicate(packet: PacketInHand, { usages }: ConnectorContext): StepAnswer {
  const { source, prepare } = packet
  if (source.kind !== 'peer' || prepare.amount === 0n) return undefined
  const { conditions } = usages.of(source.peer.id)
  const condition = conditionKey(packet)
  const inFlightExpiresAtMs = conditions.get(condition)
  if (inFlightExpiresAtMs === undefined) {
    conditions.set(condition, prepare.expiresAtMs)
    return undefined
  }
  if (prepare.expiresAtMs < inFlightExpiresAtMs) {
    return rejectPacket(packet, 'R02', 'the packet went round in a loop of routes')
  }
  return rejectPacket(packet, 'F00', 'a packet with this condition is in flight')
}

export function forgetCondition(packet: PacketInHand, { usages }: ConnectorContext): void {
  const { source, prepare } = packet
  if (source.kind !== 'peer' || prepare.amount === 0n) return
  usages.of(source.peer.id).conditions.delete(conditionKey(packet))
}

function conditionKey({ prepare }: PacketInHand): string {
  return prepare.executionCondition.toString('latin1')
}
