import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import { dateTime, uint64 } from '../admin-api/scalars.ts'
import { amount, metadata, tenant } from './payments.ts'

const outgoingPayment = z.object({
  id: z.string(),
  walletAddressId: z.string(),
  client: z.string().nullable(),
  liquidity: uint64.nullable(),
  state: z.enum(['FUNDING', 'SENDING', 'COMPLETED', 'FAILED', 'CANCELLED']),
  error: z.string().nullable(),
  stateAttempts: z.number(),
  debitAmount: amount,
  receiveAmount: amount,
  sentAmount: amount,
  receiver: z.string(),
  metadata,
  quote: z
    .object({ id: z.string(), expiresAt: dateTime, estimatedExchangeRate: z.number().nullable() })
    .nullable(),
  createdAt: dateTime,
  grantId: z.string().nullable(),
  tenant
})
export type OutgoingPayment = z.output<typeof outgoingPayment>

export const GET_OUTGOING_PAYMENT = operation(
  /* GraphQL */ `
    query GetOutgoingPayment($id: String!) {
      outgoingPayment(id: $id) {
        id
        walletAddressId
        client
        liquidity
        state
        error
        stateAttempts
        debitAmount {
          value
          assetCode
          assetScale
        }
        receiveAmount {
          value
          assetCode
          assetScale
        }
        sentAmount {
          value
          assetCode
          assetScale
        }
        receiver
        metadata
        quote {
          id
          expiresAt
          estimatedExchangeRate
        }
        createdAt
        grantId
        tenant {
          id
          publicName
        }
      }
    }
  `,
  z.object({ outgoingPayment: outgoingPayment.nullable() })
)

/** The incoming payment that is paid: this node's own from its tables, another node's asked for over Open Payments. */
export const GET_RECEIVER = operation(
  /* GraphQL */ `
    query GetReceiver($id: String!) {
      receiver(id: $id) {
        walletAddressUrl
        completed
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
      }
    }
  `,
  z.object({
    receiver: z
      .object({
        walletAddressUrl: z.string(),
        completed: z.boolean(),
        incomingAmount: amount.nullable(),
        receivedAmount: amount
      })
      .nullable()
  })
)
export type Receiver = NonNullable<z.output<(typeof GET_RECEIVER)['data']>['receiver']>

export const DEPOSIT_OUTGOING_PAYMENT_LIQUIDITY = operation(
  /* GraphQL */ `
    mutation DepositOutgoingPaymentLiquidity($input: DepositOutgoingPaymentLiquidityInput!) {
      depositOutgoingPaymentLiquidity(input: $input) {
        success
      }
    }
  `,
  z.object({ depositOutgoingPaymentLiquidity: z.object({ success: z.boolean() }) })
)

export const WITHDRAW_OUTGOING_PAYMENT = operation(
  /* GraphQL */ `
    mutation WithdrawOutgoingPayment($input: CreateOutgoingPaymentWithdrawalInput!) {
      createOutgoingPaymentWithdrawal(input: $input) {
        success
      }
    }
  `,
  z.object({ createOutgoingPaymentWithdrawal: z.object({ success: z.boolean() }) })
)

export const CANCEL_OUTGOING_PAYMENT = operation(
  /* GraphQL */ `
    mutation CancelOutgoingPayment($input: CancelOutgoingPaymentInput!) {
      cancelOutgoingPayment(input: $input) {
        payment {
          id
        }
      }
    }
  `,
  z.object({ cancelOutgoingPayment: z.object({ payment: z.object({ id: z.string() }).nullable() }) })
)
