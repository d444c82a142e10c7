/**
 * How much each test does: `short` in `npm test`, `long` in `npm run test:long`, whose numbers are the ones that
 * we claim. The only table of its kind.
 */
const COUNTS = {
  /** Commands driven through the PostgreSQL ledger beside the model. */
  ledgerCommands: { short: 5_000, long: 100_000 },
  /** Random paths on which a quote must keep its word. */
  quotedPaths: { short: 150, long: 3_000 },
  /** Paths and receivers that lie, whose payments must stay lawful. */
  lyingPaths: { short: 150, long: 5_000 },
  /** Histories of packets, crashes and losses over three processes that share totals of a connection. */
  connectionTotals: { short: 150, long: 5_000 },
  /** Histories of packets, crashes and losses over three processes that book for one payment. */
  sharedAdmissions: { short: 150, long: 5_000 },
  /** Inputs that each decoder of what strangers send must survive. */
  fuzzedInputs: { short: 200, long: 25_000 },
  /** Bodies with members changed at random that the authorization server must survive. */
  changedBodies: { short: 300, long: 20_000 },
  /** Answers of an introspection that two validators must judge alike. */
  introspectionAnswers: { short: 400, long: 5_000 },
  /** Histories of grants, interactions and tokens at the authorization server, beside the model. */
  gnapHistories: { short: 20, long: 1_200 },
  /** `kill -9` of each backend in the middle of a payment. */
  killsPerBackend: { short: 1, long: 10 },
  /** The same with books in TigerBeetle, where one is found. */
  killsOnTigerBeetle: { short: 0, long: 3 },
  /** Histories of packets and ledgers alone, of several connectors. */
  packetHistories: { short: 100, long: 20_000 },
  /** Histories of documents that an Admin API is told, whose memory must keep its limits. */
  knownDocuments: { short: 50, long: 2_000 },
  /** Histories of lost answers that a careful payer must survive. */
  lostAnswers: { short: 100, long: 5_000 },
  /** Payments after which a node's memory is measured. */
  footprintPayments: { short: 40, long: 1_000 },
  /** Payments whose SQL statements are counted. */
  countedPayments: { short: 2, long: 40 },
  /** Webhook events to ten receivers of which three misbehave, at 100 per second. */
  webhookEvents: { short: 150, long: 4_000 },
  /** Histories of requests to peer, per policy. */
  peeringHistories: { short: 5, long: 200 },
  /** Histories of three tenants and the operator, each with the ids of the others. */
  isolationHistories: { short: 4, long: 520 },
  /** Histories of a withdrawal that several ask, post and void at once, per ledger. */
  withdrawalsAskedAgain: { short: 12, long: 1_000 },
  /** Histories of calls under one idempotency key that die, are refused, and whose locks and answers are lost. */
  keysAskedAgain: { short: 60, long: 5_000 },
  /** Queries of any shape whose answers are counted. */
  queryShapes: { short: 150, long: 10_000 },
  /** Histories of whole nodes that are made up, and not run. */
  generatedHistories: { short: 60, long: 3_000 },
  /** Histories of whole nodes that are run. */
  exploredHistories: { short: 1, long: 200 },
  /** Lists that are paged through while rows are inserted. */
  pagedLists: { short: 30, long: 2_000 },
  /** Pages of several owners' lists at once, beside each owner's own. */
  pagesOfOwners: { short: 40, long: 2_000 },
  /** Texts that a report is given, which must stay texts. */
  reportedTexts: { short: 25, long: 2_000 },
  /** Debits and their fees. */
  feesOfDebits: { short: 200, long: 100_000 },
  /** Places at which the bytes of packets are cut. */
  cutStreams: { short: 40, long: 5_000 },
  /** Histories of each list of the APIs, paged through while rows are inserted. */
  listsThroughApis: { short: 4, long: 200 }
} as const

/** True in `npm run test:long`. */
export const isLongRun = process.env.RAFIKI_LAB_LONG === 'true'

export function testCount(name: keyof typeof COUNTS): number {
  return COUNTS[name][isLongRun ? 'long' : 'short']
}
