import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import { dateTime, uint64 } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'

const tenant = z.object({ id: z.string(), publicName: z.string().nullable() }).nullable()
const status = z.enum(['ACTIVE', 'INACTIVE'])

export const LIST_WALLET_ADDRESSES = operation(
  /* GraphQL */ `
    query ListWalletAddresses($after: String, $before: String, $first: Int, $last: Int) {
      walletAddresses(after: $after, before: $before, first: $first, last: $last) {
        edges {
          node {
            id
            address
            publicName
            status
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
    walletAddresses: connection(
      z.object({
        id: z.string(),
        address: z.string(),
        publicName: z.string().nullable(),
        status,
        tenant
      })
    )
  })
)

const key = z.object({
  id: z.string(),
  revoked: z.boolean(),
  createdAt: dateTime,
  jwk: z.object({ kid: z.string(), x: z.string() })
})
export type WalletAddressKey = z.output<typeof key>

export const GET_WALLET_ADDRESS = operation(
  /* GraphQL */ `
    query GetWalletAddress($id: String!) {
      walletAddress(id: $id) {
        id
        address
        publicName
        status
        createdAt
        liquidity
        asset {
          id
          code
          scale
        }
        tenant {
          id
          publicName
        }
        additionalProperties {
          key
          value
          visibleInOpenPayments
        }
        walletAddressKeys(first: 100) {
          edges {
            node {
              id
              revoked
              createdAt
              jwk {
                kid
                x
              }
            }
          }
          ${PAGE_INFO}
        }
      }
    }
  `,
  z.object({
    walletAddress: z
      .object({
        id: z.string(),
        address: z.string(),
        publicName: z.string().nullable(),
        status,
        createdAt: dateTime,
        liquidity: uint64.nullable(),
        asset: z.object({ id: z.string(), code: z.string(), scale: z.number() }),
        tenant,
        additionalProperties: z
          .array(z.object({ key: z.string(), value: z.string(), visibleInOpenPayments: z.boolean() }))
          .nullable(),
        walletAddressKeys: connection(key).nullable()
      })
      .nullable()
  })
)
export type WalletAddress = NonNullable<z.output<(typeof GET_WALLET_ADDRESS)['data']>['walletAddress']>

export const CREATE_WALLET_ADDRESS = operation(
  /* GraphQL */ `
    mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
      createWalletAddress(input: $input) {
        walletAddress {
          id
          address
        }
      }
    }
  `,
  z.object({
    createWalletAddress: z.object({ walletAddress: z.object({ id: z.string(), address: z.string() }) })
  })
)

export const UPDATE_WALLET_ADDRESS = operation(
  /* GraphQL */ `
    mutation UpdateWalletAddress($input: UpdateWalletAddressInput!) {
      updateWalletAddress(input: $input) {
        walletAddress {
          id
        }
      }
    }
  `,
  z.object({ updateWalletAddress: z.object({ walletAddress: z.object({ id: z.string() }) }) })
)

export const WITHDRAW_WALLET_ADDRESS_LIQUIDITY = operation(
  /* GraphQL */ `
    mutation WithdrawWalletAddressLiquidity($input: CreateWalletAddressWithdrawalInput!) {
      createWalletAddressWithdrawal(input: $input) {
        withdrawal {
          id
        }
      }
    }
  `,
  z.object({
    createWalletAddressWithdrawal: z.object({ withdrawal: z.object({ id: z.string() }).nullable() })
  })
)

export const CREATE_KEY = operation(
  /* GraphQL */ `
    mutation CreateWalletAddressKey($input: CreateWalletAddressKeyInput!) {
      createWalletAddressKey(input: $input) {
        walletAddressKey {
          id
        }
      }
    }
  `,
  z.object({
    createWalletAddressKey: z.object({ walletAddressKey: z.object({ id: z.string() }) }).nullable()
  })
)

export const REVOKE_KEY = operation(
  /* GraphQL */ `
    mutation RevokeWalletAddressKey($input: RevokeWalletAddressKeyInput!) {
      revokeWalletAddressKey(input: $input) {
        walletAddressKey {
          id
        }
      }
    }
  `,
  z.object({
    revokeWalletAddressKey: z.object({ walletAddressKey: z.object({ id: z.string() }) }).nullable()
  })
)

/** The prefixes that tenants' wallet addresses have, where they are set. */
export const WALLET_ADDRESS_PREFIXES = operation(
  /* GraphQL */ `
    query WalletAddressPrefixes {
      tenants(first: 100) {
        edges {
          node {
            id
            publicName
            deletedAt
            settings {
              key
              value
            }
          }
        }
      }
    }
  `,
  z.object({
    tenants: z.object({
      edges: z.array(
        z.object({
          node: z.object({
            id: z.string(),
            publicName: z.string().nullable(),
            deletedAt: z.string().nullable(),
            settings: z.array(z.object({ key: z.string(), value: z.string() }))
          })
        })
      )
    })
  })
)
