import { z } from 'zod'
import { operation } from '../admin-api/admin-api.ts'
import { dateTime } from '../admin-api/scalars.ts'
import { connection, PAGE_INFO } from '../ui/page-info.ts'

export const SETTING_KEYS = [
  'WALLET_ADDRESS_URL',
  'WEBHOOK_URL',
  'WEBHOOK_TIMEOUT',
  'WEBHOOK_MAX_RETRY',
  'EXCHANGE_RATES_URL',
  'ILP_ADDRESS'
] as const
export type SettingKey = (typeof SETTING_KEYS)[number]

export const LIST_TENANTS = operation(
  /* GraphQL */ `
    query ListTenants($after: String, $before: String, $first: Int, $last: Int) {
      tenants(after: $after, before: $before, first: $first, last: $last) {
        edges {
          node {
            id
            publicName
            email
            deletedAt
          }
        }
        ${PAGE_INFO}
      }
    }
  `,
  z.object({
    tenants: connection(
      z.object({
        id: z.string(),
        publicName: z.string().nullable(),
        email: z.string().nullable(),
        deletedAt: dateTime.nullable()
      })
    )
  })
)

/** All of a tenant but its secrets: they stay in the node. */
export const GET_TENANT = operation(
  /* GraphQL */ `
    query GetTenant($id: String!) {
      tenant(id: $id) {
        id
        publicName
        email
        idpConsentUrl
        createdAt
        deletedAt
        settings {
          key
          value
        }
      }
    }
  `,
  z.object({
    tenant: z.object({
      id: z.string(),
      publicName: z.string().nullable(),
      email: z.string().nullable(),
      idpConsentUrl: z.string().nullable(),
      createdAt: dateTime,
      deletedAt: dateTime.nullable(),
      settings: z.array(z.object({ key: z.enum(SETTING_KEYS), value: z.string() }))
    })
  })
)
export type Tenant = z.output<(typeof GET_TENANT)['data']>['tenant']

export const CREATE_TENANT = operation(
  /* GraphQL */ `
    mutation CreateTenant($input: CreateTenantInput!) {
      createTenant(input: $input) {
        tenant {
          id
        }
      }
    }
  `,
  z.object({ createTenant: z.object({ tenant: z.object({ id: z.string() }) }) })
)

export const UPDATE_TENANT = operation(
  /* GraphQL */ `
    mutation UpdateTenant($input: UpdateTenantInput!) {
      updateTenant(input: $input) {
        tenant {
          id
        }
      }
    }
  `,
  z.object({ updateTenant: z.object({ tenant: z.object({ id: z.string() }) }) })
)

export const DELETE_TENANT = operation(
  /* GraphQL */ `
    mutation DeleteTenant($id: String!) {
      deleteTenant(id: $id) {
        success
      }
    }
  `,
  z.object({ deleteTenant: z.object({ success: z.boolean() }) })
)

/** Of one's own alone: nobody sets another's. */
export const SET_SETTINGS = operation(
  /* GraphQL */ `
    mutation SetTenantSettings($input: CreateTenantSettingsInput!) {
      createTenantSettings(input: $input) {
        settings {
          key
        }
      }
    }
  `,
  z.object({
    createTenantSettings: z.object({ settings: z.array(z.object({ key: z.string() })) }).nullable()
  })
)
