import type { Failure } from '../model.ts'
import type { Peer } from '../peers/model.ts'

/*
 * Two nodes become peers by one request (docs/decisions/0005-who-may-peer-by-itself.md): each gives the other its ILP address, the URL of
 * its connector and the token that it will present there.
 *
 *   ours asks (initiate.ts)                               theirs answers (accept.ts)
 *   ─────────────────────────────────────────────────────────────────────────────────────────────────────
 *   POST peerUrl {staticIlpAddress, ilpConnectorUrl,  ──▶ does the policy admit who asks?
 *     asset, httpToken, …}; where to ask for proof
 *   GET  /proofs/<nonce> at our own door              ◀── did this host ask me exactly this?
 *     {digest, audience}                              ──▶ peer created or updated
 *   peer created or updated                           ◀── 200 {staticIlpAddress, ilpConnectorUrl, httpToken, …}
 *
 * Where their operator has to approve, nothing is created: theirs notes the request, ours keeps an invitation.
 * Their operator approves by asking us in turn; the invitation admits that request at once, on our terms.
 */

/** What a node says of itself when it asks. */
export interface PeeringRequest {
  staticIlpAddress: string
  ilpConnectorUrl: string
  asset: { code: string; scale: number }
  /** What it will present to us. */
  httpToken: string
  maxPacketAmount?: bigint
  name?: string
}

/** What a node says of itself when it agrees. */
export interface PeeringAnswer {
  staticIlpAddress: string
  ilpConnectorUrl: string
  /** What it will present to the one who asked. */
  httpToken: string
  name: string
  tenantId: string
}

/** Refusals of the accepting side: the contract's four, and ours (to Rafiki all others are InvalidPeeringRequest). */
export type AcceptFailure =
  | 'InvalidPeeringRequest'
  | 'InvalidPeerIlpConfiguration'
  | 'UnknownAsset'
  | 'PeeringNotAllowed'
  | 'PeeringNotProven'
  | 'PeeringAwaitsApproval'
  | 'TooManyRequests'
  | 'LiquidityError'

/** Failures of `createOrUpdatePeerByUrl`. */
export type AutoPeeringFailure =
  | 'InvalidIlpConfiguration'
  | 'InvalidPeerIlpConfiguration'
  | 'UnknownAsset'
  | 'PeerUnsupportedAsset'
  | 'InvalidPeerUrl'
  | 'InvalidPeeringRequest'
  | 'LiquidityError'

/** A request that waits for this node's operator, who approves it by `createOrUpdatePeerByUrl` with its `peerUrl`. */
export interface WaitingRequest {
  id: string
  peerUrl: string
  staticIlpAddress: string
  ilpConnectorUrl: string
  assetCode: string
  assetScale: number
  name?: string
  createdAt: Date
}

export interface AutoPeering {
  /**
   * Asks the node at `peerUrl` to peer with this tenant in this asset, and creates or updates the peer. With
   * `liquidityToDeposit` that much is credited to it, each time, or once per `depositId` where one is given.
   */
  createOrUpdatePeerByUrl(input: {
    tenantId: string
    peerUrl: string
    assetId: string
    name?: string
    maxPacketAmount?: bigint
    liquidityThreshold?: bigint
    liquidityToDeposit?: bigint
    depositId?: string
  }): Promise<Peer | Failure<AutoPeeringFailure>>
  /** What waits for the operator, newest first. */
  waitingRequests(): Promise<WaitingRequest[]>
}
