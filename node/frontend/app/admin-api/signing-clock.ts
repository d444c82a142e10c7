/** Two equal requests within one millisecond would carry one signature, and the second be refused as replayed. */
export function createSigningClock(nowMs: () => number): () => number {
  let lastMs = 0
  return () => (lastMs = Math.max(nowMs(), lastMs + 1))
}
