import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { DEFAULT_CONNECTOR_LIMITS } from './limits.ts'
import { createLoad } from './load.ts'

/**
 * A node that carries `perSecond` packets, one after the other, asked by as many as are let in: what it carries, and
 * how long a packet waits, in each of the seconds given.
 */
function simulate(rates: readonly number[], offeredAtOnce: number) {
  let nowMs = 0
  const load = createLoad({ monotonicMs: () => nowMs }, DEFAULT_CONNECTOR_LIMITS)
  const queue: number[] = []
  const seconds: { carried: number; longestWaitMs: number; limit: number }[] = []
  for (const perSecond of rates) {
    const second = { carried: 0, longestWaitMs: 0, limit: 0 }
    for (let tick = 0; tick < 1_000; tick += 1) {
      nowMs += 1
      while (queue.length < offeredAtOnce && load.waiting < load.limit) {
        load.enter()
        queue.push(nowMs)
      }
      const due = Math.floor((tick + 1) * (perSecond / 1_000)) - second.carried
      for (const since of queue.splice(0, due)) {
        second.carried += 1
        second.longestWaitMs = Math.max(second.longestWaitMs, nowMs - since)
        load.leave(nowMs - since)
      }
    }
    seconds.push({ ...second, limit: load.limit })
  }
  return seconds
}

describe('what is let in', () => {
  it('is everything while packets wait a short time', () => {
    const seconds = simulate([10_000, 10_000, 10_000], 2_000)
    expect(seconds.at(-1)!.limit).toBeGreaterThanOrEqual(2_000)
    expect(seconds.every(({ carried }) => carried === 10_000)).toBe(true)
  })

  it('becomes so little that packets wait about as long as they may, and never so little that time is lost', () => {
    const seconds = simulate(Array<number>(20).fill(1_000), 20_000)
    for (const { longestWaitMs, carried } of seconds.slice(-5)) {
      expect(longestWaitMs).toBeLessThan(2 * DEFAULT_CONNECTOR_LIMITS.maxWaitMs)
      expect(carried).toBe(1_000)
    }
  })

  it('grows again within seconds when there is less to do', () => {
    const seconds = simulate([...Array<number>(40).fill(1_000), ...Array<number>(5).fill(50_000)], 15_000)
    expect(seconds[39]!.limit).toBeLessThan(2_000)
    expect(seconds.at(-1)!).toMatchObject({ carried: 50_000 })
    expect(seconds.at(-1)!.limit).toBeGreaterThan(4_000)
  })

  it('is never less than a batch of the ledger is worth', () => {
    expect(simulate(Array<number>(20).fill(10), 20_000).at(-1)!.limit).toBeGreaterThanOrEqual(
      DEFAULT_CONNECTOR_LIMITS.minPacketsWaiting
    )
  })
})

it('becomes four fifths of what waited when even the shortest wait was too long', () => {
  const clock = createManualClock()
  const load = createLoad(clock, { ...DEFAULT_CONNECTOR_LIMITS, minPacketsWaiting: 10, adaptIntervalMs: 0 })
  for (let packet = 0; packet < 50; packet += 1) load.enter()
  load.leave(DEFAULT_CONNECTOR_LIMITS.maxWaitMs + 1)
  expect(load).toMatchObject({ waiting: 49, limit: 40 })
})
