import type { Clock } from '../../runtime/index.ts'
import { createPeerRecords } from './peer-records.ts'

export interface RefusalLimits {
  /** Refusals for load (T03, T04, T05) a second that a peer gets in any case without a rest. */
  minRefusalsPerSecond: number
  /** What further refusals to a peer may cost, as a part of what is spent on the packets carried for it. */
  maxRefusalShare: number
  /** The longest rest of a connection. */
  maxRestMs: number
}

/**
 * Refusing costs a part of what carrying costs: a request is read, its peer is found, an answer is written. A peer
 * that repeats at once what was refused could spend the processor that the packets let in need. So each refusal
 * leaves at once, and counts; when a peer was refused more than its share allows, the connection that asked is not
 * read for a while: a request that nobody reads costs nothing. The share grows with what is carried for the peer:
 * all refusals together take a fixed part of the processor at most, on a slow machine as on a fast one.
 *
 *   refused ──▶ the peer's turn moves on by 1 / rate, the connection rests until the turn, less one second
 *               rate = minRefusalsPerSecond + maxRefusalShare / cost · Fulfills to it in the last second
 */
export interface Refusals {
  /** One more refusal to a peer, which cost this part of what a carried packet costs. */
  count(peerId: string, cost: number): void
  /** A packet of a peer that was carried. */
  countFulfill(peerId: string): void
  /** How long the connection of a peer that was just refused is not read; 0: go on. */
  restMs(peerId: string): number
}

/** What a packet costs that was read before it was refused, as a part of what a carried one costs. */
export const READ_REFUSAL_COST = 0.2

const MS_PER_SECOND = 1_000

/** What one peer was answered. */
interface Account {
  /** When its next refusal has its turn, if a second's worth were not let through before. */
  turnMs: number
  secondStartMs: number
  fulfillsOfSecond: number
  fulfillsPerSecond: number
}

export function createRefusals(clock: Pick<Clock, 'monotonicMs'>, limits: RefusalLimits): Refusals {
  const { minRefusalsPerSecond, maxRefusalShare, maxRestMs } = limits
  const peers = createPeerRecords<Account>((_, { turnMs, secondStartMs }) => {
    const nowMs = clock.monotonicMs()
    return turnMs > nowMs || secondStartMs + 2 * MS_PER_SECOND > nowMs
  })

  function accountOf(peerId: string, nowMs: number): Account {
    let account = peers.get(peerId)
    if (account === undefined) {
      account = { turnMs: nowMs, secondStartMs: nowMs, fulfillsOfSecond: 0, fulfillsPerSecond: 0 }
      peers.set(peerId, account)
    }
    const passedMs = nowMs - account.secondStartMs
    if (passedMs >= MS_PER_SECOND) {
      account.fulfillsPerSecond = (account.fulfillsOfSecond * MS_PER_SECOND) / passedMs
      account.fulfillsOfSecond = 0
      account.secondStartMs = nowMs
    }
    return account
  }

  return {
    count(peerId, cost) {
      const nowMs = clock.monotonicMs()
      const account = accountOf(peerId, nowMs)
      const perSecond = minRefusalsPerSecond + (maxRefusalShare / cost) * account.fulfillsPerSecond
      account.turnMs = Math.min(
        Math.max(account.turnMs, nowMs) + MS_PER_SECOND / perSecond,
        nowMs + MS_PER_SECOND + maxRestMs
      )
    },
    countFulfill(peerId) {
      accountOf(peerId, clock.monotonicMs()).fulfillsOfSecond += 1
    },
    restMs(peerId) {
      const account = peers.get(peerId)
      if (account === undefined) return 0
      return Math.max(0, account.turnMs - clock.monotonicMs() - MS_PER_SECOND)
    }
  }
}
