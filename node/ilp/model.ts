/** Types that the connector, the STREAM sender and the STREAM receiver share. No I/O in this folder. */

/** An exact, positive ratio: `numerator / denominator`. */
export interface Ratio {
  numerator: bigint
  denominator: bigint
}

/** An ILP Prepare, decoded (RFC 27). Amount and expiry as values that lose nothing. */
export interface IlpPrepare {
  amount: bigint
  executionCondition: Buffer
  expiresAtMs: number
  destination: string
  data: Buffer
}

export interface IlpFulfill {
  type: 'fulfill'
  fulfillment: Buffer
  data: Buffer
}

export interface IlpReject {
  type: 'reject'
  /** RFC 27's three characters, `F02` for example. */
  code: string
  triggeredBy: string
  message: string
  data: Buffer
}

/** What answers a Prepare on the wire. */
export type IlpReply = IlpFulfill | IlpReject

/** What a local sender hands to its own connector. */
export interface OutgoingPacket extends IlpPrepare {
  /** Unfulfillable by construction: travels like any packet, touches none of our ledgers. */
  isProbe: boolean
  /** Destination units that the receiver must accept at least; the reservation is tagged with it. */
  minimumDelivered: bigint
  /**
   * Destination units that the authentic answer says were delivered; `minimumDelivered` where it is
   * unreadable or claims less. Called once, before the reservation is posted and tagged with it.
   */
  readDelivered(fulfillData: Buffer): bigint
}

/**
 * The answer to a local sender. A Fulfill is reported only when it is posted durably. `inDoubt`: the answer
 * was lost, the peer may have been paid, the reservation stays until the evidence decides.
 */
export type OutgoingReply = IlpReply | { type: 'inDoubt' }

/** The connector as the sender sees it. Never rejects for what a peer did. */
export type SendPacket = (packet: OutgoingPacket) => Promise<OutgoingReply>

/** Where a STREAM connection ends (RFC 29, 3.1). */
export interface StreamCredentials {
  destination: string
  sharedSecret: Buffer
}
