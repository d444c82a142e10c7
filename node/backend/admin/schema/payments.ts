import { connectionTypes, PAGE_ARGUMENTS } from './common.ts'

/** Incoming payments, receivers, quotes and outgoing payments. */
export const paymentTypes = /* GraphQL */ `
  extend type Query {
    "An incoming payment by its id."
    incomingPayment("Id of the incoming payment." id: String!): IncomingPayment
    "Incoming payments: one's own, or for the operator those of all tenants."
    incomingPayments(${PAGE_ARGUMENTS}
    "Which of them."
    filter: IncomingPaymentFilter
    "For the operator: only this tenant's."
    tenantId: String
    ): IncomingPaymentConnection!
    "An incoming payment as a payer sees it, here or on another node."
    receiver("URL of the incoming payment." id: String!): Receiver
    "A quote of the signing tenant by its id."
    quote("Id of the quote." id: String!): Quote
    "An outgoing payment by its id."
    outgoingPayment("Id of the outgoing payment." id: String!): OutgoingPayment
    "Outgoing payments: one's own, or for the operator those of all tenants."
    outgoingPayments(${PAGE_ARGUMENTS}
    "Which of them."
    filter: OutgoingPaymentFilter
    "For the operator: only this tenant's."
    tenantId: String
    ): OutgoingPaymentConnection!
  }

  extend type Mutation {
    "Accepts a packet with data of its sender: an answer to \`incoming_payment.partial_payment_received\`."
    confirmPartialIncomingPayment(
      "Which packet."
      input: ConfirmPartialIncomingPaymentInput!
    ): ConfirmPartialIncomingPaymentResponse!
    "Declines it, and with it the sender's payment: the other answer to that event."
    rejectPartialIncomingPayment(
      "Which packet, and why."
      input: RejectPartialIncomingPaymentInput!
    ): RejectPartialIncomingPaymentResponse!
    "Creates an incoming payment into a wallet address of the signing tenant."
    createIncomingPayment(
      "What is to be created."
      input: CreateIncomingPaymentInput!
    ): IncomingPaymentResponse!
    "Replaces an incoming payment's metadata."
    updateIncomingPayment(
      "Which payment, and what changes."
      input: UpdateIncomingPaymentInput!
    ): IncomingPaymentResponse!
    "Creates an incoming payment into any wallet address, here or on another node."
    createReceiver(
      "What is to be created, and where."
      input: CreateReceiverInput!
    ): CreateReceiverResponse!
    "Completes an incoming payment, here or on another node: it takes no more money."
    completeReceiver(
      "Which payment."
      input: CompleteReceiverInput!
    ): CompleteReceiverResponse!
    "Creates a quote: what a payment would cost and deliver. It holds for a limited time and for one payment."
    createQuote(
      "Who pays whom, and how much."
      input: CreateQuoteInput!
    ): QuoteResponse!
    "Creates an outgoing payment from a quote. It is sent once its liquidity is deposited."
    createOutgoingPayment(
      "Which quote, and what to attach."
      input: CreateOutgoingPaymentInput!
    ): OutgoingPaymentResponse!
    "Creates a quote for an incoming payment and an outgoing payment from it."
    createOutgoingPaymentFromIncomingPayment(
      "Who pays which incoming payment."
      input: CreateOutgoingPaymentFromIncomingPaymentInput!
    ): OutgoingPaymentResponse!
    "Cancels an outgoing payment whose liquidity was not deposited."
    cancelOutgoingPayment(
      "Which payment, and why."
      input: CancelOutgoingPaymentInput!
    ): OutgoingPaymentResponse!
  }

  "States of an incoming payment."
  enum IncomingPaymentState {
    "Nothing was received yet."
    PENDING
    "Something was received, and more may be."
    PROCESSING
    "All was received, or it was closed. Final."
    COMPLETED
    "Its time is over. Final."
    EXPIRED
  }

  "A payment into a wallet address."
  type IncomingPayment implements BasePayment & Model {
    "Id of the incoming payment."
    id: ID!
    "Its URL in Open Payments: what payers name it by."
    url: String!
    "Id of the wallet address that is paid."
    walletAddressId: ID!
    "Wallet address of the client that created it over Open Payments."
    client: String
    "What was received and not withdrawn, in minor units. Null: nothing was received yet."
    liquidity: UInt64
    "How far it is."
    state: IncomingPaymentState!
    "When it stops taking money, in ISO 8601."
    expiresAt: String!
    "What it takes in all. Null: any amount."
    incomingAmount: Amount
    "What was received."
    receivedAmount: Amount!
    "What its creator attached to it."
    metadata: JSONObject
    "When it was created, in ISO 8601."
    createdAt: String!
    "Wallet address of the payer, where its creator gave it."
    senderWalletAddress: String
    "The tenant that it belongs to."
    tenant: Tenant
    "Why the wallet cancelled it."
    cancellationReason: String
    "When the wallet cancelled it, in ISO 8601."
    cancelledAt: String
  }
${connectionTypes({
  connection: 'IncomingPaymentConnection',
  edge: 'IncomingPaymentEdge',
  node: 'IncomingPayment',
  noun: 'incoming payments'
})}
  "An incoming payment as a payer sees it."
  type Receiver {
    "URL of the incoming payment."
    id: String!
    "URL of the wallet address that is paid."
    walletAddressUrl: String!
    "Whether it is complete: it takes no more money."
    completed: Boolean!
    "What it takes in all. Null: any amount."
    incomingAmount: Amount
    "What was received."
    receivedAmount: Amount!
    "When it stops taking money, in ISO 8601."
    expiresAt: String
    "What its creator attached to it."
    metadata: JSONObject
    "When it was created, in ISO 8601."
    createdAt: String!
  }

  "What a payment costs and delivers."
  type Quote {
    "Id of the quote, and of the payment made from it."
    id: ID!
    "Id of the tenant that it belongs to."
    tenantId: ID!
    "Id of the wallet address that pays."
    walletAddressId: ID!
    "URL of the incoming payment that is paid."
    receiver: String!
    "What the payer is debited at most, fee included."
    debitAmount: Amount!
    "What is delivered at least."
    receiveAmount: Amount!
    "When it was created, in ISO 8601."
    createdAt: String!
    "Until when a payment may start, in ISO 8601."
    expiresAt: String!
    "Estimated units delivered for one unit sent: for display, amounts are what counts."
    estimatedExchangeRate: Float
  }
${connectionTypes({ connection: 'QuoteConnection', edge: 'QuoteEdge', node: 'Quote', noun: 'quotes' })}
  "States of an outgoing payment."
  enum OutgoingPaymentState {
    "It waits for its liquidity."
    FUNDING
    "It is being sent."
    SENDING
    "It was sent. Final."
    COMPLETED
    "It could not be sent in full: what was delivered stays delivered. Final."
    FAILED
    "It was cancelled before anything was sent. Final."
    CANCELLED
  }

  "A payment out of a wallet address."
  type OutgoingPayment implements BasePayment & Model {
    "Id of the outgoing payment: its quote's."
    id: ID!
    "Id of the wallet address that pays."
    walletAddressId: ID!
    "Wallet address of the client that created it over Open Payments."
    client: String
    "What its account holds: deposited and neither sent nor withdrawn, in minor units."
    liquidity: UInt64
    "How far it is."
    state: OutgoingPaymentState!
    "Name of what went wrong."
    error: String
    "Attempts to send it that failed."
    stateAttempts: Int!
    "What the payer is debited at most, fee included."
    debitAmount: Amount!
    "What is delivered at least."
    receiveAmount: Amount!
    "URL of the incoming payment that is paid."
    receiver: String!
    "What its creator attached to it."
    metadata: JSONObject
    "The quote that it was made from."
    quote: Quote
    "What was really sent, without the fee."
    sentAmount: Amount!
    "When it was created, in ISO 8601."
    createdAt: String!
    "Id of the grant that it was created under."
    grantId: String
    "The tenant that it belongs to."
    tenant: Tenant
  }
${connectionTypes({
  connection: 'OutgoingPaymentConnection',
  edge: 'OutgoingPaymentEdge',
  node: 'OutgoingPayment',
  noun: 'outgoing payments'
})}
  "Why a card payment failed."
  enum CardPaymentFailureReason {
    "The card's signature does not match."
    invalid_signature
    "The request is not one that can be paid."
    invalid_request
  }

  "Which incoming payments a list holds."
  input IncomingPaymentFilter {
    "By who created them: \`CARD\`, \`OPEN_PAYMENTS\` or \`ADMIN\`."
    initiatedBy: FilterString
  }

  "Which outgoing payments a list holds."
  input OutgoingPaymentFilter {
    "By the URL of the incoming payment that is paid."
    receiver: FilterString
    "By the id of the wallet address that pays."
    walletAddressId: FilterString
    "By state."
    state: FilterString
  }

  "What \`createIncomingPayment\` is asked."
  input CreateIncomingPaymentInput {
    "Id of the wallet address that is paid."
    walletAddressId: String!
    "When it stops taking money, in ISO 8601."
    expiresAt: String
    "Anything to attach to it."
    metadata: JSONObject
    "What it takes in all, in the wallet address's asset. Left out: any amount."
    incomingAmount: AmountInput
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
    "For the operator: it is paid by card."
    isCardPayment: Boolean
    "Wallet address of the payer, where it is known."
    senderWalletAddress: String
  }

  "What \`updateIncomingPayment\` is asked."
  input UpdateIncomingPaymentInput {
    "Id of the incoming payment."
    id: ID!
    "What is attached to it from now on."
    metadata: JSONObject!
  }

  "What \`createReceiver\` is asked."
  input CreateReceiverInput {
    "URL of the wallet address that is paid."
    walletAddressUrl: String!
    "When it stops taking money, in ISO 8601."
    expiresAt: String
    "What it takes in all, in the wallet address's asset. Left out: any amount."
    incomingAmount: AmountInput
    "Anything to attach to it."
    metadata: JSONObject
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`completeReceiver\` is asked."
  input CompleteReceiverInput {
    "URL of the incoming payment."
    incomingPaymentUrl: String!
  }

  "What \`createQuote\` is asked."
  input CreateQuoteInput {
    "Id of the wallet address that pays."
    walletAddressId: String!
    "What the payer is debited, fee included. Not together with \`receiveAmount\`."
    debitAmount: AmountInput
    "What is delivered. Not together with \`debitAmount\`; with neither, the incoming payment says it."
    receiveAmount: AmountInput
    "URL of the incoming payment that is paid."
    receiver: String!
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "What \`createOutgoingPayment\` is asked."
  input CreateOutgoingPaymentInput {
    "Id of the wallet address that pays."
    walletAddressId: String!
    "Id of the quote."
    quoteId: String!
    "Anything to attach to it."
    metadata: JSONObject
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
  }

  "The card behind a payment."
  input CardDetailsInput {
    "What the card service attaches."
    data: JSONObject!
    "Id of the card service's request."
    requestId: String!
    "When the card was presented, in ISO 8601."
    initiatedAt: String!
  }

  "What \`createOutgoingPaymentFromIncomingPayment\` is asked."
  input CreateOutgoingPaymentFromIncomingPaymentInput {
    "Id of the wallet address that pays."
    walletAddressId: String!
    "URL of the incoming payment that is paid."
    incomingPayment: String!
    "What the payer is debited, fee included. Left out: the incoming payment says what is delivered."
    debitAmount: AmountInput
    "Anything to attach to it."
    metadata: JSONObject
    "Makes it safe to repeat the mutation: the same key gives the same result."
    idempotencyKey: String
    "The card behind it."
    cardDetails: CardDetailsInput
  }

  "What \`cancelOutgoingPayment\` is asked."
  input CancelOutgoingPaymentInput {
    "Id of the outgoing payment."
    id: ID!
    "Why, for the payment's metadata."
    reason: String
    "Why, where a card payment failed."
    cardPaymentFailureReason: CardPaymentFailureReason
  }

  "What \`createIncomingPayment\` and \`updateIncomingPayment\` answer."
  type IncomingPaymentResponse {
    "The incoming payment as it is now."
    payment: IncomingPayment
  }

  "What \`createReceiver\` answers."
  type CreateReceiverResponse {
    "The incoming payment that was created."
    receiver: Receiver
  }

  "What \`completeReceiver\` answers."
  type CompleteReceiverResponse {
    "The incoming payment as it is now."
    receiver: Receiver
  }

  "What \`createQuote\` answers."
  type QuoteResponse {
    "The quote that was created."
    quote: Quote
  }

  "What \`createOutgoingPayment\` and \`createOutgoingPaymentFromIncomingPayment\` and \`cancelOutgoingPayment\` answer."
  type OutgoingPaymentResponse {
    "The outgoing payment as it is now."
    payment: OutgoingPayment
  }

  "What \`confirmPartialIncomingPayment\` is asked."
  input ConfirmPartialIncomingPaymentInput {
    "Id of the incoming payment."
    incomingPaymentId: ID!
    "What the event calls the packet."
    partialIncomingPaymentId: ID!
  }

  "What \`confirmPartialIncomingPayment\` answers."
  type ConfirmPartialIncomingPaymentResponse {
    "The packet is told, if it still waits."
    success: Boolean!
  }

  "What \`rejectPartialIncomingPayment\` is asked."
  input RejectPartialIncomingPaymentInput {
    "Id of the incoming payment."
    incomingPaymentId: ID!
    "What the event calls the packet."
    partialIncomingPaymentId: ID!
    "Told to the sender, whose payment fails by it."
    reason: String
  }

  "What \`rejectPartialIncomingPayment\` answers."
  type RejectPartialIncomingPaymentResponse {
    "The packet is told, if it still waits."
    success: Boolean!
  }
`
