import type { IlpPrepare, IlpReply, Ratio, SendPacket } from '../../ilp/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Peer } from '../peers/model.ts'
import type { Orphans } from './orphans.ts'

/** A sender within this node, whose packets enter the same pipeline as those of peers. */
export interface LocalSender {
  tenantId: string
  asset: Asset
  /** The ledger account that pays, tagged with payment and epoch. Absent: only probes may be sent. */
  account?: { id: bigint; paymentId: string; epoch: number }
  /** The conversion that the quote fixed, used where the next hop has this asset. */
  conversion?: { assetId: string; ratio: Ratio }
}

/** A peer, or a local payment, as a sender within this node sees it. */
export interface NextHop {
  /** What a quote converts to. */
  asset: Asset
  /** The same object for as long as the same hop comes next and nothing of it changed: for comparing. */
  via: unknown
}

/** What a transport asks before it reads a peer's packet, and after it refused one. */
export interface Door {
  /**
   * The Reject, encoded, of whatever packet this peer sends at this moment, where it would be refused for load
   * (T03, T05); undefined: read it. It counts as a refusal that costs the transport this part of a carried packet.
   */
  refuseUnread(peer: Peer, cost: number): Buffer | undefined
  /** After a Reject to a peer: how long the connection that it left on is not to be read; 0: go on (`refusals.ts`). */
  restMs(peerId: string): number
}

/** The node's packet switch. */
export interface Connector {
  readonly door: Door
  /** A packet that a peer sent and was authenticated for; always answered, never throws. */
  handle(peer: Peer, prepare: IlpPrepare): Promise<IlpReply>
  /** The door for packets that this node originates. */
  senderFor(sender: LocalSender): SendPacket
  /** Where a packet of this node to a destination goes next; undefined where nothing leads there. */
  nextHop(tenantId: string, destination: string): Promise<NextHop | undefined>
  /** Packets that the two sides of a link booked differently, or may have: for audits. */
  readonly orphans: Orphans
  /** Voids what dead processes of this service left reserved. */
  start(): Promise<void>
  /** Refuses new packets (T03), lets those in flight end, in bounded time. */
  stop(graceMs?: number): Promise<void>
}
