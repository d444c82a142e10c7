/** Deposits and withdrawals: how a wallet's money enters and leaves the node's accounts. */
export const liquidityTypes = /* GraphQL */ `
  extend type Mutation {
    "Deposits into an asset's liquidity account."
    depositAssetLiquidity(
      "Where to, and how much."
      input: DepositAssetLiquidityInput!
    ): LiquidityMutationResponse
    "Withdraws from an asset's liquidity account, at once or in two phases. The asset may be a deleted one."
    createAssetLiquidityWithdrawal(
      "Where from, how much, and in how many phases."
      input: CreateAssetLiquidityWithdrawalInput!
    ): LiquidityMutationResponse
    "Deposits into a peer's account: the peer may send that much more."
    depositPeerLiquidity(
      "Where to, and how much."
      input: DepositPeerLiquidityInput!
    ): LiquidityMutationResponse
    "Withdraws from a peer's account, at once or in two phases. The peer may be a deleted one."
    createPeerLiquidityWithdrawal(
      "Where from, how much, and in how many phases."
      input: CreatePeerLiquidityWithdrawalInput!
    ): LiquidityMutationResponse
    "Completes a withdrawal that was made in two phases."
    postLiquidityWithdrawal(
      "Which withdrawal."
      input: PostLiquidityWithdrawalInput!
    ): LiquidityMutationResponse
    "Takes back a withdrawal that was made in two phases."
    voidLiquidityWithdrawal(
      "Which withdrawal."
      input: VoidLiquidityWithdrawalInput!
    ): LiquidityMutationResponse
    "Deposits an outgoing payment's debit amount: the answer to \`outgoing_payment.created\`. It is then sent."
    depositOutgoingPaymentLiquidity(
      "Which payment, and what to tell its receiver."
      input: DepositOutgoingPaymentLiquidityInput!
    ): LiquidityMutationResponse
    "Withdraws all that a wallet address received itself: the answer to \`wallet_address.web_monetization\`."
    createWalletAddressWithdrawal(
      "Which wallet address, and in how many phases."
      input: CreateWalletAddressWithdrawalInput!
    ): WalletAddressWithdrawalMutationResponse
    "Withdraws what an incoming payment received: the answer to \`incoming_payment.completed\` and \`.expired\`."
    createIncomingPaymentWithdrawal(
      "Which payment, and in how many phases."
      input: CreateIncomingPaymentWithdrawalInput!
    ): LiquidityMutationResponse
    "Withdraws what an outgoing payment left over: the answer to \`outgoing_payment.completed\` and \`.failed\`."
    createOutgoingPaymentWithdrawal(
      "Which payment, and in how many phases."
      input: CreateOutgoingPaymentWithdrawalInput!
    ): LiquidityMutationResponse
  }

  extend type Mutation {
    "Deposits what an \`outgoing_payment.created\` event asks for."
    depositEventLiquidity("Which event." input: DepositEventLiquidityInput!): LiquidityMutationResponse
      @deprecated(reason: "Use \`depositOutgoingPaymentLiquidity\`.")
    "Withdraws what an event announced for withdrawal, at once."
    withdrawEventLiquidity("Which event." input: WithdrawEventLiquidityInput!): LiquidityMutationResponse
      @deprecated(
        reason: "Use \`createIncomingPaymentWithdrawal\`, \`createOutgoingPaymentWithdrawal\` or \`createWalletAddressWithdrawal\`."
      )
  }

  "Names of what can be wrong with a deposit or withdrawal."
  enum LiquidityError {
    "The withdrawal was completed already."
    AlreadyPosted
    "The withdrawal was taken back already."
    AlreadyVoided
    "The amount is zero."
    AmountZero
    "The account holds less."
    InsufficientBalance
    "The id is not a UUID, or not one of such a transfer."
    InvalidId
    "There is a transfer of this id already."
    TransferExists
    "There is no such asset."
    UnknownAsset
    "There is no such incoming payment, or nothing to withdraw of it."
    UnknownIncomingPayment
    "There is no such outgoing payment, or nothing to withdraw of it."
    UnknownOutgoingPayment
    "There is no such payment."
    UnknownPayment
    "There is no such wallet address."
    UnknownWalletAddress
    "There is no such peer."
    UnknownPeer
    "There is no such transfer."
    UnknownTransfer
  }

  "What \`depositAssetLiquidity\` is asked."
  input DepositAssetLiquidityInput {
    "Id of the asset."
    assetId: String!
    "Amount in minor units."
    amount: UInt64!
    "A new UUID for the transfer."
    id: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
  }

  "What \`depositPeerLiquidity\` is asked."
  input DepositPeerLiquidityInput {
    "Id of the peer."
    peerId: String!
    "Amount in minor units."
    amount: UInt64!
    "A new UUID for the transfer."
    id: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
  }

  "What \`createAssetLiquidityWithdrawal\` is asked."
  input CreateAssetLiquidityWithdrawalInput {
    "Id of the asset."
    assetId: String!
    "Amount in minor units."
    amount: UInt64!
    "A new UUID for the transfer."
    id: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
    "0: at once. Else it lapses after so many seconds unless it is posted."
    timeoutSeconds: UInt64!
  }

  "What \`createPeerLiquidityWithdrawal\` is asked."
  input CreatePeerLiquidityWithdrawalInput {
    "Id of the peer."
    peerId: String!
    "Amount in minor units."
    amount: UInt64!
    "A new UUID for the transfer."
    id: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
    "0: at once. Else it lapses after so many seconds unless it is posted."
    timeoutSeconds: UInt64!
  }

  "What \`postLiquidityWithdrawal\` is asked."
  input PostLiquidityWithdrawalInput {
    "Id of the withdrawal."
    withdrawalId: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
  }

  "What \`voidLiquidityWithdrawal\` is asked."
  input VoidLiquidityWithdrawalInput {
    "Id of the withdrawal."
    withdrawalId: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
  }

  "What \`depositOutgoingPaymentLiquidity\` is asked."
  input DepositOutgoingPaymentLiquidityInput {
    "Id of the outgoing payment."
    outgoingPaymentId: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
    "Sent to the receiver within the payment."
    dataToTransmit: String
  }

  "What \`depositEventLiquidity\` is asked."
  input DepositEventLiquidityInput {
    "Id of the event."
    eventId: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
  }

  "What \`withdrawEventLiquidity\` is asked."
  input WithdrawEventLiquidityInput {
    "Id of the event."
    eventId: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
  }

  "What \`createIncomingPaymentWithdrawal\` is asked."
  input CreateIncomingPaymentWithdrawalInput {
    "Id of the incoming payment."
    incomingPaymentId: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
    "0: at once. Else it lapses after so many seconds unless it is posted."
    timeoutSeconds: UInt64!
  }

  "What \`createOutgoingPaymentWithdrawal\` is asked."
  input CreateOutgoingPaymentWithdrawalInput {
    "Id of the outgoing payment."
    outgoingPaymentId: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String!
    "0: at once. Else it lapses after so many seconds unless it is posted."
    timeoutSeconds: UInt64!
  }

  "The answer to deposits and withdrawals."
  type LiquidityMutationResponse {
    "Whether it was done."
    success: Boolean!
  }

  "What \`createWalletAddressWithdrawal\` is asked."
  input CreateWalletAddressWithdrawalInput {
    "Id of the wallet address."
    walletAddressId: String!
    "A new UUID for the transfer."
    id: String!
    "A new key for a new call; a repeat with the same key answers the same."
    idempotencyKey: String!
    "Seconds until an unfinished withdrawal lapses; 0: at once."
    timeoutSeconds: UInt64!
  }

  "What \`createWalletAddressWithdrawal\` answers."
  type WalletAddressWithdrawalMutationResponse {
    "The withdrawal."
    withdrawal: WalletAddressWithdrawal
  }

  "What was withdrawn of a wallet address."
  type WalletAddressWithdrawal {
    "Id of the transfer."
    id: ID!
    "Minor units: all that there was."
    amount: UInt64!
    "The wallet address."
    walletAddress: WalletAddress!
  }
`
