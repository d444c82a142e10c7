import type { Asset } from '../assets/model.ts'
import type { Failure } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

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

export type WalletAddressFailure =
  | 'InvalidUrl'
  | 'UnknownAsset'
  | 'UnknownWalletAddress'
  | 'DuplicateWalletAddress'
  | 'WalletAddressSettingNotFound'

export interface WalletAddresses {
  create(input: {
    tenantId: string
    assetId: string
    /** A full URL below the tenant's base, or a path relative to it. */
    address: string
    publicName?: string
    additionalProperties?: AdditionalProperty[]
  }): Promise<WalletAddress | Failure<WalletAddressFailure>>
  update(input: {
    id: string
    tenantId?: string
    publicName?: string
    status?: 'ACTIVE' | 'INACTIVE'
    additionalProperties?: AdditionalProperty[]
  }): Promise<WalletAddress | Failure<WalletAddressFailure>>
  get(id: string, tenantId?: string): Promise<WalletAddress | undefined>
  getMany(ids: readonly string[]): Promise<(WalletAddress | undefined)[]>
  /** By its URL, whatever its letter case. From a cache that notifications keep right. */
  byUrl(url: string): Promise<WalletAddress | undefined>
  additionalProperties(walletAddressId: string): Promise<AdditionalProperty[]>
  /** The same for many at once, in the order of `walletAddressIds`. */
  additionalPropertiesOf(walletAddressIds: readonly string[]): Promise<AdditionalProperty[][]>
  page(request: PageRequest, tenantId?: string): Promise<Page<WalletAddress>>
  addKey(input: {
    walletAddressId: string
    jwk: WalletAddressKey['jwk']
    tenantId?: string
  }): Promise<WalletAddressKey | Failure<'DuplicateKey' | 'UnknownWalletAddress'>>
  revokeKey(input: { id: string; tenantId?: string }): Promise<WalletAddressKey | Failure<'UnknownKey'>>
  /** Keys that are not revoked. Kept until a change is told, as `additionalProperties` are. */
  activeKeys(walletAddressId: string): Promise<WalletAddressKey[]>
  /** The same page of each wallet address's keys, revoked ones included, in the order of `walletAddressIds`. */
  keyPages(walletAddressIds: readonly string[], request: PageRequest): Promise<Page<WalletAddressKey>[]>
}
