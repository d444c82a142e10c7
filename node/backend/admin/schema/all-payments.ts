import { connectionTypes, PAGE_ARGUMENTS } from './common.ts'

/** Payments of both kinds as one list. */
export const allPaymentTypes = /* GraphQL */ `
  extend type Query {
    "Incoming and outgoing payments in one list: one's own, or for the operator those of all tenants."
    payments(${PAGE_ARGUMENTS}
    "Which of them."
    filter: PaymentFilter
    "For the operator: only this tenant's."
    tenantId: String
    ): PaymentConnection!
    "How many payments of those created since then are in which state now: one's own, or for the operator all tenants'. Oldest first; what has none is left out."
    paymentStates(
      "When the first bucket begins, in ISO 8601: at most 31 days ago."
      since: String!
      "How long each bucket is: there are at most 200 until now."
      bucketSeconds: Int!
    ): [PaymentStateCount!]!
  }

  "How many payments of a kind that were created in a stretch of time are in a state now."
  type PaymentStateCount {
    "Kind of the payments."
    type: PaymentType!
    "The state that they are in: an \`IncomingPaymentState\` or an \`OutgoingPaymentState\`."
    state: String!
    "When the bucket begins that they were created in, in ISO 8601."
    bucketStart: String!
    "How many they are."
    count: Int!
  }

  "Kinds of payments."
  enum PaymentType {
    "A payment into a wallet address."
    INCOMING
    "A payment out of a wallet address."
    OUTGOING
  }

  "A payment into or out of a wallet address."
  type Payment implements BasePayment & Model {
    "Id of the payment: the same as among payments of its kind."
    id: ID!
    "Kind of the payment."
    type: PaymentType!
    "Id of the wallet address that is paid, or that pays."
    walletAddressId: ID!
    "Wallet address of the client that created it over Open Payments."
    client: String
    "How far it is: an \`IncomingPaymentState\` or an \`OutgoingPaymentState\`."
    state: String!
    "What its account holds, in minor units. Null: it has no account yet."
    liquidity: UInt64
    "What its creator attached to it."
    metadata: JSONObject
    "When it was created, in ISO 8601."
    createdAt: String!
    "The tenant that it belongs to."
    tenant: Tenant
  }
${connectionTypes({
  connection: 'PaymentConnection',
  edge: 'PaymentEdge',
  node: 'Payment',
  noun: 'payments'
})}
  "Which payments a list holds."
  input PaymentFilter {
    "By kind: \`INCOMING\` or \`OUTGOING\`."
    type: FilterString
    "By the id of the wallet address. Only \`in\`."
    walletAddressId: FilterString
    "By state, of either kind: a state that one kind does not have is one of the other's payments alone."
    state: FilterString
    "By the URL of the incoming payment that is paid, which outgoing payments alone have. Only \`in\`."
    receiver: FilterString
    "Only those created at this time or later, in ISO 8601."
    createdAfter: String
    "Only those created before this time, in ISO 8601."
    createdBefore: String
  }
`
