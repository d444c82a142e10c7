import type { Clock } from '../../runtime/index.ts'
import type { Deadlines } from './deadlines.ts'

export interface RefusalLimits {
  /** Refusals for load (T03, T04, T05) that one peer gets at once; further ones within a second come later. */
  maxRefusalsPerSecond: number
  /** The longest that a refusal is held back. */
  maxRefusalDelayMs: number
  /** Refusals to one peer that are held back at a time; further ones come at once. */
  maxRefusalsHeld: number
}

/**
 * Refusing costs nearly what carrying costs: reading a request, finding its peer, answering. A peer that repeats at
 * once what was refused would spend the processor that the packets let in need. So refusals of one peer leave at
 * a bounded pace: a few are at once, those of a flood are held back, and the connection they hold cannot ask again
 * meanwhile. None is held until its packet expires.
 */
export interface Refusals {
  /** Resolves when the refusal may leave; undefined: now. */
  pace(peerId: string, expiresAtMs: number): Promise<void> | undefined
  forget(peerId: string): void
}

/** What is left of a packet's life at least when its refusal leaves: it has to arrive. */
const MARGIN_MS = 500

export function createRefusals(dependencies: {
  clock: Pick<Clock, 'nowMs' | 'monotonicMs'>
  deadlines: Deadlines
  limits: RefusalLimits
  stopped: AbortSignal
}): Refusals {
  const { clock, deadlines, limits, stopped } = dependencies
  const intervalMs = 1_000 / limits.maxRefusalsPerSecond
  /** When each peer's next refusal has its turn, if it were not let through before; and how many are held. */
  const peers = new Map<string, { turnMs: number; held: number }>()

  return {
    pace(peerId, expiresAtMs) {
      const nowMs = clock.monotonicMs()
      let peer = peers.get(peerId)
      if (peer === undefined) {
        peer = { turnMs: nowMs, held: 0 }
        peers.set(peerId, peer)
      }
      const { turnMs } = peer
      // One second's worth is at once; a queue longer than the longest delay grows no further.
      const delayMs = Math.min(
        turnMs - nowMs - 1_000,
        limits.maxRefusalDelayMs,
        expiresAtMs - clock.nowMs() - MARGIN_MS
      )
      peer.turnMs = Math.min(Math.max(turnMs, nowMs) + intervalMs, nowMs + 1_000 + limits.maxRefusalDelayMs)
      if (delayMs <= 0 || peer.held >= limits.maxRefusalsHeld || stopped.aborted) return undefined
      const held = peer
      held.held += 1
      return new Promise((resolve) => {
        deadlines.at(clock.nowMs() + delayMs, () => {
          held.held -= 1
          resolve()
        })
      })
    },
    forget: (peerId) => void peers.delete(peerId)
  }
}
