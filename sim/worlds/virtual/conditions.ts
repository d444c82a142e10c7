import type { Owner } from './owner.ts'
import type { Scheduler } from './scheduler.ts'

/** One way, in milliseconds, of the next segment between two hosts. */
export type Latency = (from: string, to: string) => number

/** One direction of a connection: what is sent arrives in order, once, after a while. */
export interface Path {
  /** @param owner who receives: a kill drops what has not arrived. `undefined`: nobody's */
  send(deliver: () => void, owner: Owner | undefined): void
  /** Nothing more arrives until `forMs` are over; then all of it. */
  stall(forMs: number): void
}

/** What the network is like now: latencies, and pairs of hosts between which nothing passes. */
export interface NetworkConditions {
  path(from: string, to: string): Path
  setLatency(latency: Latency): void
  /**
   * From here on nothing passes between two hosts, either way. As over TCP, nothing is lost by it: what is sent waits,
   * new connections too, and arrives after `heal`, if both ends still want it.
   */
  cut(one: string, other: string): void
  heal(one: string, other: string): void
}

export function createConditions(scheduler: Scheduler, initial: Latency): NetworkConditions {
  let latency = initial
  /** By pair of hosts: what waits for the cut to heal. As many cuts as heals open it. */
  const cuts = new Map<string, { depth: number; waiting: (() => void)[] }>()
  const pair = (one: string, other: string) => [one, other].sort().join(' ')

  return {
    path(from, to) {
      let lastDueMs = 0
      let stalled: (() => void)[] | undefined

      function post(deliver: () => void, owner: Owner | undefined): void {
        if (stalled) return void stalled.push(() => post(deliver, owner))
        const cut = cuts.get(pair(from, to))
        if (cut) return void cut.waiting.push(() => post(deliver, owner))
        const nowMs = scheduler.nowMs()
        lastDueMs = Math.max(lastDueMs, nowMs + (from === to ? 0 : latency(from, to)))
        scheduler.after(lastDueMs - nowMs, deliver, { owner: owner ?? null })
      }

      return {
        send: post,
        stall(forMs) {
          stalled ??= []
          scheduler.after(
            forMs,
            () => {
              const waiting = stalled ?? []
              stalled = undefined
              for (const go of waiting) go()
            },
            { owner: null }
          )
        }
      }
    },
    setLatency: (next) => void (latency = next),
    cut(one, other) {
      const key = pair(one, other)
      const cut = cuts.get(key) ?? { depth: 0, waiting: [] }
      cut.depth += 1
      cuts.set(key, cut)
    },
    heal(one, other) {
      const key = pair(one, other)
      const cut = cuts.get(key)
      if (!cut) return
      cut.depth -= 1
      if (cut.depth > 0) return
      cuts.delete(key)
      for (const go of cut.waiting) go()
    }
  }
}
