import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import { dateTime, uint64 } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'

const tenant = z.object({ id: z.string(), publicName: z.string().nullable() }).nullable()

const fee = z.object({
  id: z.string(),
  type: z.enum(['SENDING', 'RECEIVING']),
  fixed: uint64,
  basisPoints: z.number(),
  createdAt: dateTime
})
export type Fee = z.output<typeof fee>

export const LIST_ASSETS = operation(
  /* GraphQL */ `
    query ListAssets($after: String, $before: String, $first: Int, $last: Int) {
      assets(after: $after, before: $before, first: $first, last: $last) {
        edges {
          node {
            id
            code
            scale
            withdrawalThreshold
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
    assets: connection(
      z.object({
        id: z.string(),
        code: z.string(),
        scale: z.number(),
        withdrawalThreshold: uint64.nullable(),
        tenant
      })
    )
  })
)

export const GET_ASSET = operation(
  /* GraphQL */ `
    query GetAsset($id: String!) {
      asset(id: $id) {
        id
        code
        scale
        liquidity
        withdrawalThreshold
        liquidityThreshold
        createdAt
        tenant {
          id
          publicName
        }
        sendingFee {
          id
          type
          fixed
          basisPoints
          createdAt
        }
        receivingFee {
          id
          type
          fixed
          basisPoints
          createdAt
        }
      }
    }
  `,
  z.object({
    asset: z
      .object({
        id: z.string(),
        code: z.string(),
        scale: z.number(),
        liquidity: uint64.nullable(),
        withdrawalThreshold: uint64.nullable(),
        liquidityThreshold: uint64.nullable(),
        createdAt: dateTime,
        tenant,
        sendingFee: fee.nullable(),
        receivingFee: fee.nullable()
      })
      .nullable()
  })
)

export const LIST_FEES = operation(
  /* GraphQL */ `
    query ListFees($id: String!, $after: String, $before: String, $first: Int, $last: Int) {
      asset(id: $id) {
        id
        code
        scale
        fees(after: $after, before: $before, first: $first, last: $last) {
          edges {
            node {
              id
              type
              fixed
              basisPoints
              createdAt
            }
          }
          ${PAGE_INFO}
        }
      }
    }
  `,
  z.object({
    asset: z
      .object({ id: z.string(), code: z.string(), scale: z.number(), fees: connection(fee).nullable() })
      .nullable()
  })
)

export const CREATE_ASSET = operation(
  /* GraphQL */ `
    mutation CreateAsset($input: CreateAssetInput!) {
      createAsset(input: $input) {
        asset {
          id
        }
      }
    }
  `,
  z.object({ createAsset: z.object({ asset: z.object({ id: z.string() }) }) })
)

export const UPDATE_ASSET = operation(
  /* GraphQL */ `
    mutation UpdateAsset($input: UpdateAssetInput!) {
      updateAsset(input: $input) {
        asset {
          id
        }
      }
    }
  `,
  z.object({ updateAsset: z.object({ asset: z.object({ id: z.string() }) }) })
)

export const DELETE_ASSET = operation(
  /* GraphQL */ `
    mutation DeleteAsset($input: DeleteAssetInput!) {
      deleteAsset(input: $input) {
        asset {
          id
        }
      }
    }
  `,
  z.object({ deleteAsset: z.object({ asset: z.object({ id: z.string() }).nullable() }) })
)

export const SET_FEE = operation(
  /* GraphQL */ `
    mutation SetFee($input: SetFeeInput!) {
      setFee(input: $input) {
        fee {
          id
        }
      }
    }
  `,
  z.object({ setFee: z.object({ fee: z.object({ id: z.string() }) }) })
)

export const DEPOSIT_ASSET_LIQUIDITY = operation(
  /* GraphQL */ `
    mutation DepositAssetLiquidity($input: DepositAssetLiquidityInput!) {
      depositAssetLiquidity(input: $input) {
        success
      }
    }
  `,
  z.object({ depositAssetLiquidity: z.object({ success: z.boolean() }) })
)

export const WITHDRAW_ASSET_LIQUIDITY = operation(
  /* GraphQL */ `
    mutation WithdrawAssetLiquidity($input: CreateAssetLiquidityWithdrawalInput!) {
      createAssetLiquidityWithdrawal(input: $input) {
        success
      }
    }
  `,
  z.object({ createAssetLiquidityWithdrawal: z.object({ success: z.boolean() }) })
)
