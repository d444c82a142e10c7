/**
 * What an exploration must come by (sometimes-assertions): a search that never met one of them says little about it.
 * Each is counted at most once per history, where it is said to be reached.
 */
export const STATES = {
  moved: 'money moved',
  local: 'a payment within one node completed',
  remote: 'a payment between nodes completed',
  converted: 'a payment between two currencies completed',
  threeHops: 'a payment over two or more links completed',
  receive: 'a payment with a fixed receive amount completed',
  oneself: 'a payment to oneself completed',
  partial: 'a payment failed after a part was delivered',
  refused: 'a payment was refused',
  cancelled: 'a payment was cancelled',
  quoteExpired: 'an expired quote was refused',
  quoteTwice: 'a quote was refused for it was used before',
  grantExhausted: "a grant's limit refused a payment",
  grantRevoked: 'a revoked grant refused a payment',
  completedEarly: 'a receiver was completed while it was paid',
  receiverExpired: 'a receiver expired with a part',
  manyIntoOne: 'several payments met in one receiver',
  closedByAmount: 'a receiver closed as it had its amount',
  depositedTwice: 'a second deposit was refused',
  settled: 'peers settled while payments were made',
  ratesChanged: 'rates changed while payments were made',
  faultStruck: 'a fault struck',
  partitionStruck: 'a partition struck',
  answerLost: 'an answer was lost after its request was processed',
  stalled: 'a message stalled',
  crashed: 'a service crashed',
  crashedSending: 'a backend crashed while a payment was SENDING',
  crashedFunding: 'a backend crashed while a payment was FUNDING',
  crashedWebhook: 'a backend crashed while a webhook was due',
  clockStepped: 'a clock stepped',
  leaseTakenOver: 'a payment was sent under a second lease',
  completedAfterCrash: 'a payment whose backend crashed while it was SENDING completed',
  webhookRetried: 'a webhook was tried again',
  shortOfLiquidity: 'a packet was refused for want of liquidity (T04)',
  packetTooLarge: 'a packet was refused as too large (F08)',
  packetExpired: 'a packet was refused as it expired (R00, R02)',
  packetLost: "a connection broke with a packet's answer outstanding",
  packetUnanswered: 'a lost answer was passed on as such (T01)',
  orphan: 'a packet was booked downstream only'
} as const

export type StateName = keyof typeof STATES
