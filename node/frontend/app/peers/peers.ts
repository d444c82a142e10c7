import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import { dateTime, uint64 } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'

const tenant = z.object({ id: z.string(), publicName: z.string().nullable() }).nullable()
const asset = z.object({ id: z.string(), code: z.string(), scale: z.number() })

export const LIST_PEERS = operation(
  /* GraphQL */ `
    query ListPeers($after: String, $before: String, $first: Int, $last: Int) {
      peers(after: $after, before: $before, first: $first, last: $last) {
        edges {
          node {
            id
            name
            staticIlpAddress
            liquidity
            asset {
              id
              code
              scale
            }
            http {
              outgoing {
                endpoint
              }
            }
            tenant {
              id
              publicName
            }
          }
        }
        ${PAGE_INFO}
      }
    }
  `,
  z.object({
    peers: connection(
      z.object({
        id: z.string(),
        name: z.string().nullable(),
        staticIlpAddress: z.string(),
        liquidity: uint64.nullable(),
        asset,
        http: z.object({ outgoing: z.object({ endpoint: z.string() }) }),
        tenant
      })
    )
  })
)

/** All of a peer but its tokens: they stay in the node. */
export const GET_PEER = operation(
  /* GraphQL */ `
    query GetPeer($id: String!) {
      peer(id: $id) {
        id
        name
        staticIlpAddress
        createdAt
        liquidity
        liquidityThreshold
        maxPacketAmount
        maxPacketsPerSecond
        maxPacketsInFlight
        maxAmountPerSecond
        maxSettledOverBtp
        settledOverBtp
        routes
        asset {
          id
          code
          scale
        }
        http {
          outgoing {
            endpoint
          }
        }
        tenant {
          id
          publicName
        }
      }
    }
  `,
  z.object({
    peer: z
      .object({
        id: z.string(),
        name: z.string().nullable(),
        staticIlpAddress: z.string(),
        createdAt: dateTime,
        liquidity: uint64.nullable(),
        liquidityThreshold: uint64.nullable(),
        maxPacketAmount: uint64.nullable(),
        maxPacketsPerSecond: z.number().nullable(),
        maxPacketsInFlight: z.number().nullable(),
        maxAmountPerSecond: uint64.nullable(),
        maxSettledOverBtp: uint64.nullable(),
        settledOverBtp: uint64,
        routes: z.array(z.string()),
        asset,
        http: z.object({ outgoing: z.object({ endpoint: z.string() }) }),
        tenant
      })
      .nullable()
  })
)
export type Peer = NonNullable<z.output<(typeof GET_PEER)['data']>['peer']>

/** For `updatePeer`, which takes the outgoing token together with the endpoint: the one that is in use. */
export const GET_PEER_OUTGOING = operation(
  /* GraphQL */ `
    query GetPeerOutgoing($id: String!) {
      peer(id: $id) {
        http {
          outgoing {
            authToken
          }
        }
      }
    }
  `,
  z.object({
    peer: z.object({ http: z.object({ outgoing: z.object({ authToken: z.string() }) }) }).nullable()
  })
)

export const CREATE_PEER = operation(
  /* GraphQL */ `
    mutation CreatePeer($input: CreatePeerInput!) {
      createPeer(input: $input) {
        peer {
          id
        }
      }
    }
  `,
  z.object({ createPeer: z.object({ peer: z.object({ id: z.string() }) }) })
)

export const UPDATE_PEER = operation(
  /* GraphQL */ `
    mutation UpdatePeer($input: UpdatePeerInput!) {
      updatePeer(input: $input) {
        peer {
          id
        }
      }
    }
  `,
  z.object({ updatePeer: z.object({ peer: z.object({ id: z.string() }) }) })
)

export const DELETE_PEER = operation(
  /* GraphQL */ `
    mutation DeletePeer($input: DeletePeerInput!) {
      deletePeer(input: $input) {
        success
      }
    }
  `,
  z.object({ deletePeer: z.object({ success: z.boolean() }) })
)

export const DEPOSIT_PEER_LIQUIDITY = operation(
  /* GraphQL */ `
    mutation DepositPeerLiquidity($input: DepositPeerLiquidityInput!) {
      depositPeerLiquidity(input: $input) {
        success
      }
    }
  `,
  z.object({ depositPeerLiquidity: z.object({ success: z.boolean() }) })
)

export const WITHDRAW_PEER_LIQUIDITY = operation(
  /* GraphQL */ `
    mutation WithdrawPeerLiquidity($input: CreatePeerLiquidityWithdrawalInput!) {
      createPeerLiquidityWithdrawal(input: $input) {
        success
      }
    }
  `,
  z.object({ createPeerLiquidityWithdrawal: z.object({ success: z.boolean() }) })
)

export const LIST_PEERING_REQUESTS = operation(
  /* GraphQL */ `
    query ListPeeringRequests {
      autoPeeringRequests {
        id
        peerUrl
        staticIlpAddress
        ilpConnectorUrl
        assetCode
        assetScale
        name
        createdAt
      }
    }
  `,
  z.object({
    autoPeeringRequests: z.array(
      z.object({
        id: z.string(),
        peerUrl: z.string(),
        staticIlpAddress: z.string(),
        ilpConnectorUrl: z.string(),
        assetCode: z.string(),
        assetScale: z.number(),
        name: z.string().nullable(),
        createdAt: dateTime
      })
    )
  })
)

export const PEER_BY_URL = operation(
  /* GraphQL */ `
    mutation PeerByUrl($input: CreateOrUpdatePeerByUrlInput!) {
      createOrUpdatePeerByUrl(input: $input) {
        peer {
          id
        }
      }
    }
  `,
  z.object({ createOrUpdatePeerByUrl: z.object({ peer: z.object({ id: z.string() }) }) })
)
