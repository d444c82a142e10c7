import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import type { AdminApi } from '../admin-api/admin-api.ts'
import { dateTime } from '../admin-api/scalars.ts'
import { HOUR_MS, HOURS } from './day.ts'
import type { Day } from './day.ts'

const PAYMENT_STATES = operation(
  /* GraphQL */ `
    query PaymentStates($since: String!, $bucketSeconds: Int!) {
      paymentStates(since: $since, bucketSeconds: $bucketSeconds) {
        type
        state
        bucketStart
        count
      }
    }
  `,
  z.object({
    paymentStates: z.array(
      z.object({
        type: z.enum(['INCOMING', 'OUTGOING']),
        state: z.string(),
        bucketStart: dateTime,
        count: z.number()
      })
    )
  })
)

/** The payments that were created in the last 24 hours, the one under way among them, by the state they are in. */
export async function loadPaymentStates(api: AdminApi, nowMs: number): Promise<Day> {
  const sinceMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS - (HOURS - 1) * HOUR_MS
  const since = new Date(sinceMs).toISOString()
  const { paymentStates } = await api.call(PAYMENT_STATES, { since, bucketSeconds: HOUR_MS / 1_000 })
  return {
    since,
    counts: paymentStates.map(({ type, state, bucketStart, count }) => ({
      type,
      state,
      hour: Math.floor((Date.parse(bucketStart) - sinceMs) / HOUR_MS),
      count
    }))
  }
}
