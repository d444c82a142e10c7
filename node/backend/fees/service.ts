import type { Clock, Database, Random } from '../../runtime/index.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import { failure } from '../model.ts'
import { selectPages } from '../../pagination/index.ts'
import { isUuid } from '../sql.ts'
import type { Fee, FeeType, Fees } from './model.ts'

interface FeeRow {
  id: string
  assetId: string
  type: FeeType
  fixedFee: bigint
  basisPointFee: number
  createdAt: Date
}

export const MAX_BASIS_POINTS = 10_000

/** Fees are never changed: setting one writes a newer row, and quotes remember which row they used. */
export function createFees({
  database,
  clock,
  random,
  assets
}: {
  database: Database
  clock: Clock
  random: Random
  assets: RunningAssetDirectory
}): Fees {
  return {
    async set({ id = random.orderedUuid(), assetId, tenantId, type, fixed, basisPoints }) {
      const asset = isUuid(assetId) ? await assets.find(assetId) : undefined
      if (asset === undefined || asset.deletedAt || (tenantId !== undefined && asset.tenantId !== tenantId)) {
        return failure('UnknownAsset', `there is no asset ${assetId}`)
      }
      if (fixed < 0n) return failure('InvalidFixedFee', `a fixed fee of ${fixed} is negative`)
      if (!Number.isInteger(basisPoints) || basisPoints < 0 || basisPoints > MAX_BASIS_POINTS) {
        return failure('InvalidBasisPointFee', `basis points are from 0 to ${MAX_BASIS_POINTS}`)
      }
      const row: FeeRow = {
        id,
        assetId: asset.id,
        type,
        fixedFee: fixed,
        basisPointFee: basisPoints,
        createdAt: new Date(clock.nowMs())
      }
      await database.knex('fees').insert(row)
      return toFee(row)
    },
    async get(id) {
      const row = await database.knex<FeeRow>('fees').where({ id }).first()
      return row && toFee(row)
    },
    async latest(assetId, type) {
      const row = await database
        .knex<FeeRow>('fees')
        .where({ assetId, type })
        .orderBy([
          { column: 'createdAt', order: 'desc' },
          { column: 'id', order: 'desc' }
        ])
        .first()
      return row && toFee(row)
    },
    async latestOf(keys) {
      const { rows } = await database.knex.raw<{ rows: FeeRow[] }>(
        `SELECT DISTINCT ON ("assetId", type) * FROM fees WHERE "assetId" = ANY(?::uuid[])
         ORDER BY "assetId", type, "createdAt" DESC, id DESC`,
        [keys.map(({ assetId }) => assetId)]
      )
      return keys.map(({ assetId, type }) => {
        const row = rows.find((found) => found.assetId === assetId && found.type === type)
        return row && toFee(row)
      })
    },
    async pages(assetIds, request) {
      const { knex } = database
      const lists = { table: 'fees', ownerColumn: 'assetId', select: () => knex('fees') }
      const pages = await selectPages<FeeRow>(knex, lists, assetIds, request)
      return pages.map((page) => ({ ...page, rows: page.rows.map(toFee) }))
    }
  }
}

function toFee({ id, assetId, type, fixedFee, basisPointFee, createdAt }: FeeRow): Fee {
  return { id, assetId, type, fixed: fixedFee, basisPoints: basisPointFee, createdAt }
}
