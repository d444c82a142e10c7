/** Tenants and webhook events. */
import { connectionTypes, PAGE_ARGUMENTS } from './common.ts'

export const tenantTypes = /* GraphQL */ `
  extend type Query {
    "A tenant: oneself, or for the operator any."
    tenant("Id of the tenant." id: String!): Tenant!
    "Webhook events: one's own, or for the operator those of all tenants."
    webhookEvents(${PAGE_ARGUMENTS}
    "Which of them. Events for the card service are left out unless \`notIn\` says otherwise."
    filter: WebhookEventFilter
    "For the operator: only this tenant's."
    tenantId: String
    ): WebhookEventsConnection!
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
    "The settings in force: its own, else the operator's."
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

  "Something that a wallet was told."
  type WebhookEvent implements Model {
    "Id of the event, the same in every delivery."
    id: ID!
    "The tenant that it belongs to."
    tenant: Tenant
    "Type, \`incoming_payment.completed\` for example."
    type: String!
    "What happened."
    data: JSONObject!
    "When it happened, in ISO 8601."
    createdAt: String!
  }
${connectionTypes({
  connection: 'WebhookEventsConnection',
  edge: 'WebhookEventsEdge',
  node: 'WebhookEvent',
  noun: 'webhook events'
})}
  "Which webhook events a list holds."
  input WebhookEventFilter {
    "By type."
    type: FilterString
  }
`
