import { Session } from 'node:inspector/promises'
import type { Profiler } from 'node:inspector'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What the laboratory asks a service's process, and what it is answered: from within, beside the service's work. */
export interface Answers {
  /** The memory that is left after a collection, and the processor time used. */
  measure: Footprint
  /** How the event loop fared since this was last asked. */
  observe: EventLoopLook
  startProfile: undefined
  /** Where processor time went since the start of the profile. */
  stopProfile: Profiler.Profile
}
export type Question = keyof Answers

export interface Footprint {
  residentBytes: number
  heapBytes: number
  cpuMs: number
}

export interface EventLoopLook {
  heapBytes: number
  /** Part of the time that it was busy, 0 to 1. */
  utilisation: number
  /** How late timers were, beyond their own resolution. */
  delayP99Ms: number
}

const DELAY_RESOLUTION_MS = 10
const SAMPLE_EVERY_US = 1_000

let delay: ReturnType<typeof monitorEventLoopDelay> | undefined
let before = performance.eventLoopUtilization()
let session: Session | undefined

const answers: { [Name in Question]: () => Answers[Name] | Promise<Answers[Name]> } = {
  measure() {
    collectGarbage()
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    return { residentBytes: rss, heapBytes: heapUsed, cpuMs: (user + system) / 1_000 }
  },
  observe() {
    // From the first look on: a service that nobody looks at pays nothing for it.
    if (!delay) {
      delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
      delay.enable()
    }
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    const p99Ms = delay.percentile(99) / 1e6
    delay.reset()
    return {
      heapBytes: process.memoryUsage().heapUsed,
      utilisation: utilization,
      delayP99Ms: Math.max(0, p99Ms - DELAY_RESOLUTION_MS)
    }
  },
  async startProfile() {
    session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US })
    await session.post('Profiler.start')
    return undefined
  },
  async stopProfile() {
    if (!session) throw new Error('no profile was started')
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    session = undefined
    return profile
  }
}

/** Answers one question about this very process. */
export async function answer(question: Question): Promise<unknown> {
  return answers[question]()
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}
