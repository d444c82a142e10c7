/** What is kept of peers by their id. */
export interface PeerRecords<Value> {
  get(peerId: string): Value | undefined
  set(peerId: string, value: Value): void
  readonly size: number
}

/** Fewer than these are not looked through. */
const FIRST_SWEEP_AT = 1_000

/**
 * Records that are made when a peer is first met, and go some time after it is gone: whenever their number has
 * doubled, those that need not be kept are dropped. So there are at most twice as many as are needed, and a look-up
 * costs no more than one in a Map.
 */
export function createPeerRecords<Value>(
  isKept: (peerId: string, value: Value) => boolean
): PeerRecords<Value> {
  const records = new Map<string, Value>()
  let sweepAt = FIRST_SWEEP_AT
  return {
    get: (peerId) => records.get(peerId),
    set(peerId, value) {
      if (records.size >= sweepAt) {
        for (const [id, record] of records) if (!isKept(id, record)) records.delete(id)
        sweepAt = Math.max(FIRST_SWEEP_AT, records.size * 2)
      }
      records.set(peerId, value)
    },
    get size() {
      return records.size
    }
  }
}
