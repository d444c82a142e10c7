/** How many packets may be in flight at once. */
export interface SendWindow {
  readonly size: number
  /** A packet was fulfilled after `latencyMs`, while `inFlight` packets were. */
  grow(latencyMs: number, inFlight: number): void
  /** Congestion was met: half the window. */
  shrink(): void
}

/** Latency up to this much above twice the best is no sign of a queue. */
const LATENCY_TOLERANCE_MS = 50

/**
 * Doubles per round trip until congestion is met for the first time, then grows by one packet per round trip.
 * Grows only while it is used, and not while answers take clearly longer than the best ones did.
 */
export function createSendWindow(options: { start: number; max: number }): SendWindow {
  let size = Math.min(options.start, options.max)
  let doubling = true
  let bestLatencyMs = Number.POSITIVE_INFINITY

  return {
    get size() {
      return Math.floor(size)
    },
    grow(latencyMs, inFlight) {
      bestLatencyMs = Math.min(bestLatencyMs, latencyMs)
      if (latencyMs > 2 * bestLatencyMs + LATENCY_TOLERANCE_MS) {
        doubling = false
        return
      }
      if (inFlight < Math.floor(size) / 2) return
      size = Math.min(options.max, size + (doubling ? 1 : 1 / size))
    },
    shrink() {
      doubling = false
      size = Math.max(1, size / 2)
    }
  }
}
