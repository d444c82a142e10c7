import type { Failure } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

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
  /** In force for it. They hold the operator's where it has none: not for the tenant to see. */
  settings: TenantSettings
  /** What is stored as its own. */
  ownSettings: readonly TenantSetting[]
}

/** Values in force: the tenant's own settings, else the operator's configuration. */
export interface TenantSettings {
  exchangeRatesUrl?: string
  /** The tenant chose that URL, and is not the operator: it is guarded as ALLOW_PRIVATE_ADDRESSES says. */
  isExchangeRatesUrlGuarded?: true
  webhookUrl: string
  /** The same of its webhooks. */
  isWebhookUrlGuarded?: true
  webhookTimeoutMs: number
  webhookMaxRetry: number
  /** Base URL of its wallet addresses; undefined: it has none and cannot create any. */
  walletAddressUrl?: string
  ilpAddress: string
}

/** The contract's names of settings. */
export const TENANT_SETTING_KEYS = [
  'EXCHANGE_RATES_URL',
  'WEBHOOK_URL',
  'WEBHOOK_TIMEOUT',
  'WEBHOOK_MAX_RETRY',
  'WALLET_ADDRESS_URL',
  'ILP_ADDRESS'
] as const
export type TenantSettingKey = (typeof TENANT_SETTING_KEYS)[number]

/** A setting as it is stored and as the Admin API shows it: values are strings. */
export interface TenantSetting {
  key: TenantSettingKey
  value: string
}

/** In-process directory of tenants, kept right by notifications. Answers without I/O once started. */
export interface TenantDirectory {
  get(id: string): Tenant | undefined
  readonly operator: Tenant
}

/**
 * Where a tenant stands. It lives in two databases, ours and the authorization server's, and there is no
 * transaction over both: what is to be told is written here first, told then, and told again, by whichever process
 * lives, until the answer is known. Each change has a revision of its own, by which the authorization server
 * ignores an older one that arrives late.
 *
 *   (none) ──create: row, settings──▶ CREATING ──told──▶ ACTIVE ──delete: deletedAt, settings──▶ DELETING ──told──▶ DELETED
 *     ▲                                  │              │    ▲                                      ▲
 *     └───────────refused────────────────┘   update of  │    ├─told: the change applies             │
 *                                        secret or IdP  │    ├─refused: it does not                 │
 *                                                       ▼    │                                      │
 *                                                      UPDATING ──delete: the change is dropped─────┘
 *
 * CREATING: it can do nothing yet, and is in no list; what it claims (its id, its WALLET_ADDRESS_URL) is taken. It
 * may be deleted as an ACTIVE one may; what is being told of it at that moment ends first.
 * UPDATING: the old values are in force. DELETING and DELETED: requests in its name are refused, its peers and
 * wallet addresses take no more money, what it had begun to pay goes on, and its events go to the operator
 * (docs/decisions/0013).
 */
export type TenantState = 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING' | 'DELETED'

export type TenantFailure =
  | 'InvalidTenantId'
  | 'InvalidTenant'
  | 'DuplicateTenant'
  | 'TooManyTenants'
  /** The authorization server did not answer: it is told again, and the tenant there once it knows. */
  | 'NotCreated'
  /** Unknown, deleted, or the authorization server refused. */
  | 'NotUpdated'
  | 'NotDeleted'
  /** The authorization server did not answer: it is told again, and the change made then. */
  | 'UpdateAwaited'
  | 'UpdatePending'
  | 'DeletionAwaited'

export type TenantSettingFailure = 'InvalidSetting' | 'DuplicateWalletAddressUrl' | 'TenantNotFound'

export interface NewTenant {
  id?: string
  email?: string
  apiSecret: string
  idpConsentUrl?: string
  idpSecret?: string
  publicName?: string
  settings?: readonly TenantSetting[]
}

/** null takes a value away; what is not named stays. */
export interface TenantChanges {
  email?: string | null
  publicName?: string | null
  apiSecret?: string
  idpConsentUrl?: string | null
  idpSecret?: string | null
}

/** Tenants are kept in memory by every process, the deleted ones too. */
export const MAX_TENANTS = 10_000

export interface Tenants {
  /** Also here: one that was deleted. */
  get(id: string): Tenant | undefined
  /** All of them, the deleted ones too. */
  page(request: PageRequest): Promise<Page<Tenant>>
  /** The same call again, with the same id and values, gives the same tenant. */
  create(input: NewTenant): Promise<Tenant | Failure<TenantFailure | TenantSettingFailure>>
  update(id: string, changes: TenantChanges): Promise<Tenant | Failure<TenantFailure>>
  delete(id: string): Promise<void | Failure<TenantFailure>>
  /** Writes all of them or none; answers them as they stand now. */
  set(
    tenantId: string,
    settings: readonly TenantSetting[]
  ): Promise<TenantSetting[] | Failure<TenantSettingFailure>>
}
