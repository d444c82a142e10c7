/** The ledger's own records, for those who look into a balance. */
export const accountingTypes = /* GraphQL */ `
  extend type Query {
    "The newest transfers of an account in the ledger: those that debit it and those that credit it."
    accountingTransfers(
      "Id of the resource that has the account, or a ledger number: its settlement account."
      id: String!
      "How many of each side, 20 unless said otherwise, at most 1000."
      limit: Int
    ): AccountingTransferConnection!
  }

  "Transfers of an account."
  type AccountingTransferConnection {
    "Those that debit it, newest first."
    debits: [AccountingTransfer!]!
    "Those that credit it, newest first."
    credits: [AccountingTransfer!]!
  }

  "A record of the ledger."
  type AccountingTransfer implements Model {
    "Id of the record."
    id: ID!
    "Account that it debits."
    debitAccountId: ID!
    "Account that it credits."
    creditAccountId: ID!
    "Minor units."
    amount: UInt64!
    "What it is for."
    transferType: TransferType!
    "Number of the asset's ledger."
    ledger: UInt8!
    "When it was booked, in ISO 8601."
    createdAt: String!
    "Whether it reserves, moves, or frees what was reserved."
    state: TransferState!
    "When a reservation lapses, in ISO 8601."
    expiresAt: String
  }

  "What a record does with its amount."
  enum TransferState {
    "It reserves the amount."
    PENDING
    "It moves the amount, at once or what was reserved."
    POSTED
    "It frees what was reserved."
    VOIDED
  }

  "What a transfer is for."
  enum TransferType {
    "Money enters the node."
    DEPOSIT
    "Money leaves the node."
    WITHDRAWAL
    "Money moves between accounts of the node."
    TRANSFER
  }
`
