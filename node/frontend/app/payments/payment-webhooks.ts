import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import type { AdminApi } from '../admin-api/admin-api.ts'
import { dateTime } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'
import { delivery } from '../webhook-events/webhook-events.ts'

const LIST_PAYMENT_WEBHOOKS = operation(
  /* GraphQL */ `
    query ListPaymentWebhooks($first: Int, $filter: WebhookEventFilter) {
      webhookEvents(first: $first, filter: $filter, sortOrder: ASC) {
        edges {
          node {
            id
            type
            createdAt
            deliveries {
              id
              receiver
              state
              attempts
              statusCode
              lastError
              processAt
              updatedAt
            }
          }
        }
        ${PAGE_INFO}
      }
    }
  `,
  z.object({
    webhookEvents: connection(
      z.object({ id: z.string(), type: z.string(), createdAt: dateTime, deliveries: z.array(delivery) })
    )
  })
)

const SHOWN = 20

/** What wallets were told of a payment, oldest first, and how each of them took it; the first 20 events. */
export async function listPaymentWebhooks(api: AdminApi, paymentId: string) {
  const { webhookEvents } = await api.call(LIST_PAYMENT_WEBHOOKS, {
    first: SHOWN,
    // A filter of its own on types: else funded and cancelled payments would be left out (facts 1.9).
    filter: { resourceId: { in: [paymentId] }, type: { notIn: [] } }
  })
  return {
    events: webhookEvents.edges.map(({ node }) => node),
    hasMore: webhookEvents.pageInfo.hasNextPage
  }
}

export type PaymentWebhooks = Awaited<ReturnType<typeof listPaymentWebhooks>>
