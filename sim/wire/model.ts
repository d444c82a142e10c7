/** One side of an exchange, or of a connection: who asks, and who answers. */
export type WireSide = 'client' | 'server'

/** What came back for a Prepare. `refused`: no ILP packet, but an HTTP status or a BTP error. */
export type WireAnswer =
  | { type: 'fulfill'; fulfillment: string }
  | { type: 'reject'; code: string; triggeredBy: string; message: string }
  | { type: 'refused'; with: string }

/** A Prepare on its way over a link. */
export interface WirePrepare {
  /** Names the exchange in a run: from 1. */
  exchange: number
  /** The link's index in the topology; undefined where the token belongs to none. */
  link: number | undefined
  /** Hosts: of a node, its name. */
  from: string
  to: string
  transport: 'http' | 'btp'
  /** Hexadecimal. */
  condition: string
  /** Minor units of the link's asset. */
  amount: bigint
  expiresAtMs: number
  destination: string
}

/**
 * What happens to one Prepare, in order:
 *
 *   prepare ──▶ prepareArrived ──▶ answer ──▶ answerArrived
 *      └───────────────┴──────────────┴────▶ lost: the connection broke before the answer was there
 *
 * `prepare` and `answer` are what a node writes, whether or not it arrives. `atMs` is the world's time, `clockMs` what the
 * clock of whoever writes (or, of what arrived, reads) says.
 */
export type WireEvent = { atMs: number; clockMs: number } & (
  | ({ kind: 'prepare' } & WirePrepare)
  | { kind: 'prepareArrived'; exchange: number }
  | { kind: 'answer'; exchange: number; answer: WireAnswer }
  | { kind: 'answerArrived'; exchange: number }
  | { kind: 'lost'; exchange: number }
)

/** How many there were. */
export interface WireCounts {
  prepares: number
  fulfills: number
  rejects: number
  refused: number
  lost: number
}
