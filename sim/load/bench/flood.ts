import type { Clock } from '../../../node/runtime/index.ts'
import { createLatencies } from './histogram.ts'
import type { Latencies } from './histogram.ts'

/** What became of packets that were sent whatever became of those before. */
export interface FloodReading {
  /** Packets that were due. */
  offered: number
  /** Of those, handed to a connection. */
  sent: number
  /** Of those, not: as many were under way as the sender may have. */
  heldBack: number
  /** How they were answered, by outcome. */
  outcomes: Record<string, number>
  /** Fulfilled while packets were still offered, and per second of that time. */
  fulfilledInTime: number
  fulfilledPerSecond: number
  /** From when a packet was due to its answer. */
  fulfilled: Latencies
  refused: Latencies
  /** How late the generator was at most: what it could not do in time is not the node's fault. */
  maxLagMs: number
}

export interface Flood {
  /** Resolves when the last packet was offered. */
  offered: Promise<void>
  /** Resolves when the last one was answered, too. */
  answered: Promise<FloodReading>
  /** What was counted so far. */
  readonly soFar: FloodReading
}

/**
 * A sender that never waits: packets are offered at `ratePerSecond`, in slices of a millisecond, however many are
 * unanswered. Only `maxInFlight` holds some back, which are counted and not made up for.
 */
export function startFlood({
  clock,
  durationMs,
  ratePerSecond,
  maxInFlight,
  signal,
  send
}: {
  clock: Pick<Clock, 'monotonicMs' | 'setTimer'>
  durationMs: number
  ratePerSecond: number
  maxInFlight: number
  signal?: AbortSignal
  /** One packet; resolves with how it was answered, never rejects. */
  send(): Promise<string>
}): Flood {
  const reading: FloodReading = {
    offered: 0,
    sent: 0,
    heldBack: 0,
    outcomes: {},
    fulfilledInTime: 0,
    fulfilledPerSecond: 0,
    fulfilled: createLatencies(),
    refused: createLatencies(),
    maxLagMs: 0
  }
  const total = Math.floor((durationMs / 1_000) * ratePerSecond)
  const startMs = clock.monotonicMs()
  let inFlight = 0
  let isOver = false
  const offered = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<FloodReading>()

  function settle(outcome: string, dueMs: number): void {
    inFlight -= 1
    reading.outcomes[outcome] = (reading.outcomes[outcome] ?? 0) + 1
    const latencyMs = clock.monotonicMs() - dueMs
    if (outcome === 'fulfilled') {
      reading.fulfilled.record(latencyMs)
      if (!isOver) reading.fulfilledInTime += 1
    } else {
      reading.refused.record(latencyMs)
    }
    if (isOver && inFlight === 0) answered.resolve(reading)
  }

  function offer(): void {
    const nowMs = clock.monotonicMs()
    for (; reading.offered < total && !signal?.aborted; reading.offered += 1) {
      const dueMs = startMs + (reading.offered * 1_000) / ratePerSecond
      if (dueMs > nowMs) break
      reading.maxLagMs = Math.max(reading.maxLagMs, Math.round(nowMs - dueMs))
      if (inFlight >= maxInFlight) {
        reading.heldBack += 1
        continue
      }
      inFlight += 1
      reading.sent += 1
      void send().then((outcome) => settle(outcome, dueMs))
    }
    if (reading.offered < total && !signal?.aborted) return void clock.setTimer(1, offer)
    isOver = true
    reading.fulfilledPerSecond = Math.round(
      (reading.fulfilledInTime * 1_000) / Math.max(1, clock.monotonicMs() - startMs)
    )
    offered.resolve()
    if (inFlight === 0) answered.resolve(reading)
  }

  offer()
  return { offered: offered.promise, answered: answered.promise, soFar: reading }
}
