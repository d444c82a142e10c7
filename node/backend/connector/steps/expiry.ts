import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'

/**
 * Each hop keeps time to carry the answer back (RFC 27, expiresAt): the next hop gets 1000 ms less, and never
 * more than 30 s. A local account needs 200 ms.
 */
export function reduceExpiry(packet: PacketInHand, { clock, limits }: ConnectorContext): StepAnswer {
  const { expiresAtMs } = packet.prepare
  const nowMs = clock.nowMs()
  if (expiresAtMs <= nowMs) return rejectPacket(packet, 'R02', 'source transfer has already expired')
  const tooSoon = () =>
    rejectPacket(packet, 'R02', 'source transfer expires too soon to complete the payment')

  if (packet.destination?.kind === 'account') {
    packet.outgoingExpiresAtMs = expiresAtMs
    return expiresAtMs - nowMs < limits.minDeliveryWindowMs ? tooSoon() : undefined
  }
  packet.outgoingExpiresAtMs = Math.min(expiresAtMs - limits.minMessageWindowMs, nowMs + limits.maxHoldTimeMs)
  return packet.outgoingExpiresAtMs - nowMs < limits.minMessageWindowMs ? tooSoon() : undefined
}
