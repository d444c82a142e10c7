import { toConnection } from '../../../admin-api/index.ts'
import type { Asset } from '../../assets/model.ts'
import { assetFailures, feeFailures } from '../../failures.ts'
import type { Fee, FeeType } from '../../fees/model.ts'
import { forTenant, given, listScope, pageRequest, scopeOf } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { failureError, unwrap } from '../errors.ts'
import { creation, madeOnce, mutation } from '../mutation.ts'

interface CreateAssetInput {
  code: string
  scale: number
  withdrawalThreshold?: bigint | null
  liquidityThreshold?: bigint | null
  idempotencyKey?: string | null
  tenantId?: string | null
}

interface UpdateAssetInput {
  id: string
  withdrawalThreshold?: bigint | null
  liquidityThreshold?: bigint | null
  idempotencyKey?: string | null
}

interface SetFeeInput {
  assetId: string
  type: FeeType
  fee: { fixed: bigint; basisPoints: number }
  idempotencyKey?: string | null
}

export const assetResolvers = {
  Query: {
    async asset(_: unknown, { id }: { id: string }, context: AdminContext) {
      const asset = await context.services.assets.get(id, scopeOf(context).tenantId)
      if (!asset) throw failureError(assetFailures, { failure: 'UnknownAsset' })
      return asset
    },
    assetByCodeAndScale(
      _: unknown,
      { code, scale }: { code: string; scale: number },
      { services, tenant }: AdminContext
    ) {
      const asset = services.assetDirectory.byCodeAndScale(tenant.id, code, scale)
      return asset && !asset.deletedAt ? asset : null
    },
    async assets(_: unknown, args: PageArguments & { tenantId?: string | null }, context: AdminContext) {
      const { tenantId } = listScope(context, args.tenantId)
      return toConnection(await context.services.assets.page(pageRequest(args), tenantId))
    }
  },

  Mutation: {
    createAsset: creation('createAsset', async (input: CreateAssetInput, context, claimed) => {
      const { services } = context
      const { code, scale } = input
      const tenantId = forTenant(context, input.tenantId)
      const find = async () => {
        const asset = services.assetDirectory.byCodeAndScale(tenantId, code, scale)
        return asset?.deletedAt ? undefined : asset
      }
      const make = async () => {
        const created = services.assets.create({ tenantId, code, scale, ...thresholds(given(input)) })
        return unwrap(assetFailures, await created)
      }
      return { asset: await madeOnce(claimed, find, make) }
    }),
    updateAsset: mutation('updateAsset', async (input: UpdateAssetInput, { services, tenant }) => ({
      asset: unwrap(
        assetFailures,
        await services.assets.update({ id: input.id, tenantId: tenant.id, ...thresholds(input) })
      )
    })),
    deleteAsset: mutation('deleteAsset', async ({ id }: { id: string }, { services, tenant }) => ({
      asset: unwrap(assetFailures, await services.assets.delete({ id, tenantId: tenant.id }))
    })),
    setFee: creation('setFee', async ({ assetId, type, fee }: SetFeeInput, context, claimed) => {
      const { fees } = context.services
      const { id } = claimed
      const make = async () =>
        unwrap(feeFailures, await fees.set({ id, assetId, type, ...fee, ...scopeOf(context) }))
      return { fee: await madeOnce(claimed, () => fees.get(id), make) }
    })
  },

  Asset: {
    liquidity: ({ id }: Asset, _: unknown, { loaders }: AdminContext) => loaders.balance.load(id),
    sendingFee: ({ id }: Asset, _: unknown, { loaders }: AdminContext) =>
      loaders.latestFee.load({ assetId: id, type: 'SENDING' }),
    receivingFee: ({ id }: Asset, _: unknown, { loaders }: AdminContext) =>
      loaders.latestFee.load({ assetId: id, type: 'RECEIVING' }),
    fees: async ({ id }: Asset, page: PageArguments, { loaders }: AdminContext) =>
      toConnection(await loaders.feesOf.load({ ownerId: id, request: pageRequest(page) })),
    createdAt: ({ createdAt }: Asset) => createdAt.toISOString(),
    tenant: ({ tenantId }: Asset, _: unknown, { services }: AdminContext) => services.tenants.get(tenantId)
  },

  Fee: {
    createdAt: ({ createdAt }: Fee) => createdAt.toISOString()
  }
}

/** Only those that were named: an update leaves the others as they are. */
function thresholds<Threshold>({
  withdrawalThreshold,
  liquidityThreshold
}: {
  withdrawalThreshold?: Threshold
  liquidityThreshold?: Threshold
}): { withdrawalThreshold?: Threshold; liquidityThreshold?: Threshold } {
  return {
    ...(withdrawalThreshold !== undefined && { withdrawalThreshold }),
    ...(liquidityThreshold !== undefined && { liquidityThreshold })
  }
}
