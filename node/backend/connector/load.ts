import type { Clock } from '../../runtime/index.ts'

export interface LoadLimits {
  /** Packets that wait for this node itself at most (not for the next hop); beyond: T03. */
  maxPacketsWaiting: number
  /** How many before anything was learnt. */
  firstPacketsWaiting: number
  /** How few it may become under load: enough for full batches of the ledger, and for a burst on a slow machine. */
  minPacketsWaiting: number
  /** What a packet may wait for this node itself each time: when the mean wait is longer, less is let in. */
  maxWaitMs: number
  /** How often the number of waiting packets is adapted. */
  adaptIntervalMs: number
  /** One source may have this many times the room that is left: 4 is four fifths of all, if it is alone. */
  roomShare: number
}

/**
 * How many packets this node lets in at once, learnt from how long they wait for it.
 *
 * A packet waits from its arrival until the ledger has reserved it (or all that is answered here is done): that is
 * our processor, our event loop and our ledger, and none of a next hop's time. Under more load than we carry the
 * wait grows without end, unless fewer are let in; those that are then keep their time, and the others are told
 * at once (T03) instead of running into their expiry.
 *
 *   every interval:   mean wait > maxWaitMs ──▶ less, as far as the wait was too long; at least the minimum
 *                     mean wait < half of that, and half of the room was used ─▶ a tenth more
 *
 * The room is shared by dynamic thresholds (Choudhury and Hahne, 1998): a source is let in while what it has waiting
 * is less than `roomShare` times what is left of the room. Sources that ask for all they can get come to equal parts
 * of it, whoever was first, and some is left for one that comes new: n of them leave 1 / (1 + n · share).
 */
export interface Load {
  readonly waiting: number
  /** How many may wait at this moment. */
  readonly limit: number
  /** Whether a source that has `own` packets waiting may have one more. */
  admits(own: number): boolean
  enter(): void
  /** A packet that entered `waitMs` ago waits no longer. */
  leave(waitMs: number): void
  /** A packet that was let in before waited once more, for its posting. */
  note(waitMs: number): void
}

/** What is left of the room after an interval in which every wait was too long. */
const LEAST_PART = 0.5
const MOST_PART = 0.9

export function createLoad(clock: Pick<Clock, 'monotonicMs'>, limits: LoadLimits): Load {
  const { maxPacketsWaiting, firstPacketsWaiting, minPacketsWaiting, maxWaitMs, adaptIntervalMs } = limits
  const { roomShare } = limits
  let waiting = 0
  let limit = Math.min(firstPacketsWaiting, maxPacketsWaiting)
  let intervalStartMs = clock.monotonicMs()
  let waitedMs = 0
  let waits = 0
  let mostWaiting = 0

  function adapt(nowMs: number): void {
    const meanWaitMs = waitedMs / waits
    if (meanWaitMs > maxWaitMs) {
      const part = Math.max(LEAST_PART, Math.min(MOST_PART, maxWaitMs / meanWaitMs))
      limit = Math.min(limit, Math.max(minPacketsWaiting, Math.floor(mostWaiting * part)))
    } else if (meanWaitMs * 2 < maxWaitMs && mostWaiting * 2 >= limit) {
      // Not more than was tried: a burst must not find a room that was never measured.
      limit = Math.min(maxPacketsWaiting, Math.ceil(limit * 1.1))
    }
    intervalStartMs = nowMs
    waitedMs = 0
    waits = 0
    mostWaiting = waiting
  }

  function note(waitMs: number): void {
    waits += 1
    waitedMs += waitMs
    const nowMs = clock.monotonicMs()
    if (nowMs - intervalStartMs >= adaptIntervalMs) adapt(nowMs)
  }

  return {
    get waiting() {
      return waiting
    },
    get limit() {
      return limit
    },
    admits: (own) => own < (limit - waiting) * roomShare,
    enter() {
      waiting += 1
      if (waiting > mostWaiting) mostWaiting = waiting
    },
    leave(waitMs) {
      waiting -= 1
      note(waitMs)
    },
    note
  }
}
