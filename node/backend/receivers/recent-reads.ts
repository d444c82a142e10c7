import type { Clock } from '../../runtime/index.ts'
import type { ReadOptions, Receiver } from './model.ts'

/** Receivers that are remembered at most; the ones that were read longest ago are dropped first. */
export const MAX_RECENT_READS = 10_000

/**
 * What other nodes answered a moment ago, for callers that say how old it may be. STREAM credentials are given
 * to one caller only: two connections with the same secret would not be told apart by the receiver.
 */
export interface RecentReads {
  find(url: string, options: ReadOptions): Receiver | undefined
  /** @param givenOut its credentials are in use by who asked */
  keep(receiver: Receiver, use: { givenOut: boolean }): void
  drop(url: string): void
}

export function createRecentReads(clock: Pick<Clock, 'nowMs'>): RecentReads {
  const reads = new Map<string, { receiver: Receiver; readAtMs: number; givenOut: boolean }>()

  return {
    find(url, { maxAgeMs = 0, ownCredentials = false }) {
      const read = reads.get(url)
      if (read === undefined || clock.nowMs() - read.readAtMs >= maxAgeMs) return undefined
      if (!ownCredentials) return read.receiver
      if (read.givenOut) return undefined
      read.givenOut = true
      return read.receiver
    },
    keep(receiver, { givenOut }) {
      const { incomingPaymentUrl: url } = receiver
      reads.delete(url) // moves to the end
      reads.set(url, { receiver, readAtMs: clock.nowMs(), givenOut })
      if (reads.size <= MAX_RECENT_READS) return
      const [oldest] = reads.keys()
      if (oldest !== undefined) reads.delete(oldest)
    },
    drop: (url) => void reads.delete(url)
  }
}
