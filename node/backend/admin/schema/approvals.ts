/** The wallet's word on incoming payments. */
export const approvalTypes = /* GraphQL */ `
  extend type Mutation {
    "Approves an incoming payment: with POLL_INCOMING_PAYMENT_CREATED_WEBHOOK its creation waits for that."
    approveIncomingPayment(
      "Which payment."
      input: ApproveIncomingPaymentInput!
    ): ApproveIncomingPaymentResponse!
    "Cancels an incoming payment that has received nothing: it takes no money any more."
    cancelIncomingPayment(
      "Which payment, and why."
      input: CancelIncomingPaymentInput!
    ): CancelIncomingPaymentResponse!
  }

  "What \`approveIncomingPayment\` is asked."
  input ApproveIncomingPaymentInput {
    "Id of the incoming payment."
    id: ID!
  }

  "What \`approveIncomingPayment\` answers."
  type ApproveIncomingPaymentResponse {
    "The incoming payment as it is now."
    payment: IncomingPayment
  }

  "What \`cancelIncomingPayment\` is asked."
  input CancelIncomingPaymentInput {
    "Id of the incoming payment."
    id: ID!
    "Why, for whoever reads the payment."
    cancellationReason: String
  }

  "What \`cancelIncomingPayment\` answers."
  type CancelIncomingPaymentResponse {
    "The incoming payment as it is now."
    payment: IncomingPayment
  }
`
