import { adminError, toConnection } from '../../../admin-api/index.ts'
import { tenantFailures, tenantSettingFailures } from '../../failures.ts'
import { isFailure } from '../../model.ts'
import type { Failure } from '../../model.ts'
import type {
  Tenant,
  TenantChanges,
  TenantFailure,
  TenantSetting,
  TenantSettingFailure
} from '../../tenants/model.ts'
import { given, pageRequest } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { failureError, unwrap } from '../errors.ts'
import { mutation } from '../mutation.ts'

interface CreateTenantInput {
  id?: string | null
  email?: string | null
  apiSecret: string
  idpConsentUrl?: string | null
  idpSecret?: string | null
  publicName?: string | null
  settings?: TenantSetting[] | null
}

interface UpdateTenantInput extends Omit<TenantChanges, 'apiSecret'> {
  id: string
  apiSecret?: string | null
}

export const tenantResolvers = {
  Query: {
    whoami: (_: unknown, __: unknown, { tenant, isOperator }: AdminContext) => ({
      id: tenant.id,
      isOperator
    }),
    tenant(_: unknown, { id }: { id: string }, { services, tenant, isOperator }: AdminContext) {
      const tenantId = id.toLowerCase()
      const found = isOperator || tenantId === tenant.id ? services.tenants.get(tenantId) : undefined
      if (!found) throw adminError('NOT_FOUND', 'tenant does not exist')
      return found
    },
    async tenants(_: unknown, args: PageArguments, { services, isOperator }: AdminContext) {
      if (!isOperator) throw adminError('FORBIDDEN', 'cannot get tenants page')
      return toConnection(await services.tenants.page(pageRequest(args)))
    }
  },

  Mutation: {
    createTenant: mutation('createTenant', async (input: CreateTenantInput, context) => {
      forOperator(context)
      const { apiSecret, ...others } = input
      return { tenant: unwrapTenant(await context.services.tenants.create({ ...given(others), apiSecret })) }
    }),
    updateTenant: mutation('updateTenant', async ({ id, ...changes }: UpdateTenantInput, context) => {
      const { services, tenant, isOperator } = context
      if (!isOperator && id.toLowerCase() !== tenant.id)
        throw adminError('NOT_FOUND', 'tenant does not exist')
      const { apiSecret, ...others } = changes
      if (isOperator && apiSecret != null) {
        throw adminError('BAD_USER_INPUT', 'Operator cannot update apiSecret over admin api')
      }
      const updated = await services.tenants.update(id, {
        ...others,
        ...(apiSecret != null && { apiSecret })
      })
      return { tenant: unwrapTenant(updated) }
    }),
    async deleteTenant(_: unknown, { id }: { id: string }, context: AdminContext) {
      forOperator(context)
      unwrap(tenantFailures, await context.services.tenants.delete(id))
      return { success: true }
    },
    createTenantSettings: mutation(
      'createTenantSettings',
      async ({ settings }: { settings: TenantSetting[] }, { services, tenant }) => ({
        settings: unwrap(tenantSettingFailures, await services.tenants.set(tenant.id, settings))
      })
    )
  },

  Tenant: {
    createdAt: ({ createdAt }: Tenant) => createdAt.toISOString(),
    deletedAt: ({ deletedAt }: Tenant) => deletedAt?.toISOString(),
    settings: ({ ownSettings }: Tenant) => ownSettings
  }
}

function forOperator({ isOperator }: AdminContext): void {
  if (!isOperator) throw adminError('FORBIDDEN', 'permission denied')
}

/** A tenant's settings are refused in their own words. */
function unwrapTenant(result: Tenant | Failure<TenantFailure | TenantSettingFailure>): Tenant {
  if (!isFailure<TenantFailure | TenantSettingFailure>(result)) return result
  const { failure: code } = result
  throw code in tenantSettingFailures
    ? failureError(tenantSettingFailures, { ...result, failure: code as TenantSettingFailure })
    : failureError(tenantFailures, { ...result, failure: code as TenantFailure })
}
