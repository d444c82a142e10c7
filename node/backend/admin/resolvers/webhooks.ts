import { toConnection } from '../../../admin-api/index.ts'
import { webhookFailures } from '../../failures.ts'
import { failure } from '../../model.ts'
import type { WebhookDelivery, WebhookDeliveryState, WebhookEvent } from '../../webhooks/model.ts'
import { listScope, pageRequest, scopeOf } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { failureError, unwrap } from '../errors.ts'
import { refuseNotIn } from '../filters.ts'
import type { FilterString } from '../filters.ts'
import { mutation } from '../mutation.ts'

interface EventFilter {
  type?: FilterString | null
  deliveryState?: WebhookDeliveryState | null
  resourceId?: FilterString | null
}

export const webhookResolvers = {
  Query: {
    async webhookEvents(
      _: unknown,
      args: PageArguments & { tenantId?: string | null; filter?: EventFilter | null },
      context: AdminContext
    ) {
      const { in: only, notIn } = args.filter?.type ?? {}
      const types = { ...(only && { in: only }), ...(notIn && { notIn }) }
      const { deliveryState: state, resourceId } = args.filter ?? {}
      refuseNotIn('resourceId', resourceId)
      const filter = {
        ...listScope(context, args.tenantId),
        types,
        ...(resourceId?.in && { resourceIds: resourceId.in }),
        ...(state && { delivery: { state, ...deliveryScope(context) } })
      }
      return toConnection(await context.services.webhookEvents.page(pageRequest(args), filter))
    }
  },

  Mutation: {
    resendWebhookEvent: mutation(
      'resendWebhookEvent',
      async ({ id, deliveryId }: { id: string; deliveryId?: string | null }, context) => {
        const { webhookEvents, webhookDeliveries } = context.services
        const webhookEvent = await webhookEvents.get(id, scopeOf(context).tenantId)
        if (!webhookEvent) throw failureError(webhookFailures, failure('UnknownEvent'))
        unwrap(
          webhookFailures,
          await webhookDeliveries.resend({
            eventId: webhookEvent.id,
            ...(deliveryId != null && { deliveryId }),
            ...deliveryScope(context)
          })
        )
        return { webhookEvent }
      }
    )
  },

  WebhookEvent: {
    createdAt: ({ createdAt }: WebhookEvent) => createdAt.toISOString(),
    tenant: ({ tenantId }: WebhookEvent, _: unknown, { services }: AdminContext) =>
      services.tenants.get(tenantId),
    async deliveries({ id }: WebhookEvent, _: unknown, context: AdminContext) {
      const deliveries = await context.loaders.deliveries.load(id)
      return context.isOperator ? deliveries : deliveries.map((one) => forTenant(one, context.tenant.id))
    }
  },

  WebhookDelivery: {
    processAt: ({ processAt }: WebhookDelivery) => processAt?.toISOString(),
    updatedAt: ({ updatedAt }: WebhookDelivery) => updatedAt.toISOString()
  }
}

/** A tenant's deliveries are those that its settings hold for; what the operator is sent is the operator's. */
export function deliveryScope({ isOperator, tenant }: Pick<AdminContext, 'isOperator' | 'tenant'>): {
  tenantId?: string
} {
  return isOperator ? {} : { tenantId: tenant.id }
}

/** What went wrong at the operator's services names their URLs, which are no tenant's business. */
function forTenant({ lastError, ...delivery }: WebhookDelivery, tenantId: string): WebhookDelivery {
  return lastError !== undefined && delivery.receiver === tenantId ? { ...delivery, lastError } : delivery
}
