import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import { dateTime } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'

/** A webhook event on its way to one receiver. */
export const delivery = z.object({
  id: z.string(),
  receiver: z.string(),
  state: z.enum(['PENDING', 'DELIVERED', 'FAILED']),
  attempts: z.number(),
  statusCode: z.number().nullable(),
  lastError: z.string().nullable(),
  processAt: dateTime.nullable(),
  updatedAt: dateTime
})
export type Delivery = z.output<typeof delivery>

export const LIST_WEBHOOK_EVENTS = operation(
  /* GraphQL */ `
    query ListWebhookEvents(
      $after: String
      $before: String
      $first: Int
      $last: Int
      $filter: WebhookEventFilter
      $tenantId: String
    ) {
      webhookEvents(
        after: $after
        before: $before
        first: $first
        last: $last
        filter: $filter
        tenantId: $tenantId
      ) {
        edges {
          node {
            id
            type
            createdAt
            data
            tenant {
              id
              publicName
            }
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
      z.object({
        id: z.string(),
        type: z.string(),
        createdAt: dateTime,
        data: z.record(z.string(), z.unknown()),
        tenant: z.object({ id: z.string(), publicName: z.string().nullable() }).nullable(),
        deliveries: z.array(delivery)
      })
    )
  })
)

export const RESEND_WEBHOOK_EVENT = operation(
  /* GraphQL */ `
    mutation ResendWebhookEvent($input: ResendWebhookEventInput!) {
      resendWebhookEvent(input: $input) {
        webhookEvent {
          id
        }
      }
    }
  `,
  z.object({ resendWebhookEvent: z.object({ webhookEvent: z.object({ id: z.string() }) }) })
)
