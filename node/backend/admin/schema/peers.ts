import { connectionTypes, PAGE_ARGUMENTS } from './common.ts'

/** Peers: the connectors that this node exchanges packets with. */
export const peerTypes = /* GraphQL */ `
  extend type Query {
    "A peer by its id."
    peer("Id of the peer." id: String!): Peer
    "The signing tenant's peer with this ILP address and asset; null where there is none."
    peerByAddressAndAsset(
      "ILP address of the peer."
      staticIlpAddress: String!
      "Id of the asset."
      assetId: String!
    ): Peer
    "Peers: one's own, or for the operator those of all tenants."
    peers(${PAGE_ARGUMENTS}
    "For the operator: only this tenant's."
    tenantId: ID
    ): PeersConnection!
    "For the operator: nodes that ask to peer. One is approved by \`createOrUpdatePeerByUrl\` with its \`peerUrl\`."
    autoPeeringRequests: [AutoPeeringRequest!]!
  }

  extend type Mutation {
    "Creates a peer with its liquidity account."
    createPeer(
      "What is to be created."
      input: CreatePeerInput!
    ): CreatePeerMutationResponse!
    "Changes a peer. What is not given stays."
    updatePeer(
      "Which peer, and what changes."
      input: UpdatePeerInput!
    ): UpdatePeerMutationResponse!
    "Asks the node at a URL to peer with this one, and creates or updates the peer."
    createOrUpdatePeerByUrl(
      "The other node, and the terms."
      input: CreateOrUpdatePeerByUrlInput!
    ): CreateOrUpdatePeerByUrlMutationResponse!
    "Deletes a peer with its tokens and routes. Its account stays in the ledger."
    deletePeer(
      "Which peer."
      input: DeletePeerInput!
    ): DeletePeerMutationResponse!
  }

  "A connector that packets are exchanged with, in one asset."
  type Peer implements Model {
    "Id of the peer."
    id: ID!
    "Larger packets from the peer are refused with F08, in minor units."
    maxPacketAmount: UInt64
    "How the peer is reached over HTTP."
    http: Http!
    "The asset of the link."
    asset: Asset!
    "ILP address of the peer."
    staticIlpAddress: String!
    "A name for people."
    name: String
    "At or below this liquidity the wallet is told by \`peer.liquidity_low\`."
    liquidityThreshold: UInt64
    "What the peer's account holds: how much the peer may still send through this node, in minor units."
    liquidity: UInt64
    "When it was created, in ISO 8601."
    createdAt: String!
    "Prefixes that are routed to the peer; the first is its own address."
    routes: [String!]!
    "The tenant that it belongs to."
    tenant: Tenant
    "Packets per second that are taken from the peer; more are refused with T05. Null: the node's default."
    maxPacketsPerSecond: Int
    "Packets of the peer that may be under way at once. Null: the node's default."
    maxPacketsInFlight: Int
    "Minor units per second that are taken from the peer. Null: no limit."
    maxAmountPerSecond: UInt64
    """
    Minor units that the peer may settle in all by BTP Transfers. Nobody checks them: this much its word is good for.
    Null or 0: Transfers are refused.
    """
    maxSettledOverBtp: UInt64
    "Minor units that the peer has settled by BTP Transfers since it was created."
    settledOverBtp: UInt64!
  }
${connectionTypes({ connection: 'PeersConnection', edge: 'PeerEdge', node: 'Peer', noun: 'peers' })}
  "HTTP settings of a peer."
  type Http {
    "How this node calls the peer."
    outgoing: HttpOutgoing!
  }

  "How this node calls a peer."
  type HttpOutgoing {
    "Bearer token that this node presents."
    authToken: String!
    "URL that packets are sent to."
    endpoint: String!
  }

  "HTTP settings of a peer."
  input HttpInput {
    "How the peer calls this node."
    incoming: HttpIncomingInput
    "How this node calls the peer."
    outgoing: HttpOutgoingInput!
  }

  "How a peer calls this node."
  input HttpIncomingInput {
    "Bearer tokens that the peer presents: unique on this node. All earlier ones are replaced."
    authTokens: [String!]!
  }

  "How this node calls a peer."
  input HttpOutgoingInput {
    "Bearer token that this node presents."
    authToken: String!
    "URL that packets are sent to."
    endpoint: String!
  }

  "What \`createPeer\` is asked."
  input CreatePeerInput {
    "Larger packets from the peer are refused with F08, in minor units."
    maxPacketAmount: UInt64
    "HTTP settings."
    http: HttpInput!
    "Id of the link's asset."
    assetId: String!
    "ILP address of the peer."
    staticIlpAddress: String!
    "A name for people."
    name: String
    "See \`Peer.liquidityThreshold\`."
    liquidityThreshold: UInt64
    "Deposited into the peer's account at once, in minor units."
    initialLiquidity: UInt64
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
    "Further prefixes that are routed to the peer."
    routes: [String!]
    "See \`Peer.maxPacketsPerSecond\`."
    maxPacketsPerSecond: Int
    "See \`Peer.maxPacketsInFlight\`."
    maxPacketsInFlight: Int
    "See \`Peer.maxAmountPerSecond\`."
    maxAmountPerSecond: UInt64
    "See \`Peer.maxSettledOverBtp\`."
    maxSettledOverBtp: UInt64
  }

  "What \`updatePeer\` is asked."
  input UpdatePeerInput {
    "Id of the peer."
    id: String!
    "Larger packets from the peer are refused with F08, in minor units."
    maxPacketAmount: UInt64
    "HTTP settings."
    http: HttpInput
    "ILP address of the peer."
    staticIlpAddress: String
    "A name for people."
    name: String
    "See \`Peer.liquidityThreshold\`."
    liquidityThreshold: UInt64
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
    "Further prefixes that are routed to the peer, in place of all earlier ones."
    routes: [String!]
    "See \`Peer.maxPacketsPerSecond\`."
    maxPacketsPerSecond: Int
    "See \`Peer.maxPacketsInFlight\`."
    maxPacketsInFlight: Int
    "See \`Peer.maxAmountPerSecond\`."
    maxAmountPerSecond: UInt64
    "See \`Peer.maxSettledOverBtp\`."
    maxSettledOverBtp: UInt64
  }

  "What \`deletePeer\` is asked."
  input DeletePeerInput {
    "Id of the peer."
    id: ID!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`createOrUpdatePeerByUrl\` is asked."
  input CreateOrUpdatePeerByUrlInput {
    "Larger packets from the peer are refused with F08, in minor units."
    maxPacketAmount: UInt64
    "Id of the link's asset."
    assetId: String!
    "URL of the other node's auto-peering server."
    peerUrl: String!
    "A name for people; unless given, what the other node calls itself."
    name: String
    "See \`Peer.liquidityThreshold\`."
    liquidityThreshold: UInt64
    "Deposited into the peer's account each time, in minor units."
    liquidityToDeposit: UInt64
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`createOrUpdatePeerByUrl\` answers."
  type CreateOrUpdatePeerByUrlMutationResponse {
    "The peer that was created or updated."
    peer: Peer
  }

  "A node that asks to peer and waits for the operator."
  type AutoPeeringRequest {
    "Id of the request."
    id: ID!
    "URL of its auto-peering server: the node at this host confirmed that it asks."
    peerUrl: String!
    "ILP address that it claims; packets to addresses below it would be sent to it."
    staticIlpAddress: String!
    "URL of its connector."
    ilpConnectorUrl: String!
    "Code of the asset that it asks for."
    assetCode: String!
    "Scale of the asset that it asks for."
    assetScale: UInt8!
    "What it calls itself."
    name: String
    "When it first asked, in ISO 8601."
    createdAt: String!
  }

  "What \`createPeer\` answers."
  type CreatePeerMutationResponse {
    "The peer that was created."
    peer: Peer
  }

  "What \`updatePeer\` answers."
  type UpdatePeerMutationResponse {
    "The peer as it is now."
    peer: Peer
  }

  "What \`deletePeer\` answers."
  type DeletePeerMutationResponse {
    "Whether it was deleted."
    success: Boolean!
    "What its account still holds: \`createPeerLiquidityWithdrawal\` withdraws it now too, and what packets on their way add."
    liquidity: UInt64
  }
`
