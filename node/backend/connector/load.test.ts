import fc from 'fast-check'
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
      while (queue.length < offeredAtOnce && load.admits(load.waiting)) {
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
    const seconds = simulate([10_000, 10_000, 10_000], 1_000)
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
    expect(seconds.at(-1)!.limit).toBeGreaterThan(1_000)
  })

  it('is never less than a batch of the ledger is worth', () => {
    expect(simulate(Array<number>(20).fill(10), 20_000).at(-1)!.limit).toBeGreaterThanOrEqual(
      DEFAULT_CONNECTOR_LIMITS.minPacketsWaiting
    )
  })
})

it.each([
  ['a little', 1.25, 40],
  ['far', 10, 25],
  ['hardly', 1.01, 45]
])('shrinks as far as the mean wait was %s too long', (_much, times, limit) => {
  const clock = createManualClock()
  const load = createLoad(clock, { ...DEFAULT_CONNECTOR_LIMITS, minPacketsWaiting: 10, adaptIntervalMs: 0 })
  for (let packet = 0; packet < 50; packet += 1) load.enter()
  load.leave(DEFAULT_CONNECTOR_LIMITS.maxWaitMs * times)
  expect(load).toMatchObject({ waiting: 49, limit })
})

it('a wait for the posting counts as the one for the reservation does, and takes no room', async () => {
  const clock = createManualClock()
  const load = createLoad(clock, { ...DEFAULT_CONNECTOR_LIMITS, minPacketsWaiting: 10, adaptIntervalMs: 100 })
  for (let packet = 0; packet < 50; packet += 1) load.enter()
  for (let packet = 0; packet < 50; packet += 1) load.leave(1)
  load.note(DEFAULT_CONNECTOR_LIMITS.maxWaitMs * 1_000)
  expect(load.waiting).toBe(0)
  await clock.advance(100)
  load.note(1)
  expect(load.limit).toBe(25)
})

/** Sources by turns, each asking as often as it says; what is let in leaves in order, some each turn. */
function share(asks: readonly number[], turns: number, leavesPerTurn: number) {
  const load = createLoad({ monotonicMs: () => 0 }, { ...DEFAULT_CONNECTOR_LIMITS, firstPacketsWaiting: 400 })
  const waiting = asks.map(() => 0)
  const carried = asks.map(() => 0)
  const refused = asks.map(() => 0)
  const queue: number[] = []
  let most = 0
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [source, count] of asks.entries()) {
      for (let ask = 0; ask < count; ask += 1) {
        if (!load.admits(waiting[source]!)) {
          refused[source]! += 1
          continue
        }
        load.enter()
        waiting[source]! += 1
        queue.push(source)
      }
    }
    most = Math.max(most, load.waiting)
    for (const source of queue.splice(0, leavesPerTurn)) {
      waiting[source]! -= 1
      carried[source]! += 1
      load.leave(1)
    }
  }
  return { carried, refused, most, limit: load.limit }
}

describe('the room', () => {
  it('is never more than there is', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 20 }), (asks) => {
        const { most, limit } = share(asks, 20, 50)
        expect(most).toBeLessThanOrEqual(limit)
      }),
      { numRuns: 50 }
    )
  })

  it('of one source alone is four fifths', () => {
    expect(share([5_000], 1, 0).most).toBe(320)
  })

  it('is shared evenly by those who ask for all of it, whoever asks first or most', () => {
    const { carried } = share([5_000, 40, 20], 3_000, 5)
    const fair = carried.reduce((sum, count) => sum + count) / carried.length
    for (const count of carried) expect(count / fair).toBeGreaterThan(0.9)
  })

  it('has a place for every packet of a source that asks for less than its part, beside any flood', () => {
    const { refused, carried } = share([5_000, 5], 200, 50)
    expect(refused[1]).toBe(0)
    expect(refused[0]).toBeGreaterThan(0)
    expect(carried[1]).toBeGreaterThan(900)
  })
})
