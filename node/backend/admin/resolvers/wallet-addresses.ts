import { adminError, toConnection } from '../../../admin-api/index.ts'
import { walletAddressFailures, walletAddressKeyFailures } from '../../failures.ts'
import { isFailure } from '../../model.ts'
import type { AdditionalProperty, WalletAddress, WalletAddressKey } from '../../wallet-addresses/model.ts'
import { forTenant, listScope, pageRequest, scopeOf } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { failureError, unwrap } from '../errors.ts'
import { incomingPaymentFilter } from '../filters.ts'
import type { FilterString } from '../filters.ts'
import { creation, madeOnce, mutation } from '../mutation.ts'

interface CreateWalletAddressInput {
  tenantId?: string | null
  assetId: string
  address: string
  publicName?: string | null
  additionalProperties?: AdditionalProperty[] | null
}

interface UpdateWalletAddressInput {
  id: string
  publicName?: string | null
  status?: 'ACTIVE' | 'INACTIVE' | null
  additionalProperties?: AdditionalProperty[] | null
}

interface CreateKeyInput {
  walletAddressId: string
  jwk: WalletAddressKey['jwk']
}

export const walletAddressResolvers = {
  Query: {
    async walletAddress(_: unknown, { id }: { id: string }, context: AdminContext) {
      const walletAddress = await context.services.walletAddresses.get(id, scopeOf(context).tenantId)
      if (!walletAddress) throw failureError(walletAddressFailures, { failure: 'UnknownWalletAddress' })
      return walletAddress
    },
    async walletAddressByUrl(_: unknown, { url }: { url: string }, context: AdminContext) {
      const walletAddress = await context.services.walletAddresses.byUrl(url)
      const { tenantId } = scopeOf(context)
      return tenantId === undefined || walletAddress?.tenantId === tenantId ? walletAddress : null
    },
    async walletAddresses(
      _: unknown,
      args: PageArguments & { tenantId?: string | null },
      context: AdminContext
    ) {
      const { tenantId } = listScope(context, args.tenantId)
      return toConnection(await context.services.walletAddresses.page(pageRequest(args), tenantId))
    }
  },

  Mutation: {
    createWalletAddress: creation(
      'createWalletAddress',
      async (input: CreateWalletAddressInput, context, claimed) => {
        const { walletAddresses } = context.services
        const { assetId, address, publicName, additionalProperties } = input
        const tenantId = forTenant(context, input.tenantId)
        const find = async () => {
          const found = await walletAddresses.byUrl(address)
          return found?.tenantId === tenantId ? found : undefined
        }
        const make = async () => {
          const created = walletAddresses.create({
            tenantId,
            assetId,
            address,
            ...(publicName != null && { publicName }),
            ...(additionalProperties && { additionalProperties })
          })
          return unwrap(walletAddressFailures, await created)
        }
        return { walletAddress: await madeOnce(claimed, find, make) }
      }
    ),
    updateWalletAddress: mutation('updateWalletAddress', async (input: UpdateWalletAddressInput, context) => {
      const { id, publicName, status, additionalProperties } = input
      const walletAddress = await context.services.walletAddresses.update({
        id,
        // Its own alone, also for the operator: the contract's input names no tenant.
        tenantId: context.tenant.id,
        ...(publicName != null && { publicName }),
        ...(status && { status }),
        ...(additionalProperties && { additionalProperties })
      })
      // The contract writes it so here, and small elsewhere.
      if (isFailure(walletAddress) && walletAddress.failure === 'UnknownWalletAddress')
        throw adminError('NOT_FOUND', 'Unknown wallet address', { failure: walletAddress.failure })
      return { walletAddress: unwrap(walletAddressFailures, walletAddress) }
    }),
    createWalletAddressKey: creation(
      'createWalletAddressKey',
      async ({ walletAddressId, jwk }: CreateKeyInput, context, claimed) => {
        const { walletAddresses } = context.services
        const find = async () => {
          const owner = await walletAddresses.get(walletAddressId, scopeOf(context).tenantId)
          const keys = owner ? await walletAddresses.activeKeys(owner.id) : []
          return keys.find((key) => key.jwk.kid === jwk.kid && key.jwk.x === jwk.x)
        }
        const make = async () => {
          const added = walletAddresses.addKey({ walletAddressId, jwk, ...scopeOf(context) })
          return unwrap(walletAddressKeyFailures, await added)
        }
        return { walletAddressKey: await madeOnce(claimed, find, make) }
      }
    ),
    triggerWalletAddressEvents: mutation(
      'triggerWalletAddressEvents',
      async ({ limit }: { limit: number }, context) => {
        if (limit < 1) throw adminError('BAD_USER_INPUT', `limit is at least 1, not ${limit}`)
        const count = await context.services.webMonetization.triggerEvents(limit, scopeOf(context).tenantId)
        return { count }
      }
    ),
    revokeWalletAddressKey: mutation('revokeWalletAddressKey', async ({ id }: { id: string }, context) => {
      const revoked = await context.services.walletAddresses.revokeKey({ id, ...scopeOf(context) })
      return { walletAddressKey: unwrap(walletAddressKeyFailures, revoked) }
    })
  },

  WalletAddress: {
    liquidity: ({ id }: WalletAddress, _: unknown, { loaders }: AdminContext) => loaders.balance.load(id),
    status: ({ isActive }: WalletAddress) => (isActive ? 'ACTIVE' : 'INACTIVE'),
    additionalProperties: ({ id }: WalletAddress, _: unknown, { loaders }: AdminContext) =>
      loaders.additionalProperties.load(id),
    // A wallet address that one may see is seen with all that belongs to it: it is of the same tenant.
    incomingPayments: async (
      { id }: WalletAddress,
      args: PageArguments & { filter?: { initiatedBy?: FilterString | null } | null },
      { loaders }: AdminContext
    ) =>
      toConnection(
        await loaders.incomingPaymentsOf.load({
          ownerId: id,
          request: pageRequest(args),
          filter: incomingPaymentFilter(args.filter)
        })
      ),
    quotes: async ({ id }: WalletAddress, page: PageArguments, { loaders }: AdminContext) =>
      toConnection(await loaders.quotesOf.load({ ownerId: id, request: pageRequest(page) })),
    outgoingPayments: async ({ id }: WalletAddress, page: PageArguments, { loaders }: AdminContext) =>
      toConnection(await loaders.outgoingPaymentsOf.load({ ownerId: id, request: pageRequest(page) })),
    walletAddressKeys: async ({ id }: WalletAddress, page: PageArguments, { loaders }: AdminContext) =>
      toConnection(await loaders.keysOf.load({ ownerId: id, request: pageRequest(page) })),
    createdAt: ({ createdAt }: WalletAddress) => createdAt.toISOString(),
    tenant: ({ tenantId }: WalletAddress, _: unknown, { services }: AdminContext) =>
      services.tenants.get(tenantId)
  },

  WalletAddressKey: {
    createdAt: ({ createdAt }: WalletAddressKey) => createdAt.toISOString()
  }
}
