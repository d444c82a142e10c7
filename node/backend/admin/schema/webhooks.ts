/** Webhook events and what became of them. */
import { connectionTypes, PAGE_ARGUMENTS } from './common.ts'

export const webhookTypes = /* GraphQL */ `
  extend type Query {
    "Webhook events: one's own, or for the operator those of all tenants."
    webhookEvents(${PAGE_ARGUMENTS}
    "Which of them. Events for the card service are left out unless \`notIn\` says otherwise."
    filter: WebhookEventFilter
    "For the operator: only this tenant's."
    tenantId: String
    ): WebhookEventsConnection!
  }

  extend type Mutation {
    "Sends a webhook event again whose deliveries were given up, at once and out of turn. The event keeps its id."
    resendWebhookEvent("Which event." input: ResendWebhookEventInput!): ResendWebhookEventMutationResponse!
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
    "What became of it at each receiver that is one's own business; for the operator, at all of them."
    deliveries: [WebhookDelivery!]!
  }
${connectionTypes({
  connection: 'WebhookEventsConnection',
  edge: 'WebhookEventsEdge',
  node: 'WebhookEvent',
  noun: 'webhook events'
})}
  "A webhook event on its way to one receiver."
  type WebhookDelivery {
    "Id of the delivery."
    id: ID!
    "Id of the tenant that it is sent to, or \`card-service\`, \`point-of-sale\`."
    receiver: String!
    "How far it is."
    state: WebhookDeliveryState!
    "How often it was tried since the event happened, or since it was last sent again by hand."
    attempts: Int!
    "What the receiver answered last; null where it did not."
    statusCode: Int
    "Why there was no answer to the last attempt."
    lastError: String
    "When it is tried next, in ISO 8601; while an attempt is under way, when it counts as lost."
    processAt: String
    "When it changed last, in ISO 8601."
    updatedAt: String!
  }

  "How far a delivery is."
  enum WebhookDeliveryState {
    "It is being tried, or will be; or it waits behind an earlier event of the same resource."
    PENDING
    "The receiver answered 200."
    DELIVERED
    "All attempts failed. It is kept, and sent again by \`resendWebhookEvent\` alone."
    FAILED
  }

  "Which webhook events a list holds."
  input WebhookEventFilter {
    "By type."
    type: FilterString
    "Only events that have a delivery in this state: \`FAILED\` lists what was given up."
    deliveryState: WebhookDeliveryState
    "By the id of what the event is about: a payment, wallet address, peer or asset. Only \`in\`."
    resourceId: FilterString
  }

  "What \`resendWebhookEvent\` is asked."
  input ResendWebhookEventInput {
    "Id of the event."
    id: ID!
    "One of its deliveries, which may have been delivered already. Without it: all that were given up."
    deliveryId: ID
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`resendWebhookEvent\` answers."
  type ResendWebhookEventMutationResponse {
    "The event, with its deliveries as they are now."
    webhookEvent: WebhookEvent!
  }
`
