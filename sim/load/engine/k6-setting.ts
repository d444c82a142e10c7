import type { Arrivals, LoadBounds } from './model.ts'

/** What a k6 script is told: the JSON file that its environment variable LOAD names. */
export interface K6Setting<Target> {
  /** Unlike every other stage's, of this run and of all others: what ids and conditions are made of. */
  stageId: string
  arrivals: Arrivals
  durationMs: number
  /** Calls under way at most; each takes one of k6's virtual users. */
  maxInFlight: number
  /** Become k6's thresholds. */
  bounds: LoadBounds
  /** What is called, and as whom. */
  target: Target
}

/** What a script writes to the console of each call, as one line of JSON. */
export interface K6Call {
  endMs: number
  latencyMs: number
  ok: boolean
  outcome: string
}

/** The two metrics that thresholds are on. */
export const K6_METRICS = { latency: 'call_latency', failed: 'call_failed' } as const
