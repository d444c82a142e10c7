import {
  ILDCP_DESTINATION,
  addressScheme,
  createIldcpAnswer,
  isAddressPrefix,
  isIldcpRequest
} from '../../../ilp/index.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'

/** Tells a peer its address and the asset of the link (RFC 31). */
export function answerIldcp(packet: PacketInHand): StepAnswer {
  const { prepare, source } = packet
  if (prepare.destination !== ILDCP_DESTINATION || source.kind !== 'peer') return undefined
  if (!isIldcpRequest(prepare)) {
    return rejectPacket(packet, 'F05', 'the condition is not that of a configuration request')
  }
  if (prepare.amount > 0n) {
    return rejectPacket(packet, 'F00', 'a configuration request costs nothing: its amount must be 0')
  }
  const { staticIlpAddress, asset } = source.peer
  return createIldcpAnswer({ address: staticIlpAddress, assetCode: asset.code, assetScale: asset.scale })
}

/** No other `peer.` protocol is spoken here, and none is ever forwarded (RFC 34, Special Addresses). */
export function refusePeerProtocols(packet: PacketInHand): StepAnswer {
  if (!isAddressPrefix('peer', packet.prepare.destination)) return undefined
  return rejectPacket(packet, 'F02', 'packets for peer. addresses are not forwarded')
}

/** A node of a test network refuses live addresses, a live node those of test networks (RFC 34). */
export function refuseOtherNetwork(packet: PacketInHand): StepAnswer {
  const own = addressScheme(packet.ownAddress)
  const theirs = addressScheme(packet.prepare.destination)
  if (isTest(own) ? theirs !== 'g' : own !== 'g' || !isTest(theirs)) return undefined
  return rejectPacket(packet, 'F02', `this node is on the ${isTest(own) ? 'test' : 'live'} network`)
}

function isTest(scheme: string | undefined): boolean {
  return scheme?.startsWith('test') ?? false
}
