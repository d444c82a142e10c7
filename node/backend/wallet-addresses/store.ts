import type { Asset } from '../assets/model.ts'
import type { AdditionalProperty, WalletAddress, WalletAddressKey } from './model.ts'

export interface WalletAddressRow {
  id: string
  address: string
  assetId: string
  tenantId: string
  publicName: string | null
  deactivatedAt: Date | null
  createdAt: Date
}

export interface KeyRow {
  id: string
  walletAddressId: string
  kid: string
  x: string
  revoked: boolean
  createdAt: Date
}

export interface PropertyRow {
  fieldKey: string
  fieldValue: string
  visibleInOpenPayments: boolean
}

export function toWalletAddress(row: WalletAddressRow, asset: Asset): WalletAddress {
  return {
    id: row.id,
    tenantId: row.tenantId,
    address: row.address,
    asset,
    isActive: row.deactivatedAt === null,
    createdAt: row.createdAt,
    ...(row.publicName !== null && { publicName: row.publicName }),
    ...(row.deactivatedAt !== null && { deactivatedAt: row.deactivatedAt })
  }
}

export function toKey({ id, walletAddressId, kid, x, revoked, createdAt }: KeyRow): WalletAddressKey {
  return {
    id,
    walletAddressId,
    jwk: { kid, x, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' },
    revoked,
    createdAt
  }
}

export function toProperty(row: PropertyRow): AdditionalProperty {
  return { key: row.fieldKey, value: row.fieldValue, visibleInOpenPayments: row.visibleInOpenPayments }
}
