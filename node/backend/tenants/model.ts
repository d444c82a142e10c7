export interface Tenant {
  id: string
  email?: string
  apiSecret: string
  idpConsentUrl?: string
  idpSecret?: string
  publicName?: string
  createdAt: Date
  deletedAt?: Date
  isOperator: boolean
  settings: TenantSettings
}

/** Values in force: the tenant's own settings, else the operator's configuration. */
export interface TenantSettings {
  exchangeRatesUrl?: string
  webhookUrl: string
  webhookTimeoutMs: number
  webhookMaxRetry: number
  /** Base URL of its wallet addresses; undefined: it has none and cannot create any. */
  walletAddressUrl?: string
  ilpAddress: string
}

/** In-process directory of tenants, kept right by notifications. Answers without I/O once started. */
export interface TenantDirectory {
  get(id: string): Tenant | undefined
  readonly operator: Tenant
}
