import { connectionTypes, PAGE_ARGUMENTS } from './common.ts'

/** Assets and their fees. */
export const assetTypes = /* GraphQL */ `
  extend type Query {
    "An asset by its id."
    asset("Id of the asset." id: String!): Asset
    "The signing tenant's asset with this code and scale; null where there is none."
    assetByCodeAndScale(
      "Code of the asset."
      code: String!
      "Scale of the asset."
      scale: UInt8!
    ): Asset
    "Assets: one's own, or for the operator those of all tenants."
    assets(${PAGE_ARGUMENTS}
    "For the operator: only this tenant's."
    tenantId: String
    ): AssetsConnection!
  }

  extend type Mutation {
    "Creates an asset with its liquidity account. A deleted one of the same code and scale comes back."
    createAsset(
      "What is to be created."
      input: CreateAssetInput!
    ): AssetMutationResponse!
    "Changes an asset's thresholds. Those that are not given stay; null removes one."
    updateAsset(
      "Which asset, and what changes."
      input: UpdateAssetInput!
    ): AssetMutationResponse!
    "Deletes an asset that no peer and no wallet address uses."
    deleteAsset(
      "Which asset."
      input: DeleteAssetInput!
    ): DeleteAssetMutationResponse!
    "Sets the fee that applies to an asset from now on. Earlier fees stay in its history."
    setFee(
      "The fee, and what it is for."
      input: SetFeeInput!
    ): SetFeeResponse!
  }

  "A currency or other unit of value at a scale, and this node's liquidity in it."
  type Asset implements Model {
    "Id of the asset."
    id: ID!
    "Code, \`USD\` for example (ISO 4217 where there is one)."
    code: String!
    "Decimal places of one major unit."
    scale: UInt8!
    "What the asset's liquidity account holds, in minor units."
    liquidity: UInt64
    "Accumulated amount at which money that wallet addresses received directly is announced for withdrawal."
    withdrawalThreshold: UInt64
    "At or below this liquidity the wallet is told by \`asset.liquidity_low\`."
    liquidityThreshold: UInt64
    "The receiving fee in force. It is kept and not applied."
    receivingFee: Fee
    "The sending fee in force: quotes add it."
    sendingFee: Fee
    "All fees there were, newest first."
    fees(${PAGE_ARGUMENTS}
    ): FeesConnection
    "When it was created, in ISO 8601."
    createdAt: String!
    "The tenant that it belongs to."
    tenant: Tenant
  }
${connectionTypes({ connection: 'AssetsConnection', edge: 'AssetEdge', node: 'Asset', noun: 'assets' })}
${connectionTypes({ connection: 'FeesConnection', edge: 'FeeEdge', node: 'Fee', noun: 'fees' })}
  "Which payments a fee is for."
  enum FeeType {
    "Outgoing payments."
    SENDING
    "Incoming payments."
    RECEIVING
  }

  "A fee: fixed, plus a share of the amount."
  type Fee implements Model {
    "Id of the fee."
    id: ID!
    "Id of the asset that it is for."
    assetId: ID!
    "Which payments it is for."
    type: FeeType!
    "The fixed part in minor units."
    fixed: UInt64!
    "The share in hundredths of a percent: 100 is 1 %."
    basisPoints: Int!
    "When it was set, in ISO 8601."
    createdAt: String!
  }

  "What \`createAsset\` is asked."
  input CreateAssetInput {
    "Code, \`USD\` for example."
    code: String!
    "Decimal places of one major unit."
    scale: UInt8!
    "See \`Asset.withdrawalThreshold\`."
    withdrawalThreshold: UInt64
    "See \`Asset.liquidityThreshold\`."
    liquidityThreshold: UInt64
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
    "For the operator: the tenant that the asset is for."
    tenantId: ID
  }

  "What \`updateAsset\` is asked."
  input UpdateAssetInput {
    "Id of the asset."
    id: String!
    "See \`Asset.withdrawalThreshold\`."
    withdrawalThreshold: UInt64
    "See \`Asset.liquidityThreshold\`."
    liquidityThreshold: UInt64
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`deleteAsset\` is asked."
  input DeleteAssetInput {
    "Id of the asset."
    id: ID!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "How much a fee is."
  input FeeDetails {
    "The fixed part in minor units."
    fixed: UInt64!
    "The share in hundredths of a percent, from 0 to 10000."
    basisPoints: Int!
  }

  "What \`setFee\` is asked."
  input SetFeeInput {
    "Id of the asset."
    assetId: ID!
    "Which payments the fee is for."
    type: FeeType!
    "How much it is."
    fee: FeeDetails!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`createAsset\` and \`updateAsset\` answer."
  type AssetMutationResponse {
    "The asset as it is now."
    asset: Asset
  }

  "What \`deleteAsset\` answers."
  type DeleteAssetMutationResponse {
    "The asset that was deleted."
    asset: Asset
  }

  "What \`setFee\` answers."
  type SetFeeResponse {
    "The fee that was set."
    fee: Fee
  }
`
