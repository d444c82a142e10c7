import { Rate, Trend } from 'k6/metrics'
import type { K6Call } from '../../../sim/load/engine/k6-setting.ts'

const latency = new Trend('call_latency', true)
const failed = new Rate('call_failed')

/** Counts a call that began at `startMs` and has just ended: for k6's thresholds, and as a line for `lab load`. */
export function record(startMs: number, ok: boolean, outcome: string): void {
  const endMs = Date.now()
  const latencyMs = endMs - startMs
  if (ok) latency.add(latencyMs)
  failed.add(!ok)
  console.log(JSON.stringify({ endMs, latencyMs, ok, outcome } satisfies K6Call))
}

/** Makes a call and counts it: it gives the name of its end, or throws. */
export function counted(good: string, call: () => string): void {
  const startMs = Date.now()
  let outcome: string
  try {
    outcome = call()
  } catch (error) {
    // Ids are no part of how a call ended.
    outcome = (error as Error).message.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…').slice(0, 120)
  }
  record(startMs, outcome === good, outcome)
}
