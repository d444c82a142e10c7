/** Packets in flight of all payments of a process together, by default. */
export const MAX_PACKETS_SENDING = 2_000

/** One payment's part of what a process may have in flight. */
export interface ShareMember {
  /** Packets: the same for every payment that is sending, at least 1. */
  readonly limit: number
  leave(): void
}

/**
 * What payments of one process share: each may have as many packets in flight as any other. A payment that needs
 * less leaves nothing idle, for its packets are answered and the others' windows are bounded by what the path
 * takes, not by this; it keeps one that needs more from filling the queues that all of them wait in.
 */
export interface SendingShare {
  join(): ShareMember
}

export function createSendingShare(maxInFlight = MAX_PACKETS_SENDING): SendingShare {
  let members = 0
  return {
    join() {
      let isMember = true
      members++
      return {
        get limit() {
          return Math.max(1, Math.floor(maxInFlight / Math.max(1, members)))
        },
        leave() {
          if (isMember) members--
          isMember = false
        }
      }
    }
  }
}
