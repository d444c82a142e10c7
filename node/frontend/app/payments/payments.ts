import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import { dateTime, uint64 } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'

/** Whose a payment is. */
export const tenant = z.object({ id: z.string(), publicName: z.string().nullable() }).nullable()

/** An amount and its asset: `value` in minor units. */
export const amount = z.object({ value: uint64, assetCode: z.string(), assetScale: z.number() })
export type Amount = z.output<typeof amount>

/** What a payment's creator attached to it. */
export const metadata = z.record(z.string(), z.unknown()).nullable()

export const LIST_PAYMENTS = operation(
  /* GraphQL */ `
    query ListPayments(
      $after: String
      $before: String
      $first: Int
      $last: Int
      $filter: PaymentFilter
      $tenantId: String
    ) {
      payments(
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
            state
            createdAt
            tenant {
              id
              publicName
            }
          }
        }
        ${PAGE_INFO}
      }
    }
  `,
  z.object({
    payments: connection(
      z.object({
        id: z.string(),
        type: z.enum(['INCOMING', 'OUTGOING']),
        state: z.string(),
        createdAt: dateTime,
        tenant
      })
    )
  })
)

/** Who pays or is paid. */
export const GET_WALLET_ADDRESS = operation(
  /* GraphQL */ `
    query GetPaymentsWalletAddress($id: String!) {
      walletAddress(id: $id) {
        id
        address
        asset {
          code
          scale
        }
      }
    }
  `,
  z.object({
    walletAddress: z
      .object({
        id: z.string(),
        address: z.string(),
        asset: z.object({ code: z.string(), scale: z.number() })
      })
      .nullable()
  })
)
