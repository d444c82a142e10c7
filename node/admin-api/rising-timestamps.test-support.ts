/**
 * Timestamps in milliseconds for what one client signs: each later than the one before, so that equal requests of
 * one millisecond are no replays.
 */
export function risingTimestamps(nowMs: () => number): () => number {
  let lastMs = 0
  return () => (lastMs = Math.max(nowMs(), lastMs + 1))
}
