import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketDestination, PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'

/**
 * Finds where a tenant's packet goes: to the account behind the payment tag of one of our STREAM addresses,
 * or to the next hop by the longest prefix among the tenant's peers.
 */
export async function resolveDestination(
  { tenants, streamReceiver, deliveryTargets, peers }: ConnectorContext,
  tenantId: string,
  destination: string,
  exceptPeerId?: string
): Promise<PacketDestination | undefined> {
  const ownAddress = tenants.get(tenantId)?.settings.ilpAddress
  const paymentTag = ownAddress && streamReceiver.readPaymentTag(destination, ownAddress)
  if (paymentTag !== undefined) {
    const target = await deliveryTargets.resolve(paymentTag)
    return target?.tenantId === tenantId ? { kind: 'account', target } : undefined
  }
  const peer = peers.nextHop(tenantId, destination, exceptPeerId === undefined ? {} : { exceptPeerId })
  return peer && { kind: 'peer', peer }
}

/** Account and route (RFC 27, ILP Packet Lifecycle; RFC 34, Routing). */
export async function findDestination(packet: PacketInHand, context: ConnectorContext): Promise<StepAnswer> {
  const { source, prepare, tenantId } = packet
  const sender = source.kind === 'peer' ? source.peer.id : undefined
  packet.destination = await resolveDestination(context, tenantId, prepare.destination, sender)
  if (packet.destination === undefined) {
    return rejectPacket(packet, 'F02', 'unknown destination account')
  }
  // Two accounts of one node are settled by one booking, without packets.
  if (packet.destination.kind === 'account' && source.kind === 'local') {
    return rejectPacket(packet, 'F02', 'the destination is an account of this node: pay it locally')
  }
  return undefined
}
