import { isAddressPrefix } from '../../../ilp/index.ts'
import type { Peer } from '../../peers/model.ts'
import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketDestination, PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'

/**
 * Finds where a tenant's packet goes: to the account behind the payment tag of one of our STREAM addresses,
 * or to the next hop by the longest prefix among the tenant's peers (known at once).
 */
export function resolveDestination(
  { tenants, streamReceiver, deliveryTargets, peers }: ConnectorContext,
  tenantId: string,
  destination: string,
  exceptPeerId?: string
): PacketDestination | undefined | Promise<PacketDestination | undefined> {
  const ownAddress = tenants.get(tenantId)?.settings.ilpAddress
  const paymentTag = ownAddress && streamReceiver.readPaymentTag(destination, ownAddress)
  if (paymentTag !== undefined) {
    return deliveryTargets
      .resolve(paymentTag)
      .then((target) => (target?.tenantId === tenantId ? { kind: 'account', target } : undefined))
  }
  const peer = peers.nextHop(tenantId, destination, exceptPeerId === undefined ? {} : { exceptPeerId })
  if (peer === undefined) return undefined
  // What lies below our own address is ours or a child's: a route for everything else does not lead there.
  if (ownAddress && isAddressPrefix(ownAddress, destination) && !isChildsRoute(peer, ownAddress, destination))
    return undefined
  return { kind: 'peer', peer }
}

function isChildsRoute({ routes }: Peer, ownAddress: string, destination: string): boolean {
  return routes.some(
    (route) =>
      route !== ownAddress && isAddressPrefix(ownAddress, route) && isAddressPrefix(route, destination)
  )
}

/** Account and route (RFC 27, ILP Packet Lifecycle; RFC 34, Routing). */
export function findDestination(
  packet: PacketInHand,
  context: ConnectorContext
): StepAnswer | Promise<StepAnswer> {
  const { source, prepare, tenantId } = packet
  // What a deleted tenant had begun to pay goes on; nobody sends through it any more.
  if (source.kind === 'peer' && context.tenants.get(tenantId)?.deletedAt) {
    return rejectPacket(packet, 'F02', 'the account was closed')
  }
  const sender = source.kind === 'peer' ? source.peer.id : undefined
  const found = resolveDestination(context, tenantId, prepare.destination, sender)
  return found instanceof Promise
    ? found.then((destination) => setDestination(packet, destination))
    : setDestination(packet, found)
}

function setDestination(packet: PacketInHand, destination: PacketDestination | undefined): StepAnswer {
  packet.destination = destination
  if (destination === undefined) {
    return rejectPacket(packet, 'F02', 'unknown destination account')
  }
  // Two accounts of one node are settled by one booking, without packets.
  if (destination.kind === 'account' && packet.source.kind === 'local') {
    return rejectPacket(packet, 'F02', 'the destination is an account of this node: pay it locally')
  }
  return undefined
}
