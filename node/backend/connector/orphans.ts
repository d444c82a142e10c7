import type { Logger } from '../../runtime/index.ts'

/**
 * Why the two sides of a link may have booked a packet differently. A link breaks between A and B (A sends to
 * B) when B has posted and A has not.
 *
 *   as A (`downstream`)
 *     late_fulfill          a valid Fulfill came after the outgoing expiry
 *     unanswered            no answer came by the outgoing expiry; B may have posted
 *     answer_lost           the connection broke after the Prepare was handed over; B may have posted
 *     post_refused          a valid Fulfill came in time and our ledger refused to post
 *     post_abandoned        a valid Fulfill came in time and we stopped before the ledger answered
 *   as B (`upstream`)
 *     posted_after_answer   our ledger's outcome became known only after the packet was answered with a Reject
 *     answer_undelivered    A hung up before our Fulfill could be written
 */
export type OrphanCause =
  | 'late_fulfill'
  | 'unanswered'
  | 'answer_lost'
  | 'post_refused'
  | 'post_abandoned'
  | 'posted_after_answer'
  | 'answer_undelivered'

/** A packet that the two sides of a link booked differently, or may have. */
export interface Orphan {
  cause: OrphanCause
  /** True: it is one. False: it is one if the other side has posted. */
  isCertain: boolean
  /** The peer at the other end. */
  peerId: string
  direction: 'downstream' | 'upstream'
  /** Hexadecimal. */
  condition: string
  /** In minor units of the link's asset. */
  amount: bigint
  atMs: number
}

/** What operators and audits reconcile links with. */
export interface Orphans {
  record(orphan: Omit<Orphan, 'atMs' | 'condition'> & { condition: Buffer }): void
  /** The newest ones, oldest first, up to the limit. */
  list(): readonly Orphan[]
  /** How many there were by cause since the start. */
  counts(): Readonly<Partial<Record<OrphanCause, number>>>
}

export function createOrphans(dependencies: {
  clock: { nowMs(): number }
  logger: Logger
  maxListed: number
}): Orphans {
  const { clock, logger, maxListed } = dependencies
  const listed: Orphan[] = []
  const counts: Partial<Record<OrphanCause, number>> = {}
  return {
    record({ condition, ...fields }) {
      const orphan: Orphan = { ...fields, condition: condition.toString('hex'), atMs: clock.nowMs() }
      counts[orphan.cause] = (counts[orphan.cause] ?? 0) + 1
      listed.push(orphan)
      if (listed.length > maxListed) listed.shift()
      logger.warn(
        { event: 'orphan', ...orphan, amount: orphan.amount.toString() },
        orphan.isCertain
          ? 'a packet is booked on one side of a link only'
          : 'a packet may be booked on the other side of a link only'
      )
    },
    list: () => listed,
    counts: () => counts
  }
}
