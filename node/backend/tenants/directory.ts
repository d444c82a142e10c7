import type { Clock, Database, Logger, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { createChangeFeed } from '../change-feed.ts'
import { Channel, notify } from '../model.ts'
import type { Tenant, TenantDirectory, TenantSettings } from './model.ts'

/** Settings of a tenant by the contract's keys, as they stand in its rows. */
type SettingRows = Record<string, string>

interface TenantRow {
  id: string
  email: string | null
  apiSecret: string
  idpConsentUrl: string | null
  idpSecret: string | null
  publicName: string | null
  createdAt: Date
  deletedAt: Date | null
  settings: SettingRows
}

export interface TenantDirectoryDependencies {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  config: Pick<
    BackendConfig,
    | 'OPERATOR_TENANT_ID'
    | 'ADMIN_API_SECRET'
    | 'EXCHANGE_RATES_URL'
    | 'WEBHOOK_URL'
    | 'WEBHOOK_TIMEOUT'
    | 'WEBHOOK_MAX_RETRY'
    | 'OPEN_PAYMENTS_URL'
    | 'ILP_ADDRESS'
  >
}

/** The directory with its life, and what this process must see at once after a change of its own. */
export interface RunningTenantDirectory extends TenantDirectory {
  /** Tenants that are not deleted. */
  ids(): string[]
  refresh(id: string): Promise<void>
  /** Creates the operator's tenant or brings its secret up to date, then loads all tenants. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** All tenants with the settings in force: their own, else the operator's configuration. */
export function createTenantDirectory({
  database,
  clock,
  logger,
  config
}: TenantDirectoryDependencies): RunningTenantDirectory {
  const operatorId = config.OPERATOR_TENANT_ID.toLowerCase()
  let tenants = new Map<string, Tenant>()

  const feed = createChangeFeed({
    database,
    clock,
    logger,
    channel: Channel.TENANT_CHANGED,
    async loadAll() {
      const rows = await readRows()
      tenants = new Map(rows.map((row) => [row.id, toTenant(row)]))
    },
    async loadOne(id) {
      const [row] = await readRows(id)
      if (row) tenants.set(id, toTenant(row))
      else tenants.delete(id)
    }
  })

  async function readRows(id?: string): Promise<TenantRow[]> {
    const { rows } = await database.knex.raw<{ rows: TenantRow[] }>(
      `SELECT t.*, coalesce(s.settings, '{}') AS settings
       FROM tenants t LEFT JOIN LATERAL (
         SELECT json_object_agg(key, value) AS settings
         FROM "tenantSettings" WHERE "tenantId" = t.id AND "deletedAt" IS NULL
       ) s ON true
       WHERE ?::uuid IS NULL OR t.id = ?::uuid`,
      [id ?? null, id ?? null]
    )
    return rows
  }

  function toTenant(row: TenantRow): Tenant {
    const isOperator = row.id === operatorId
    return {
      id: row.id,
      apiSecret: row.apiSecret,
      createdAt: row.createdAt,
      isOperator,
      settings: settingsInForce(row.settings, row.id, isOperator),
      ...(row.email !== null && { email: row.email }),
      ...(row.idpConsentUrl !== null && { idpConsentUrl: row.idpConsentUrl }),
      ...(row.idpSecret !== null && { idpSecret: row.idpSecret }),
      ...(row.publicName !== null && { publicName: row.publicName }),
      ...(row.deletedAt !== null && { deletedAt: row.deletedAt })
    }
  }

  function settingsInForce(own: SettingRows, tenantId: string, isOperator: boolean): TenantSettings {
    const exchangeRatesUrl = own.EXCHANGE_RATES_URL ?? config.EXCHANGE_RATES_URL
    const walletAddressUrl = own.WALLET_ADDRESS_URL ?? (isOperator ? config.OPEN_PAYMENTS_URL : undefined)
    return {
      ...(exchangeRatesUrl !== undefined && { exchangeRatesUrl }),
      webhookUrl: own.WEBHOOK_URL ?? config.WEBHOOK_URL,
      webhookTimeoutMs: Number(own.WEBHOOK_TIMEOUT ?? config.WEBHOOK_TIMEOUT),
      webhookMaxRetry: Number(own.WEBHOOK_MAX_RETRY ?? config.WEBHOOK_MAX_RETRY),
      ...(walletAddressUrl !== undefined && { walletAddressUrl }),
      ilpAddress: own.ILP_ADDRESS ?? (isOperator ? config.ILP_ADDRESS : `${config.ILP_ADDRESS}.${tenantId}`)
    }
  }

  async function upsertOperator(): Promise<void> {
    const nowAt = new Date(clock.nowMs())
    await database.transaction(async (trx) => {
      const { rows } = await trx.raw<{ rows: unknown[] }>(
        `INSERT INTO tenants (id, "apiSecret", "createdAt", "updatedAt") VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE
           SET "apiSecret" = excluded."apiSecret", "updatedAt" = excluded."updatedAt", "deletedAt" = NULL
           WHERE tenants."apiSecret" <> excluded."apiSecret" OR tenants."deletedAt" IS NOT NULL
         RETURNING id`,
        [operatorId, config.ADMIN_API_SECRET, nowAt, nowAt]
      )
      if (rows.length > 0) await notify(trx, Channel.TENANT_CHANGED, operatorId)
    })
  }

  return {
    get: (id) => tenants.get(id),
    get operator() {
      const operator = tenants.get(operatorId)
      if (operator === undefined) throw new Error(`the operator's tenant ${operatorId} is not loaded`)
      return operator
    },
    ids: () => [...tenants.values()].filter((tenant) => !tenant.deletedAt).map((tenant) => tenant.id),
    refresh: feed.refresh,
    async start() {
      await upsertOperator()
      await feed.start()
    },
    stop: feed.stop
  }
}
