import type { Asset } from '../assets/model.ts'
import type { Peer } from './model.ts'

export interface PeerRow {
  id: string
  assetId: string
  tenantId: string
  staticIlpAddress: string
  routes: string[]
  name: string | null
  outgoingToken: string
  outgoingEndpoint: string
  maxPacketAmount: bigint | null
  liquidityThreshold: bigint | null
  maxPacketsPerSecond: number | null
  maxPacketsInFlight: number | null
  maxAmountPerSecond: bigint | null
  maxSettledOverBtp: bigint | null
  settledOverBtp: bigint
  autoPeered: boolean
  autoPeeredHost: string | null
  createdAt: Date
}

export function toPeer(row: PeerRow, asset: Asset): Peer {
  return {
    id: row.id,
    tenantId: row.tenantId,
    asset,
    staticIlpAddress: row.staticIlpAddress,
    routes: row.routes,
    http: { outgoing: { endpoint: row.outgoingEndpoint, authToken: row.outgoingToken } },
    createdAt: row.createdAt,
    ...(row.name !== null && { name: row.name }),
    ...(row.maxPacketAmount !== null && { maxPacketAmount: row.maxPacketAmount }),
    ...(row.liquidityThreshold !== null && { liquidityThreshold: row.liquidityThreshold }),
    ...(row.maxPacketsPerSecond !== null && { maxPacketsPerSecond: row.maxPacketsPerSecond }),
    ...(row.maxPacketsInFlight !== null && { maxPacketsInFlight: row.maxPacketsInFlight }),
    ...(row.maxAmountPerSecond !== null && { maxAmountPerSecond: row.maxAmountPerSecond }),
    ...(row.maxSettledOverBtp !== null && { maxSettledOverBtp: row.maxSettledOverBtp }),
    ...(row.settledOverBtp > 0n && { settledOverBtp: row.settledOverBtp }),
    ...(row.autoPeered && { isAutoPeered: true as const }),
    ...(row.autoPeeredHost !== null && { autoPeeredHost: row.autoPeeredHost })
  }
}
