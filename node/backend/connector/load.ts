import type { Clock } from '../../runtime/index.ts'

export interface LoadLimits {
  /** Packets that wait for this node itself at most (not for the next hop); beyond: T03. */
  maxPacketsWaiting: number
  /** How many before anything was learnt. */
  firstPacketsWaiting: number
  /** How few it may become under load: enough for full batches of the ledger, and for a burst on a slow machine. */
  minPacketsWaiting: number
  /** What a packet may wait for this node itself: when even the shortest wait is longer, less is let in. */
  maxWaitMs: number
  /** How often the number of waiting packets is adapted. */
  adaptIntervalMs: number
}

/**
 * How many packets this node lets in at once, learnt from how long they wait for it.
 *
 * A packet waits from its arrival until the ledger has reserved it (or all that is answered here is done): that is
 * our processor, our event loop and our ledger, and none of a next hop's time. Under more load than we carry the
 * wait grows without end, unless fewer are let in; those that are then keep their time, and the others are told
 * at once (T03) instead of running into their expiry.
 *
 *   every interval:   shortest wait > maxWaitMs ──▶ four fifths of what waited at most, at least the minimum
 *                     else, if half of it was used ─▶ a tenth more
 */
export interface Load {
  readonly waiting: number
  /** How many may wait at this moment. */
  readonly limit: number
  enter(): void
  /** A packet that entered `waitedMs` ago waits no longer. */
  leave(waitedMs: number): void
}

export function createLoad(clock: Pick<Clock, 'monotonicMs'>, limits: LoadLimits): Load {
  const { maxPacketsWaiting, firstPacketsWaiting, minPacketsWaiting, maxWaitMs, adaptIntervalMs } = limits
  let waiting = 0
  let limit = Math.min(firstPacketsWaiting, maxPacketsWaiting)
  let intervalStartMs = clock.monotonicMs()
  let shortestWaitMs = Infinity
  let mostWaiting = 0

  function adapt(nowMs: number): void {
    if (shortestWaitMs > maxWaitMs) {
      limit = Math.max(minPacketsWaiting, Math.floor(mostWaiting * 0.8))
    } else if (mostWaiting * 2 >= limit) {
      // Not more than was tried: a burst must not find a room that was never measured.
      limit = Math.min(maxPacketsWaiting, Math.ceil(limit * 1.1))
    }
    intervalStartMs = nowMs
    shortestWaitMs = Infinity
    mostWaiting = waiting
  }

  return {
    get waiting() {
      return waiting
    },
    get limit() {
      return limit
    },
    enter() {
      waiting += 1
      if (waiting > mostWaiting) mostWaiting = waiting
    },
    leave(waitedMs) {
      waiting -= 1
      if (waitedMs < shortestWaitMs) shortestWaitMs = waitedMs
      const nowMs = clock.monotonicMs()
      if (nowMs - intervalStartMs >= adaptIntervalMs) adapt(nowMs)
    }
  }
}
