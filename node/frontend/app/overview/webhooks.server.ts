import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import type { AdminApi } from '../admin-api/admin-api.ts'
import { dateTime } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'

const FAILED_WEBHOOKS = operation(
  /* GraphQL */ `
    query FailedWebhooks($filter: WebhookEventFilter, $first: Int) {
      webhookEvents(filter: $filter, first: $first) {
        edges {
          node {
            id
            type
            createdAt
            deliveries {
              state
              attempts
              statusCode
              lastError
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
        deliveries: z.array(
          z.object({
            state: z.string(),
            attempts: z.number(),
            statusCode: z.number().nullable(),
            lastError: z.string().nullable()
          })
        )
      })
    )
  })
)

/** As many are counted: the Admin API has lists, no counts. */
const COUNTED = 100
const SHOWN = 5

/** What was given up: webhook events that at least one receiver did not take. */
export interface FailedWebhooks {
  count: number
  /** There are more than were counted. */
  hasMore: boolean
  newest: { id: string; type: string; createdAt: string; reason: string }[]
}

export async function loadFailedWebhooks(api: AdminApi): Promise<FailedWebhooks> {
  // One list for both: finding what was given up among many events is what costs the node time.
  const { webhookEvents } = await api.call(FAILED_WEBHOOKS, {
    first: COUNTED,
    // A filter of its own on types: else funded and cancelled payments would be left out (facts 1.9).
    filter: { deliveryState: 'FAILED', type: { notIn: [] } }
  })
  return {
    count: webhookEvents.edges.length,
    hasMore: webhookEvents.pageInfo.hasNextPage,
    newest: webhookEvents.edges.slice(0, SHOWN).map(({ node: { deliveries, ...event } }) => ({
      ...event,
      reason: deliveries
        .filter(({ state }) => state === 'FAILED')
        .map(({ attempts, statusCode, lastError }) => {
          const tried = attempts === 1 ? '1 attempt' : `${attempts} attempts`
          return `${tried}: ${lastError ?? (statusCode === null ? 'no answer' : `answered ${statusCode}`)}`
        })
        .join('; ')
    }))
  }
}
