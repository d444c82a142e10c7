import type { Clock, Database, Logger } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { createChangeFeed } from '../change-feed.ts'
import { Channel, notify } from '../model.ts'
import type { Tenant, TenantDirectory } from './model.ts'
import type { SettingsConfig } from './settings.ts'
import { readTenants } from './store.ts'

export interface TenantDirectoryDependencies {
  database: Database
  clock: Clock
  logger: Logger
  config: SettingsConfig & Pick<BackendConfig, 'ADMIN_API_SECRET'>
}

/** The directory with its life, and what this process must see at once after a change of its own. */
export interface RunningTenantDirectory extends TenantDirectory {
  /** All tenants, deleted ones too: what they had goes on until it ended. */
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
      tenants = await readTenants(database.knex, config)
    },
    async loadOne(id) {
      const tenant = (await readTenants(database.knex, config, [id])).get(id)
      if (tenant) tenants.set(id, tenant)
      else tenants.delete(id)
    }
  })

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
    ids: () => [...tenants.keys()],
    refresh: feed.refresh,
    async start() {
      await upsertOperator()
      await feed.start()
    },
    stop: feed.stop
  }
}
