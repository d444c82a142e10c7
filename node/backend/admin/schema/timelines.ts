/** What happened to a payment, for the page that shows it. */
export const timelineTypes = /* GraphQL */ `
  extend type IncomingPayment {
    "What happened to it, oldest first. For one payment at a time: it counts as 2,500 rows of an answer."
    timeline: [PaymentTimelineEntry!]!
  }

  extend type OutgoingPayment {
    "What happened to it, oldest first. For one payment at a time: it counts as 2,500 rows of an answer."
    timeline: [PaymentTimelineEntry!]!
  }

  "Something that happened to a payment."
  type PaymentTimelineEntry {
    "When, in ISO 8601."
    at: String!
    "Where it is known from."
    kind: PaymentTimelineKind!
    "What happened: a state by its name, an event by its type, or a few words."
    title: String!
    "More of it, where there is more to tell."
    detail: String
    "Minor units that moved, or that were sent in all."
    amount: UInt64
    "Code of the amount's asset."
    assetCode: String
    "Decimal places of one major unit of the amount's asset."
    assetScale: UInt8
    "How many records of the ledger it sums up; null: it stands for itself."
    count: Int
    "Id of the webhook event, or of the ledger's record."
    id: String
  }

  "Where an entry of a timeline is known from."
  enum PaymentTimelineKind {
    "The payment itself changed."
    STATE
    "The wallet was told: what became of that is the entry's detail."
    WEBHOOK
    "The ledger moved, reserved or freed money: the newest 200 records. Where more than 50 are of packets, those of a second are one entry."
    TRANSFER
  }
`
