import type { Failure } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

/** An asset of a tenant: code and scale, and its number in the ledger. */
export interface Asset {
  id: string
  tenantId: string
  code: string
  scale: number
  /** The ledger number, which is also the id of the settlement account. */
  ledger: number
  withdrawalThreshold?: bigint
  liquidityThreshold?: bigint
  createdAt: Date
  deletedAt?: Date
}

/** In-process directory of assets, kept right by notifications. Answers without I/O once started. */
export interface AssetDirectory {
  get(id: string): Asset | undefined
  byCodeAndScale(tenantId: string, code: string, scale: number): Asset | undefined
}

export type AssetFailure = 'UnknownAsset' | 'DuplicateAsset' | 'CannotDeleteInUseAsset' | 'TooManyAssets'

/** Assets of all tenants of a node, deleted ones too: the contract's ledger numbers are of 15 bits. */
export const MAX_ASSETS = 32_767
/** Of one tenant but the operator, the deleted ones too: none takes what the others need. */
export const MAX_ASSETS_PER_TENANT = 1_000

export interface Assets {
  /** Creates the row and its accounts in the ledger. A deleted asset of that code and scale comes back to life. */
  create(input: {
    tenantId: string
    code: string
    scale: number
    withdrawalThreshold?: bigint
    liquidityThreshold?: bigint
  }): Promise<Asset | Failure<AssetFailure>>
  update(input: {
    id: string
    tenantId: string
    withdrawalThreshold?: bigint | null
    liquidityThreshold?: bigint | null
  }): Promise<Asset | Failure<AssetFailure>>
  delete(input: { id: string; tenantId: string }): Promise<Asset | Failure<AssetFailure>>
  get(id: string, tenantId?: string): Promise<Asset | undefined>
  getMany(ids: readonly string[]): Promise<(Asset | undefined)[]>
  page(request: PageRequest, tenantId?: string): Promise<Page<Asset>>
}
