import { createReject } from '../../ilp/index.ts'
import type { IlpErrorCode, IlpPrepare, IlpReject, IlpReply, OutgoingPacket } from '../../ilp/index.ts'
import type { Asset } from '../assets/model.ts'
import type { DeliveryTarget } from '../incoming-payments/model.ts'
import type { Peer } from '../peers/model.ts'
import type { Booking } from './books.ts'
import type { LocalSender } from './model.ts'

/** Who handed the packet to us: a peer over a wire, or a sender within this node. */
export type PacketSource =
  { kind: 'peer'; peer: Peer } | { kind: 'local'; sender: LocalSender; packet: OutgoingPacket }

/** Where it goes: to an account of this node, or to the next hop. */
export type PacketDestination = { kind: 'account'; target: DeliveryTarget } | { kind: 'peer'; peer: Peer }

/** How the exchange with the next hop ended, from `steps/send.ts`. */
export type ExchangeOutcome =
  | { kind: 'reply'; reply: IlpReply }
  | { kind: 'expired' }
  | { kind: 'notSent'; code: IlpErrorCode; reason: string }
  | { kind: 'lost'; code: IlpErrorCode; reason: string }

/**
 * What is known of a packet on its way through the pipeline: one small object, filled in step by step.
 */
export interface PacketInHand {
  readonly source: PacketSource
  readonly prepare: IlpPrepare
  /** The tenant, asset and ledger account that it comes from. */
  readonly tenantId: string
  readonly asset: Asset
  readonly accountId: bigint
  /** The tenant's ILP address: whose name stands under our rejects. */
  readonly ownAddress: string
  /** Moves no money through our ledger: an own probe, or an amount of 0. */
  readonly isFreeOfMoney: boolean
  /** Since when it waits for this node itself, by the monotonic clock; undefined: it does not. */
  waitingSinceMs: number | undefined
  /** Since when it waits to be posted. */
  postingSinceMs: number | undefined
  /** Refused for load: it counts as such (`refusals.ts`). */
  isShed: boolean
  destination: PacketDestination | undefined
  /** In minor units of the destination's asset. */
  outgoingAmount: bigint
  outgoingExpiresAtMs: number
  /** The two-phase chain in the ledger. */
  reservation: Booking | undefined
  /** How the exchange with the next hop ended. */
  exchange: ExchangeOutcome | undefined
  /** Work that goes on after the answer: what was taken is given back when it is done. */
  unsettled: Promise<unknown> | undefined
}

/** A Reject for load: the connections of a peer that gets many of them are not read for a while. */
export function shedPacket(packet: PacketInHand, code: 'T03' | 'T04' | 'T05', message: string): IlpReject {
  packet.isShed = true
  return rejectPacket(packet, code, message)
}

/** A Reject of our own. */
export function rejectPacket(
  packet: Pick<PacketInHand, 'ownAddress'>,
  code: IlpErrorCode,
  message: string,
  data?: Buffer
): IlpReject {
  return createReject(code, { triggeredBy: packet.ownAddress, message, ...(data && { data }) })
}
