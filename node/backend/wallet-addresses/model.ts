import type { Asset } from '../assets/model.ts'

export interface WalletAddress {
  id: string
  tenantId: string
  /** The URL, lower case. */
  address: string
  asset: Asset
  publicName?: string
  isActive: boolean
  deactivatedAt?: Date
  createdAt: Date
}

export interface WalletAddressKey {
  id: string
  walletAddressId: string
  jwk: { kid: string; x: string; alg: 'EdDSA'; kty: 'OKP'; crv: 'Ed25519' }
  revoked: boolean
  createdAt: Date
}

export interface AdditionalProperty {
  key: string
  value: string
  visibleInOpenPayments: boolean
}
