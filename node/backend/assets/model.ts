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
