import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { EventLoopLook } from './processes.ts'

/** Looks at the event loop of this very process: the generator's own. */
export function observeOwnEventLoop(): () => Promise<EventLoopLook> {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    // The monitor's timer itself takes its resolution: what is beyond that is delay.
    const delayP99Ms = Math.max(0, delay.percentile(99) / 1e6 - 10)
    delay.reset()
    return Promise.resolve({
      heapBytes: process.memoryUsage().heapUsed,
      utilisation: utilization,
      delayP99Ms
    })
  }
}
