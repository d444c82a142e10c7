import { expect, it } from 'vitest'
import { createManualClock } from '../../../node/runtime/index.ts'
import { startFlood } from './flood.ts'

/** A node that answers after a time of its own, by turns carried and refused. */
function setUp(answersAfterMs: number) {
  const clock = createManualClock()
  let count = 0
  let underWay = 0
  const node = {
    clock,
    mostUnderWay: 0,
    async send() {
      const isCarried = count++ % 2 === 0
      node.mostUnderWay = Math.max(node.mostUnderWay, ++underWay)
      await clock.sleep(answersAfterMs)
      underWay -= 1
      return isCarried ? 'fulfilled' : 'T03'
    }
  }
  return node
}

async function run(clock: ReturnType<typeof createManualClock>, durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 1) await clock.advance(1)
}

it('offers at its rate whatever becomes of it, and counts answers by outcome and by time', async () => {
  const node = setUp(100)
  const flood = startFlood({
    clock: node.clock,
    durationMs: 200,
    ratePerSecond: 1_000,
    maxInFlight: 10_000,
    send: node.send
  })
  await run(node.clock, 310)
  const reading = await flood.answered
  expect(reading).toMatchObject({ offered: 200, sent: 200, heldBack: 0 })
  expect(reading.outcomes).toEqual({ fulfilled: 100, T03: 100 })
  // Half of what was offered in the first half was carried while packets were still offered.
  expect(reading.fulfilledInTime).toBe(50)
  expect(reading.fulfilledPerSecond).toBe(251) // of the 199 ms until the last was offered
  expect(reading.fulfilled.percentileMs(99)).toBeCloseTo(100, 0)
  expect(reading.refused.count()).toBe(100)
  expect(node.mostUnderWay).toBeGreaterThanOrEqual(100)
})

it('holds back what is due while as many are under way as may be, and does not make up for it', async () => {
  const node = setUp(1_000)
  const flood = startFlood({
    clock: node.clock,
    durationMs: 500,
    ratePerSecond: 1_000,
    maxInFlight: 40,
    send: node.send
  })
  await run(node.clock, 1_600)
  const reading = await flood.answered
  expect(node.mostUnderWay).toBe(40)
  expect(reading).toMatchObject({ offered: 500, sent: 40, heldBack: 460, fulfilledInTime: 0 })
})

it('says how late it was itself: what it offers late counts from when it was due', async () => {
  const node = setUp(10)
  const slow = {
    ...node.clock,
    setTimer: (ms: number, then: () => void) => node.clock.setTimer(ms + 49, then)
  }
  const flood = startFlood({
    clock: slow,
    durationMs: 100,
    ratePerSecond: 1_000,
    maxInFlight: 1_000,
    send: node.send
  })
  await run(node.clock, 200)
  const reading = await flood.answered
  expect(reading.offered).toBe(100)
  expect(reading.maxLagMs).toBeGreaterThanOrEqual(49)
  expect(reading.fulfilled.maxMs()).toBeGreaterThan(55)
})
