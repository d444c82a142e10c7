import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import type { AdminApi } from '../admin-api/admin-api.ts'
import { dateTime, uint64 } from '../admin-api/scalars.ts'

const entry = z.object({
  at: dateTime,
  kind: z.enum(['STATE', 'WEBHOOK', 'TRANSFER']),
  title: z.string(),
  detail: z.string().nullable(),
  amount: uint64.nullable(),
  assetCode: z.string().nullable(),
  assetScale: z.number().nullable(),
  count: z.number().nullable(),
  id: z.string().nullable()
})
export type TimelineEntry = z.output<typeof entry>

const answer = z.object({ payment: z.object({ timeline: z.array(entry) }).nullable() })

const TIMELINE = {
  incoming: operation(
    /* GraphQL */ `
      query IncomingTimeline($id: String!) {
        payment: incomingPayment(id: $id) {
          timeline {
            at
            kind
            title
            detail
            amount
            assetCode
            assetScale
            count
            id
          }
        }
      }
    `,
    answer
  ),
  outgoing: operation(
    /* GraphQL */ `
      query OutgoingTimeline($id: String!) {
        payment: outgoingPayment(id: $id) {
          timeline {
            at
            kind
            title
            detail
            amount
            assetCode
            assetScale
            count
            id
          }
        }
      }
    `,
    answer
  )
}

/** What happened to a payment, oldest first: states, webhooks, and what the ledger moved for it. */
export async function getTimeline(
  api: AdminApi,
  kind: keyof typeof TIMELINE,
  id: string
): Promise<TimelineEntry[]> {
  const { payment } = await api.call(TIMELINE[kind], { id })
  return payment?.timeline ?? []
}
