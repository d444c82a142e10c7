/** Tenants. */
import { connectionTypes, PAGE_ARGUMENTS } from './common.ts'

export const tenantTypes = /* GraphQL */ `
  extend type Query {
    "A tenant: oneself, or for the operator any."
    tenant("Id of the tenant." id: String!): Tenant!
    "All tenants, deleted ones too. For the operator."
    tenants(${PAGE_ARGUMENTS}): TenantsConnection!
  }

  extend type Mutation {
    "Creates a tenant, here and at the authorization server. For the operator. With an \`id\` it may be repeated."
    createTenant("The new tenant." input: CreateTenantInput!): TenantMutationResponse!
    "Changes a tenant: oneself, or for the operator any. What is not named stays, null takes it away."
    updateTenant("What changes." input: UpdateTenantInput!): TenantMutationResponse!
    "Deletes a tenant for good: its requests are refused, its peers and wallet addresses take no more money, its events go to the operator. For the operator."
    deleteTenant("Id of the tenant." id: String!): DeleteTenantMutationResponse!
    "Sets settings of one's own, all of them or none."
    createTenantSettings("The settings." input: CreateTenantSettingsInput!): CreateTenantSettingsMutationResponse
  }

  "An account servicing entity that uses this node."
  type Tenant implements Model {
    "Id of the tenant."
    id: ID!
    "Where its people are reached."
    email: String
    "Key of its signatures on this API."
    apiSecret: String!
    "Where its customers are asked for consent."
    idpConsentUrl: String
    "What its identity provider authenticates by."
    idpSecret: String
    "Its name for the public."
    publicName: String
    "When it was created, in ISO 8601."
    createdAt: String!
    "When it was deleted, in ISO 8601."
    deletedAt: String
    "The settings that are stored as its own. Where it has none the operator's configuration counts, which is not shown."
    settings: [TenantSetting!]!
  }

  "Names of settings."
  enum TenantSettingKey {
    "Where exchange rates come from."
    EXCHANGE_RATES_URL
    "Where events are sent to."
    WEBHOOK_URL
    "How long an event's receiver may take, in milliseconds."
    WEBHOOK_TIMEOUT
    "How often an event is sent at most."
    WEBHOOK_MAX_RETRY
    "Base URL of its wallet addresses."
    WALLET_ADDRESS_URL
    "ILP address of its payments."
    ILP_ADDRESS
  }

  "A setting of a tenant."
  type TenantSetting {
    "Its name."
    key: TenantSettingKey!
    "Its value."
    value: String!
  }

${connectionTypes({
  connection: 'TenantsConnection',
  edge: 'TenantEdge',
  node: 'Tenant',
  noun: 'tenants'
})}
  "A setting to be set."
  input TenantSettingInput {
    "Its name."
    key: TenantSettingKey!
    "Its value: URLs are http(s); numbers are whole, of milliseconds or attempts."
    value: String!
  }

  "A tenant to be created."
  input CreateTenantInput {
    "Id, a UUID: drawn where none is given."
    id: ID
    "Where its people are reached."
    email: String
    "Key of its signatures on the Admin APIs."
    apiSecret: String!
    "Where its customers are asked for consent."
    idpConsentUrl: String
    "What its identity provider authenticates by."
    idpSecret: String
    "Its name for the public."
    publicName: String
    "Settings that it starts with, over the defaults of WEBHOOK_TIMEOUT, WEBHOOK_MAX_RETRY and ILP_ADDRESS."
    settings: [TenantSettingInput!]
  }

  "What of a tenant changes."
  input UpdateTenantInput {
    "Id of the tenant."
    id: ID!
    "Where its people are reached."
    email: String
    "Key of its signatures on the Admin APIs. Not for the operator, whose own is its configuration's."
    apiSecret: String
    "Where its customers are asked for consent."
    idpConsentUrl: String
    "What its identity provider authenticates by."
    idpSecret: String
    "Its name for the public."
    publicName: String
  }

  "Settings to be set."
  input CreateTenantSettingsInput {
    "Each key at most once."
    settings: [TenantSettingInput!]!
  }

  "A tenant, as it stands now."
  type TenantMutationResponse {
    "The tenant."
    tenant: Tenant!
  }

  "Whether a tenant was deleted."
  type DeleteTenantMutationResponse {
    "True: it was."
    success: Boolean!
  }

  "Settings, as they stand now."
  type CreateTenantSettingsMutationResponse {
    "Those that were set."
    settings: [TenantSetting!]!
  }
`
