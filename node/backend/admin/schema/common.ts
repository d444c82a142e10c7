/** Scalars, pages, filters, amounts and the caller: what all nouns share. */
export const commonTypes = /* GraphQL */ `
  "A whole number from 0 to 255."
  scalar UInt8

  "A whole number from 0 to 18446744073709551615, written as a string: JSON numbers are not exact that far."
  scalar UInt64

  "An object of JSON."
  scalar JSONObject

  "What may be read. Everything is one's own, or for the operator everybody's."
  type Query {
    "Who signed this request."
    whoami: WhoamiResponse!
  }

  "What may be done. A repeat with the same \`idempotencyKey\` and arguments answers the same and does nothing."
  type Mutation

  "The tenant that signed a request."
  type WhoamiResponse {
    "Id of the tenant."
    id: String!
    "True for the tenant that operates this node and may act for all others."
    isOperator: Boolean!
  }

  "Something that is stored under an id."
  interface Model {
    "Id, a UUID."
    id: ID!
    "When it was created, in ISO 8601."
    createdAt: String!
  }

  "What incoming and outgoing payments have in common."
  interface BasePayment {
    "Id, a UUID."
    id: ID!
    "Id of the wallet address that the payment belongs to."
    walletAddressId: ID!
    "What the payment's creator attached to it."
    metadata: JSONObject
    "When it was created, in ISO 8601."
    createdAt: String!
    "Wallet address of the client that created it over Open Payments."
    client: String
  }

  "Where a page lies in its list. Cursors are ids."
  type PageInfo {
    "Cursor of the page's last entry: give it as \`after\` to go on. Null on an empty page."
    endCursor: String
    "Whether entries follow this page."
    hasNextPage: Boolean!
    "Whether entries precede this page."
    hasPreviousPage: Boolean!
    "Cursor of the page's first entry: give it as \`before\` to go back. Null on an empty page."
    startCursor: String
  }

  "The order of a list by creation time."
  enum SortOrder {
    "Oldest first."
    ASC
    "Newest first."
    DESC
  }

  "Which values a list is restricted to."
  input FilterString {
    "Only these."
    in: [String!]
    "All but these."
    notIn: [String!]
  }

  "An amount of an asset."
  type Amount {
    "Minor units: 100 at scale 2 is 1.00."
    value: UInt64!
    "Code of the asset, \`USD\` for example."
    assetCode: String!
    "Decimal places of one major unit."
    assetScale: UInt8!
  }

  "An amount of an asset."
  input AmountInput {
    "Minor units: 100 at scale 2 is 1.00."
    value: UInt64!
    "Code of the asset, \`USD\` for example."
    assetCode: String!
    "Decimal places of one major unit."
    assetScale: UInt8!
  }
`

/** The arguments of every list. */
export const PAGE_ARGUMENTS = `
    "Cursor: only entries behind this one."
    after: String
    "Cursor: only entries before this one."
    before: String
    "At most this many entries from the start, or behind \`after\` (20 when neither size is given, 100 at most)."
    first: Int
    "At most this many entries before \`before\`."
    last: Int
    "Newest first unless told otherwise."
    sortOrder: SortOrder`

/** A list's connection and edge types. */
export function connectionTypes({
  connection,
  edge,
  node,
  noun
}: {
  connection: string
  edge: string
  node: string
  noun: string
}): string {
  return `
  "A page of ${noun}."
  type ${connection} {
    "Where the page lies in its list."
    pageInfo: PageInfo!
    "The page's entries in order."
    edges: [${edge}!]!
  }

  "An entry of a page of ${noun}."
  type ${edge} {
    "The entry itself."
    node: ${node}!
    "The entry's cursor."
    cursor: String!
  }
`
}
