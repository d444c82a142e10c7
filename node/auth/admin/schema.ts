import type { GraphQLSchema } from 'graphql'
import { createSchema } from 'graphql-yoga'
import { UInt64, UInt8 } from '../../admin-api/index.ts'
import { resolvers } from './resolvers.ts'
import type { ResolverContext } from './resolvers.ts'

export { createResolverContext } from './resolvers.ts'

const typeDefs = /* GraphQL */ `
  type Query {
    "A page of grants. The operator sees those of every tenant, or of the one named; a tenant its own."
    grants(
      "The cursor after which the page begins."
      after: String
      "The cursor before which the page ends."
      before: String
      "How many to show: 20 unless said otherwise, at most 100."
      first: Int
      "How many to show before the cursor \`before\`."
      last: Int
      "Only grants that match every condition."
      filter: GrantFilter
      "Newest first unless said otherwise."
      sortOrder: SortOrder
      "For the operator: only grants of this tenant."
      tenantId: ID
    ): GrantsConnection!
    "One grant."
    grant("Id of the grant." id: ID!): Grant!
  }

  type Mutation {
    "Ends a grant with all its access tokens. Payments that were created under it go on; new ones are refused."
    revokeGrant(input: RevokeGrantInput!): RevokeGrantMutationResponse!
  }

  "A whole number from 0 to 255."
  scalar UInt8

  "A whole number from 0 to 18446744073709551615, written as a string."
  scalar UInt64

  enum GrantState {
    "Not looked at yet."
    PROCESSING
    "Waits for the account holder's decision."
    PENDING
    "Granted; the access token may be fetched, or was issued with the answer."
    APPROVED
    "Over: see the reason."
    FINALIZED
  }

  enum GrantFinalization {
    "An access token was issued."
    ISSUED
    "Ended by the client or over this API."
    REVOKED
    "The account holder declined."
    REJECTED
  }

  enum SortOrder {
    "Oldest first."
    ASC
    "Newest first."
    DESC
  }

  "What has an id and a time of creation."
  interface Model {
    id: ID!
    createdAt: String!
  }

  type PageInfo {
    "Cursor of the page's last element."
    endCursor: String
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    "Cursor of the page's first element."
    startCursor: String
  }

  type GrantsConnection {
    pageInfo: PageInfo!
    edges: [GrantEdge!]!
  }

  type GrantEdge {
    node: Grant!
    cursor: String!
  }

  type Grant implements Model {
    id: ID!
    "Wallet address of the client; null where the client is known by its key alone."
    client: String
    "What the grant allows."
    access: [Access!]!
    "Whom the client asks to be told about."
    subject: Subject
    state: GrantState!
    "Why the grant is over."
    finalizationReason: GrantFinalization
    createdAt: String!
    tenantId: ID!
  }

  type Access implements Model {
    id: ID!
    "The resource that the access is limited to: a wallet address."
    identifier: String
    "incoming-payment, outgoing-payment or quote."
    type: String!
    actions: [String]!
    limits: LimitData
    createdAt: String!
  }

  type Subject {
    sub_ids: [SubjectItem!]!
  }

  type SubjectItem implements Model {
    id: ID!
    subId: String!
    subIdFormat: String!
    createdAt: String!
  }

  type LimitData {
    "The incoming payment that may be paid."
    receiver: String
    "What may be debited, per interval where there is one."
    debitAmount: PaymentAmount
    "What may be received, per interval where there is one."
    receiveAmount: PaymentAmount
    "ISO 8601 repeating interval after which the amounts begin anew."
    interval: String
  }

  type PaymentAmount {
    "Minor units."
    value: UInt64!
    assetCode: String!
    assetScale: UInt8!
  }

  type RevokeGrantMutationResponse {
    "Id of the grant."
    id: ID!
  }

  input GrantFilter {
    "By wallet address of an access item."
    identifier: FilterString
    state: FilterGrantState
    "Grants that are not over pass \`notIn\`."
    finalizationReason: FilterFinalizationReason
  }

  input FilterString {
    in: [String!]
  }

  input FilterGrantState {
    in: [GrantState!]
    notIn: [GrantState!]
  }

  input FilterFinalizationReason {
    in: [GrantFinalization!]
    notIn: [GrantFinalization!]
  }

  input RevokeGrantInput {
    "Id of the grant."
    grantId: String!
  }
`

/** The Admin API of the authorization server. */
export function createAuthSchema(): GraphQLSchema {
  return createSchema<ResolverContext>({
    typeDefs,
    resolvers: { ...resolvers, UInt8, UInt64 }
  })
}
