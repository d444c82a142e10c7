import type { Knex } from 'knex'
import { TENANT_SETTING_KEYS } from './model.ts'
import type { Tenant, TenantSettingKey, TenantState } from './model.ts'
import { settingsInForce } from './settings.ts'
import type { SettingsConfig } from './settings.ts'

export interface TenantRow {
  id: string
  email: string | null
  apiSecret: string
  idpConsentUrl: string | null
  idpSecret: string | null
  publicName: string | null
  createdAt: Date
  updatedAt: Date
  deletedAt: Date | null
  state: TenantState
  /** Counts the changes that the authorization server is told. */
  revision: number
  /** UPDATING: what changes once it is told. */
  pending: PendingChanges | null
  /** While something is owed to the authorization server: when it is told again. */
  processAt: Date | null
}

/** Values of the row by column. */
export type PendingChanges = Partial<
  Pick<TenantRow, 'email' | 'publicName' | 'apiSecret' | 'idpConsentUrl' | 'idpSecret'>
>

export interface TenantSettingRow {
  id: string
  tenantId: string
  key: TenantSettingKey
  value: string
  createdAt: Date
  updatedAt: Date
  deletedAt: Date | null
}

/** Tenants that can act or could: those being created are nobody's yet. `ids` undefined: all. */
export async function readTenants(
  knex: Knex,
  config: SettingsConfig,
  ids?: readonly string[]
): Promise<Map<string, Tenant>> {
  const { rows } = await knex.raw<{
    rows: (TenantRow & { settings: Partial<Record<TenantSettingKey, string>> })[]
  }>(
    `SELECT t.*, coalesce(s.settings, '{}') AS settings
     FROM tenants t LEFT JOIN LATERAL (
       SELECT json_object_agg(key, value) AS settings
       FROM "tenantSettings" WHERE "tenantId" = t.id AND "deletedAt" IS NULL
     ) s ON true
     WHERE t.state <> 'CREATING' AND (?::uuid[] IS NULL OR t.id = ANY (?::uuid[]))`,
    [ids ?? null, ids ?? null] as never
  )
  return new Map(rows.map((row) => [row.id, toTenant(row)]))

  function toTenant(row: (typeof rows)[number]): Tenant {
    return {
      id: row.id,
      apiSecret: row.apiSecret,
      createdAt: row.createdAt,
      isOperator: row.id === config.OPERATOR_TENANT_ID.toLowerCase(),
      settings: settingsInForce(config, row.settings, row.id),
      ownSettings: TENANT_SETTING_KEYS.flatMap((key) => {
        const value = row.settings[key]
        return value === undefined ? [] : [{ key, value }]
      }),
      ...(row.email !== null && { email: row.email }),
      ...(row.idpConsentUrl !== null && { idpConsentUrl: row.idpConsentUrl }),
      ...(row.idpSecret !== null && { idpSecret: row.idpSecret }),
      ...(row.publicName !== null && { publicName: row.publicName }),
      ...(row.deletedAt !== null && { deletedAt: row.deletedAt })
    }
  }
}
