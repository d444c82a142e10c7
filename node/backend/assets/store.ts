import type { Asset } from './model.ts'

export interface AssetRow {
  id: string
  tenantId: string
  code: string
  scale: number
  ledger: number
  withdrawalThreshold: bigint | null
  liquidityThreshold: bigint | null
  createdAt: Date
  deletedAt: Date | null
}

export function toAsset(row: AssetRow): Asset {
  return {
    id: row.id,
    tenantId: row.tenantId,
    code: row.code,
    scale: row.scale,
    ledger: row.ledger,
    createdAt: row.createdAt,
    ...(row.withdrawalThreshold !== null && { withdrawalThreshold: row.withdrawalThreshold }),
    ...(row.liquidityThreshold !== null && { liquidityThreshold: row.liquidityThreshold }),
    ...(row.deletedAt !== null && { deletedAt: row.deletedAt })
  }
}
