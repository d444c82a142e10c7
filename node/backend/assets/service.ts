import type { Clock, Database, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import type { Liquidity } from '../liquidity/model.ts'
import { Channel, failure, isFailure, notify } from '../model.ts'
import type { Failure, Transaction } from '../model.ts'
import { selectPage } from '../../pagination/index.ts'
import { isSequenceAtItsEnd, isUuid, violatedUnique } from '../sql.ts'
import type { RunningAssetDirectory } from './directory.ts'
import { MAX_ASSETS, MAX_ASSETS_PER_TENANT } from './model.ts'
import type { Asset, AssetFailure, Assets } from './model.ts'
import { toAsset } from './store.ts'
import type { AssetRow } from './store.ts'

export interface AssetsDependencies {
  database: Database
  clock: Clock
  random: Random
  directory: RunningAssetDirectory
  liquidity: Pick<Liquidity, 'ensureAssetAccounts'>
  config: Pick<BackendConfig, 'OPERATOR_TENANT_ID'>
  /** Where not given: MAX_ASSETS, MAX_ASSETS_PER_TENANT. */
  maxAssets?: number
  maxAssetsPerTenant?: number
}

/** Assets of tenants. An asset's accounts stand in the ledger before its row does: whoever sees it can use it. */
export function createAssets({
  database,
  clock,
  random,
  directory,
  liquidity,
  config,
  maxAssets = MAX_ASSETS,
  maxAssetsPerTenant = MAX_ASSETS_PER_TENANT
}: AssetsDependencies): Assets & {
  /** Makes sure that every asset has its accounts: the ledger may be younger than the tables. */
  ensureAccounts(): Promise<void>
} {
  async function create(input: Parameters<Assets['create']>[0]): Promise<Asset | Failure<AssetFailure>> {
    const { tenantId, code, scale } = input
    const existing = await database.knex<AssetRow>('assets').where({ tenantId, code, scale }).first()
    if (existing !== undefined) {
      await liquidity.ensureAssetAccounts(toAsset(existing))
      return existing.deletedAt === null ? duplicate(code, scale) : revive(existing.id, input)
    }
    const claimed = refuseFurther(tenantId) ?? (await claimNumber(tenantId, code, scale))
    if (isFailure(claimed)) return claimed
    const createdAt = new Date(clock.nowMs())
    const row: AssetRow = {
      id: claimed.id,
      ledger: claimed.ledger,
      tenantId,
      code,
      scale,
      withdrawalThreshold: input.withdrawalThreshold ?? null,
      liquidityThreshold: input.liquidityThreshold ?? null,
      createdAt,
      deletedAt: null
    }
    await liquidity.ensureAssetAccounts(toAsset(row))
    try {
      await change(row.id, (trx) => trx('assets').insert({ ...row, updatedAt: createdAt }))
    } catch (error) {
      const constraint = violatedUnique(error)
      if (constraint === 'assets_code_scale_tenantId_key' || constraint === 'assets_pkey')
        return duplicate(code, scale)
      throw error
    }
    return toAsset(row)
  }

  function refuseFurther(tenantId: string): Failure<AssetFailure> | undefined {
    const all = directory.all()
    if (all.length >= maxAssets) {
      return failure('TooManyAssets', `this node has ${maxAssets} assets, the most that it holds`)
    }
    const isOperator = tenantId === config.OPERATOR_TENANT_ID.toLowerCase()
    if (isOperator || all.filter((asset) => asset.tenantId === tenantId).length < maxAssetsPerTenant) {
      return undefined
    }
    return failure('TooManyAssets', `the tenant has ${maxAssetsPerTenant} assets, the most that it may have`)
  }

  /** The number and id that the asset has once it is there: numbers are few, and no caller takes a second one. */
  async function claimNumber(
    tenantId: string,
    code: string,
    scale: number
  ): Promise<{ ledger: number; id: string } | Failure<AssetFailure>> {
    try {
      return await database.transaction(async (trx) => {
        // One at a time, so that nobody draws a number that a claim before it makes needless.
        await trx.raw('LOCK TABLE "assetNumbers" IN SHARE ROW EXCLUSIVE MODE')
        await trx.raw(
          `INSERT INTO "assetNumbers" ("tenantId", code, scale, id, ledger)
           SELECT ?, ?, ?, ?, nextval(pg_get_serial_sequence('assets', 'ledger'))
           WHERE NOT EXISTS (SELECT 1 FROM "assetNumbers" WHERE "tenantId" = ? AND code = ? AND scale = ?)`,
          [tenantId, code, scale, random.orderedUuid(), tenantId, code, scale]
        )
        const claimed = await trx('assetNumbers')
          .where({ tenantId, code, scale })
          .first<{ ledger: number; id: string }>('ledger', 'id')
        if (claimed === undefined) throw new Error(`asset ${code}/${scale} has no number`)
        return claimed
      })
    } catch (error) {
      if (!isSequenceAtItsEnd(error)) throw error
      return failure('TooManyAssets', 'this node has no further number for an asset in its ledger')
    }
  }

  async function revive(
    id: string,
    input: Parameters<Assets['create']>[0]
  ): Promise<Asset | Failure<AssetFailure>> {
    const revived = await patch(
      { id, tenantId: input.tenantId, deletedAt: 'deleted' },
      {
        deletedAt: null,
        withdrawalThreshold: input.withdrawalThreshold ?? null,
        liquidityThreshold: input.liquidityThreshold ?? null
      }
    )
    return isFailure(revived) ? duplicate(input.code, input.scale) : revived
  }

  async function patch(
    { id, tenantId, deletedAt }: { id: string; tenantId: string; deletedAt: 'live' | 'deleted' },
    values: Partial<AssetRow>
  ): Promise<Asset | Failure<AssetFailure>> {
    if (!isUuid(id)) return unknown(id)
    const [row] = await change(id, (trx) =>
      trx<AssetRow & { updatedAt: Date }>('assets')
        .where({ id, tenantId })
        .modify((query) =>
          deletedAt === 'live' ? query.whereNull('deletedAt') : query.whereNotNull('deletedAt')
        )
        .update({ ...values, updatedAt: new Date(clock.nowMs()) })
        .returning('*')
    )
    return row ? toAsset(row) : unknown(id)
  }

  async function remove(input: { id: string; tenantId: string }): Promise<Asset | Failure<AssetFailure>> {
    const { id, tenantId } = input
    if (!isUuid(id)) return unknown(id)
    return change(id, async (trx) => {
      // The lock holds off peers and wallet addresses that are being made with this asset.
      const row = await trx<AssetRow>('assets')
        .where({ id, tenantId })
        .whereNull('deletedAt')
        .forUpdate()
        .first()
      if (row === undefined) return unknown(id)
      const { rows } = await trx.raw<{ rows: [{ used: boolean }] }>(
        `SELECT EXISTS (SELECT 1 FROM peers WHERE "assetId" = ?)
             OR EXISTS (SELECT 1 FROM "walletAddresses" WHERE "assetId" = ?) AS used`,
        [id, id]
      )
      if (rows[0].used) {
        return failure('CannotDeleteInUseAsset', `asset ${id} is used by a peer or a wallet address`)
      }
      const deletedAt = new Date(clock.nowMs())
      await trx('assets').where({ id }).update({ deletedAt, updatedAt: deletedAt })
      return toAsset({ ...row, deletedAt })
    })
  }

  /** One transaction that changes the asset and tells every process; this one knows before it returns. */
  async function change<T>(id: string, work: (trx: Transaction) => Promise<T>): Promise<T> {
    const result = await database.transaction(async (trx) => {
      const changed = await work(trx)
      await notify(trx, Channel.ASSET_CHANGED, id)
      return changed
    })
    await directory.refresh(id)
    return result
  }

  async function get(id: string, tenantId?: string): Promise<Asset | undefined> {
    const asset = isUuid(id) ? await directory.find(id.toLowerCase()) : undefined
    if (asset === undefined || asset.deletedAt) return undefined
    return tenantId === undefined || asset.tenantId === tenantId ? asset : undefined
  }

  return {
    create,
    update: ({ id, tenantId, withdrawalThreshold, liquidityThreshold }) =>
      patch(
        { id, tenantId, deletedAt: 'live' },
        {
          ...(withdrawalThreshold !== undefined && { withdrawalThreshold }),
          ...(liquidityThreshold !== undefined && { liquidityThreshold })
        }
      ),
    delete: remove,
    get,
    getMany: async (ids) => Promise.all(ids.map((id) => (isUuid(id) ? directory.find(id) : undefined))),
    async page(request, tenantId) {
      const page = await selectPage<AssetRow>(
        'assets',
        () =>
          database
            .knex('assets')
            .whereNull('deletedAt')
            .modify((query) => tenantId !== undefined && query.where({ tenantId })),
        request,
        { tenantId }
      )
      return { ...page, rows: page.rows.map(toAsset) }
    },
    async ensureAccounts() {
      for (const asset of directory.all()) await liquidity.ensureAssetAccounts(asset)
    }
  }
}

function duplicate(code: string, scale: number): Failure<AssetFailure> {
  return failure('DuplicateAsset', `an asset ${code} of scale ${scale} exists already`)
}

function unknown(id: string): Failure<AssetFailure> {
  return failure('UnknownAsset', `there is no asset ${id}`)
}
