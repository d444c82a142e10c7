import type { GraphQLSchema } from 'graphql'
import { createSchema } from 'graphql-yoga'
import { UInt64, UInt8 } from '../../admin-api/index.ts'
import { resolvers } from './resolvers.ts'
import type { ResolverContext } from './resolvers.ts'

export { createResolverContext } from './resolvers.ts'

const typeDefs = /* GraphQL */ `
  "What may be read. A tenant sees its own grants, the operator everybody's."
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

  "What may be done."
  type Mutation {
    "Ends a grant with all its access tokens. Payments that were created under it go on; new ones are refused."
    revokeGrant("Which grant." input: RevokeGrantInput!): RevokeGrantMutationResponse!
  }

  "A whole number from 0 to 255."
  scalar UInt8

  "A whole number from 0 to 18446744073709551615, written as a string."
  scalar UInt64

  "How far a grant is."
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

  "Why a grant is over."
  enum GrantFinalization {
    "An access token was issued."
    ISSUED
    "Ended by the client or over this API."
    REVOKED
    "The account holder declined."
    REJECTED
  }

  "The order of a list by creation time."
  enum SortOrder {
    "Oldest first."
    ASC
    "Newest first."
    DESC
  }

  "What has an id and a time of creation."
  interface Model {
    "Id, a UUID."
    id: ID!
    "When it was created, in ISO 8601."
    createdAt: String!
  }

  "Where a page lies in its list. Cursors are ids."
  type PageInfo {
    "Cursor of the page's last element."
    endCursor: String
    "Whether entries follow this page."
    hasNextPage: Boolean!
    "Whether entries precede this page."
    hasPreviousPage: Boolean!
    "Cursor of the page's first element."
    startCursor: String
  }

  "A page of grants."
  type GrantsConnection {
    "Where the page lies in its list."
    pageInfo: PageInfo!
    "The page's entries in order."
    edges: [GrantEdge!]!
  }

  "An entry of a page of grants."
  type GrantEdge {
    "The grant."
    node: Grant!
    "The entry's cursor."
    cursor: String!
  }

  "What an account holder, or a policy, lets a client do (RFC 9635, GNAP)."
  type Grant implements Model {
    "Id of the grant."
    id: ID!
    "Wallet address of the client; null where the client is known by its key alone."
    client: String
    "What the grant allows."
    access: [Access!]!
    "Whom the client asks to be told about."
    subject: Subject
    "How far it is."
    state: GrantState!
    "Why the grant is over."
    finalizationReason: GrantFinalization
    "When it was asked for, in ISO 8601."
    createdAt: String!
    "Id of the tenant that it belongs to."
    tenantId: ID!
  }

  "One kind of access that a grant gives."
  type Access implements Model {
    "Id of the access item."
    id: ID!
    "The resource that the access is limited to: a wallet address."
    identifier: String
    "What it is for: \`incoming-payment\`, \`outgoing-payment\` or \`quote\`."
    type: String!
    "What may be done: \`create\`, \`read\`, \`list\` and so on."
    actions: [String]!
    "How much may be done. Null: no limits."
    limits: LimitData
    "When it was asked for, in ISO 8601."
    createdAt: String!
  }

  "Whom a client asks to be told about."
  type Subject {
    "Its identifiers."
    sub_ids: [SubjectItem!]!
  }

  "One identifier of a subject."
  type SubjectItem implements Model {
    "Id of the entry."
    id: ID!
    "The identifier: a wallet address."
    subId: String!
    "Its format: \`uri\`."
    subIdFormat: String!
    "When it was asked for, in ISO 8601."
    createdAt: String!
  }

  "How much an access allows."
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

  "An amount of an asset."
  type PaymentAmount {
    "Minor units."
    value: UInt64!
    "Code of the asset, \`USD\` for example."
    assetCode: String!
    "Decimal places of one major unit."
    assetScale: UInt8!
  }

  "What \`revokeGrant\` answers."
  type RevokeGrantMutationResponse {
    "Id of the grant."
    id: ID!
  }

  "Which grants a list holds: every condition must hold."
  input GrantFilter {
    "By wallet address of an access item."
    identifier: FilterString
    "By state."
    state: FilterGrantState
    "Grants that are not over pass \`notIn\`."
    finalizationReason: FilterFinalizationReason
  }

  "Which texts a list is restricted to."
  input FilterString {
    "Only these."
    in: [String!]
  }

  "Which states a list is restricted to."
  input FilterGrantState {
    "Only these."
    in: [GrantState!]
    "All but these."
    notIn: [GrantState!]
  }

  "Which reasons a list is restricted to."
  input FilterFinalizationReason {
    "Only these."
    in: [GrantFinalization!]
    "All but these."
    notIn: [GrantFinalization!]
  }

  "What \`revokeGrant\` is asked."
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
