import { connectionTypes, PAGE_ARGUMENTS } from './common.ts'

/** Wallet addresses, their keys and additional properties. */
export const walletAddressTypes = /* GraphQL */ `
  extend type Query {
    "A wallet address by its id."
    walletAddress("Id of the wallet address." id: String!): WalletAddress
    "A wallet address by its URL, whatever its letter case; null where there is none."
    walletAddressByUrl("URL of the wallet address." url: String!): WalletAddress
    "Wallet addresses: one's own, or for the operator those of all tenants."
    walletAddresses(${PAGE_ARGUMENTS}
    "For the operator: only this tenant's."
    tenantId: String
    ): WalletAddressesConnection!
  }

  extend type Mutation {
    "Creates a wallet address."
    createWalletAddress(
      "What is to be created."
      input: CreateWalletAddressInput!
    ): CreateWalletAddressMutationResponse!
    "Changes a wallet address of the signing tenant. What is not given stays."
    updateWalletAddress(
      "Which wallet address, and what changes."
      input: UpdateWalletAddressInput!
    ): UpdateWalletAddressMutationResponse!
    "Adds a public key: who holds its private half may sign as this wallet address."
    createWalletAddressKey(
      "The key, and whose it is."
      input: CreateWalletAddressKeyInput!
    ): CreateWalletAddressKeyMutationResponse
    "Revokes a key. It disappears from the published key set at once."
    revokeWalletAddressKey(
      "Which key."
      input: RevokeWalletAddressKeyInput!
    ): RevokeWalletAddressKeyMutationResponse
    "Tells the wallets of wallet addresses that were paid themselves, where that is due."
    triggerWalletAddressEvents(
      "How many at most."
      input: TriggerWalletAddressEventsInput!
    ): TriggerWalletAddressEventsMutationResponse!
  }

  "Whether a wallet address serves requests."
  enum WalletAddressStatus {
    "It does not: payments to it end after a period of grace."
    INACTIVE
    "It does."
    ACTIVE
  }

  "A URL that stands for an account in Open Payments."
  type WalletAddress implements Model {
    "Id of the wallet address."
    id: ID!
    "Asset of the account."
    asset: Asset!
    "Money that was received directly and not withdrawn, in minor units. Null: it never received any."
    liquidity: UInt64
    "The URL, in lower case."
    address: String!
    "What the public knows the account holder by."
    publicName: String
    "Payments into the account."
    incomingPayments(${PAGE_ARGUMENTS}
    "Which of them."
    filter: IncomingPaymentFilter
    ): IncomingPaymentConnection
    "Quotes for payments out of the account."
    quotes(${PAGE_ARGUMENTS}
    ): QuoteConnection
    "Payments out of the account."
    outgoingPayments(${PAGE_ARGUMENTS}
    ): OutgoingPaymentConnection
    "When it was created, in ISO 8601."
    createdAt: String!
    "Whether it serves requests."
    status: WalletAddressStatus!
    "Its keys, revoked ones included."
    walletAddressKeys(${PAGE_ARGUMENTS}
    ): WalletAddressKeyConnection
    "Properties that the wallet attached."
    additionalProperties: [AdditionalProperty]
    "The tenant that it belongs to."
    tenant: Tenant
  }
${connectionTypes({
  connection: 'WalletAddressesConnection',
  edge: 'WalletAddressEdge',
  node: 'WalletAddress',
  noun: 'wallet addresses'
})}
${connectionTypes({
  connection: 'WalletAddressKeyConnection',
  edge: 'WalletAddressKeyEdge',
  node: 'WalletAddressKey',
  noun: 'keys'
})}
  "A property that the wallet attached to a wallet address."
  type AdditionalProperty {
    "Name of the property."
    key: String!
    "Its value."
    value: String!
    "Whether the public wallet address document shows it."
    visibleInOpenPayments: Boolean!
  }

  "Algorithms of keys."
  enum Alg {
    "Edwards-curve signatures (RFC 8037)."
    EdDSA
  }

  "Key types."
  enum Kty {
    "Octet key pair (RFC 8037)."
    OKP
  }

  "Curves of keys."
  enum Crv {
    "Ed25519 (RFC 8032)."
    Ed25519
  }

  "A public key as a JSON Web Key (RFC 7517)."
  type Jwk {
    "Id of the key: what signatures name it by."
    kid: String!
    "The public key's 32 bytes in base64url."
    x: String!
    "Algorithm."
    alg: Alg!
    "Key type."
    kty: Kty!
    "Curve of the key."
    crv: Crv!
  }

  "A key of a wallet address."
  type WalletAddressKey implements Model {
    "Id of the key's entry, by which it is revoked."
    id: ID!
    "Id of the wallet address."
    walletAddressId: ID!
    "The public key."
    jwk: Jwk!
    "Whether it was revoked."
    revoked: Boolean!
    "When it was added, in ISO 8601."
    createdAt: String!
  }

  "A property to attach to a wallet address."
  input AdditionalPropertyInput {
    "Name of the property."
    key: String!
    "Its value."
    value: String!
    "Whether the public wallet address document shows it."
    visibleInOpenPayments: Boolean!
  }

  "What \`createWalletAddress\` is asked."
  input CreateWalletAddressInput {
    "For the operator: the tenant that the wallet address is for."
    tenantId: ID
    "Id of the account's asset."
    assetId: String!
    "The https URL below the tenant's base URL, or a path relative to it."
    address: String!
    "What the public knows the account holder by."
    publicName: String
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
    "Properties to attach."
    additionalProperties: [AdditionalPropertyInput!]
  }

  "What \`updateWalletAddress\` is asked."
  input UpdateWalletAddressInput {
    "Id of the wallet address."
    id: ID!
    "What the public knows the account holder by."
    publicName: String
    "Whether it serves requests."
    status: WalletAddressStatus
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
    "Properties, in place of all earlier ones."
    additionalProperties: [AdditionalPropertyInput!]
  }

  "A public key as a JSON Web Key (RFC 7517)."
  input JwkInput {
    "Id of the key: unique among those of the wallet address that are not revoked."
    kid: String!
    "The public key's 32 bytes in base64url."
    x: String!
    "Algorithm."
    alg: Alg!
    "Key type."
    kty: Kty!
    "Curve of the key."
    crv: Crv!
  }

  "What \`createWalletAddressKey\` is asked."
  input CreateWalletAddressKeyInput {
    "Id of the wallet address."
    walletAddressId: String!
    "The public key."
    jwk: JwkInput!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`revokeWalletAddressKey\` is asked."
  input RevokeWalletAddressKeyInput {
    "Id of the key's entry."
    id: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`createWalletAddress\` answers."
  type CreateWalletAddressMutationResponse {
    "The wallet address that was created."
    walletAddress: WalletAddress
  }

  "What \`updateWalletAddress\` answers."
  type UpdateWalletAddressMutationResponse {
    "The wallet address as it is now."
    walletAddress: WalletAddress
  }

  "What \`createWalletAddressKey\` answers."
  type CreateWalletAddressKeyMutationResponse {
    "The key that was added."
    walletAddressKey: WalletAddressKey
  }

  "What \`revokeWalletAddressKey\` answers."
  type RevokeWalletAddressKeyMutationResponse {
    "The key that was revoked."
    walletAddressKey: WalletAddressKey
  }

  "What \`triggerWalletAddressEvents\` is asked."
  input TriggerWalletAddressEventsInput {
    "How many wallet addresses at most; a call does not more than 1000."
    limit: Int!
    "A new key for a new call; a repeat with the same key answers the same."
    idempotencyKey: String
  }

  "What \`triggerWalletAddressEvents\` answers."
  type TriggerWalletAddressEventsMutationResponse {
    "How many were due."
    count: Int
  }
`
