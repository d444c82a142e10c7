import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import { dateTime, uint64 } from '../admin-api/scalars.ts'
import { amount, metadata, tenant } from './payments.ts'

const incomingPayment = z.object({
  id: z.string(),
  url: z.string(),
  walletAddressId: z.string(),
  client: z.string().nullable(),
  liquidity: uint64.nullable(),
  state: z.enum(['PENDING', 'PROCESSING', 'COMPLETED', 'EXPIRED']),
  expiresAt: dateTime,
  incomingAmount: amount.nullable(),
  receivedAmount: amount,
  metadata,
  createdAt: dateTime,
  senderWalletAddress: z.string().nullable(),
  cancellationReason: z.string().nullable(),
  cancelledAt: dateTime.nullable(),
  tenant
})
export type IncomingPayment = z.output<typeof incomingPayment>

export const GET_INCOMING_PAYMENT = operation(
  /* GraphQL */ `
    query GetIncomingPayment($id: String!) {
      incomingPayment(id: $id) {
        id
        url
        walletAddressId
        client
        liquidity
        state
        expiresAt
        incomingAmount {
          value
          assetCode
          assetScale
        }
        receivedAmount {
          value
          assetCode
          assetScale
        }
        metadata
        createdAt
        senderWalletAddress
        cancellationReason
        cancelledAt
        tenant {
          id
          publicName
        }
      }
    }
  `,
  z.object({ incomingPayment: incomingPayment.nullable() })
)

export const WITHDRAW_INCOMING_PAYMENT = operation(
  /* GraphQL */ `
    mutation WithdrawIncomingPayment($input: CreateIncomingPaymentWithdrawalInput!) {
      createIncomingPaymentWithdrawal(input: $input) {
        success
      }
    }
  `,
  z.object({ createIncomingPaymentWithdrawal: z.object({ success: z.boolean() }) })
)

export const APPROVE_INCOMING_PAYMENT = operation(
  /* GraphQL */ `
    mutation ApproveIncomingPayment($input: ApproveIncomingPaymentInput!) {
      approveIncomingPayment(input: $input) {
        payment {
          id
        }
      }
    }
  `,
  z.object({ approveIncomingPayment: z.object({ payment: z.object({ id: z.string() }).nullable() }) })
)

export const CANCEL_INCOMING_PAYMENT = operation(
  /* GraphQL */ `
    mutation CancelIncomingPayment($input: CancelIncomingPaymentInput!) {
      cancelIncomingPayment(input: $input) {
        payment {
          id
        }
      }
    }
  `,
  z.object({ cancelIncomingPayment: z.object({ payment: z.object({ id: z.string() }).nullable() }) })
)
