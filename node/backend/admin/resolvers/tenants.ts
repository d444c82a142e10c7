import { adminError, toConnection } from '../../../admin-api/index.ts'
import type { Tenant } from '../../tenants/model.ts'
import type { WebhookEvent } from '../../webhooks/model.ts'
import { listScope, pageRequest } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import type { FilterString } from '../filters.ts'

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
    async webhookEvents(
      _: unknown,
      args: PageArguments & { tenantId?: string | null; filter?: { type?: FilterString | null } | null },
      context: AdminContext
    ) {
      const { in: only, notIn } = args.filter?.type ?? {}
      const types = { ...(only && { in: only }), ...(notIn && { notIn }) }
      const filter = { ...listScope(context, args.tenantId), types }
      return toConnection(await context.services.webhookEvents.page(pageRequest(args), filter))
    }
  },

  Tenant: {
    createdAt: ({ createdAt }: Tenant) => createdAt.toISOString(),
    deletedAt: ({ deletedAt }: Tenant) => deletedAt?.toISOString(),
    settings: ({ settings }: Tenant) =>
      Object.entries({
        EXCHANGE_RATES_URL: settings.exchangeRatesUrl,
        WEBHOOK_URL: settings.webhookUrl,
        WEBHOOK_TIMEOUT: settings.webhookTimeoutMs.toString(),
        WEBHOOK_MAX_RETRY: settings.webhookMaxRetry.toString(),
        WALLET_ADDRESS_URL: settings.walletAddressUrl,
        ILP_ADDRESS: settings.ilpAddress
      }).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]))
  },

  WebhookEvent: {
    createdAt: ({ createdAt }: WebhookEvent) => createdAt.toISOString(),
    tenant: ({ tenantId }: WebhookEvent, _: unknown, { services }: AdminContext) =>
      services.tenants.get(tenantId)
  }
}
