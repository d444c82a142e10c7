import type { Clock, Random, Timer } from '../../runtime/index.ts'
import type { SendError } from './send-error.ts'
import { createSendWindow } from './window.ts'

/** Defaults of a payment's limits. */
export const SEND_LIMITS = {
  /** Packets in flight at first, and at most. */
  startWindow: 20,
  maxWindow: 1_000,
  /** Packets that are sent in one go: then whatever else the process has to do has its turn. */
  maxBurst: 50,
  /** Life of a packet, and the longest after R02. */
  lifetimeMs: 30_000,
  maxLifetimeMs: 120_000,
  /** The payment fails when nothing was delivered for so long. */
  idleTimeoutMs: 60_000,
  /** Pause after a Reject that asked for patience; doubles, with jitter. */
  backoffStartMs: 20,
  backoffMaxMs: 5_000,
  /** Round trips in a row that brought failures and no delivery, after which the payment fails. */
  maxFailedRounds: 20,
  /** Packets that may be larger than needed to find out what completes the payment. */
  maxCompletingTries: 40,
  /** F08 that lowered the packet size. */
  maxTooLarge: 64,
  /** R01 in a row that raised it. */
  maxTooSmall: 40,
  /** Packets in doubt at which the payment stops. */
  maxInDoubt: 20,
  /** Packets of one attempt: an epoch has 2^24 sequence numbers. */
  maxPackets: 2 ** 24 - 100
}
export type SendLimits = typeof SEND_LIMITS

/**
 * When to send: window, pauses, patience. Failures are counted by round: what was sent before the last cut of
 * the window met the same congestion and neither cuts nor counts again.
 */
export interface Pace {
  readonly limits: SendLimits
  readonly window: number
  readonly lifetimeMs: number
  /** Rises with every cut of the window. */
  readonly round: number
  isPausing(): boolean
  isIdle(): boolean
  /** Until the payment is idle: at least 1. */
  remainingIdleMs(): number
  /** A packet was fulfilled after `latencyMs`, with `inFlight` packets under way. */
  onProgress(latencyMs: number, inFlight: number): void
  /** Halves the window, once per round. */
  slowDown(round: number): void
  /** Halves the window and pauses, once per round. */
  backOff(round: number): void
  /** As `backOff`, and fails the payment after too many rounds without progress. */
  onFailure(round: number, error: SendError, fail: (error: SendError) => void): void
  /** The life that comes after one that was too short; undefined when that is the longest. */
  longerLife(thanMs: number): number | undefined
  /** Of the packets from now on. */
  liveLonger(lifetimeMs: number): void
  /** Resumes when everything else had its turn. */
  yieldTurn(): void
  /** Called when a pause or another's turn is over. */
  onResume(callback: () => void): void
  close(): void
}

export function createPace(options: {
  clock: Pick<Clock, 'monotonicMs' | 'setTimer'>
  random: Pick<Random, 'fraction'>
  limits?: Partial<SendLimits>
}): Pace {
  const { clock, random } = options
  const limits = { ...SEND_LIMITS, ...options.limits }
  const window = createSendWindow({ start: limits.startWindow, max: limits.maxWindow })
  let round = 0
  let failedRounds = 0
  let lifetimeMs = limits.lifetimeMs
  let backoffMs = limits.backoffStartMs
  let lastProgressMs = clock.monotonicMs()
  let pausedUntilMs = 0
  let timer: Timer | undefined
  let turn: Timer | undefined
  let resume: () => void = () => undefined

  function startRound(of: number): boolean {
    if (of < round) return false
    round++
    return true
  }

  function pause(): void {
    const delayMs = backoffMs * (0.5 + random.fraction() / 2)
    backoffMs = Math.min(backoffMs * 2, limits.backoffMaxMs)
    pausedUntilMs = clock.monotonicMs() + delayMs
    timer?.cancel()
    timer = clock.setTimer(delayMs, () => {
      pausedUntilMs = 0
      resume()
    })
  }

  function backOff(of: number): boolean {
    if (!startRound(of)) return false
    window.shrink()
    pause()
    return true
  }

  return {
    limits,
    get window() {
      return window.size
    },
    get lifetimeMs() {
      return lifetimeMs
    },
    get round() {
      return round
    },
    isPausing: () => clock.monotonicMs() < pausedUntilMs,
    isIdle: () => clock.monotonicMs() - lastProgressMs >= limits.idleTimeoutMs,
    remainingIdleMs: () => Math.max(1, limits.idleTimeoutMs - (clock.monotonicMs() - lastProgressMs)),
    onProgress(latencyMs, inFlight) {
      window.grow(latencyMs, inFlight)
      lastProgressMs = clock.monotonicMs()
      backoffMs = limits.backoffStartMs
      failedRounds = 0
    },
    slowDown(of) {
      if (startRound(of)) window.shrink()
    },
    backOff: (of) => void backOff(of),
    onFailure(of, error, fail) {
      if (backOff(of) && ++failedRounds > limits.maxFailedRounds) fail(error)
    },
    longerLife: (thanMs) =>
      thanMs >= limits.maxLifetimeMs ? undefined : Math.min(thanMs * 2, limits.maxLifetimeMs),
    liveLonger(ms) {
      lifetimeMs = Math.max(lifetimeMs, ms)
    },
    yieldTurn() {
      turn ??= clock.setTimer(0, () => {
        turn = undefined
        resume()
      })
    },
    onResume(callback) {
      resume = callback
    },
    close() {
      timer?.cancel()
      turn?.cancel()
    }
  }
}
