import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createPace } from './pace.ts'
import { sendError } from './send-error.ts'
import type { SendError } from './send-error.ts'
import { createSendWindow } from './window.ts'

const random = { fraction: () => 1 }

describe('the window', () => {
  it('doubles per round trip, and after congestion grows by one', () => {
    const window = createSendWindow({ start: 10, max: 1_000 })
    for (let packet = 0; packet < 10; packet++) window.grow(100, 10)
    expect(window.size).toBe(20)
    window.shrink()
    expect(window.size).toBe(10)
    for (let packet = 0; packet < 11; packet++) window.grow(100, 10)
    expect(window.size).toBe(11)
  })

  it('keeps between 1 and its maximum', () => {
    const window = createSendWindow({ start: 10, max: 15 })
    for (let packet = 0; packet < 100; packet++) window.grow(100, 15)
    expect(window.size).toBe(15)
    for (let cut = 0; cut < 20; cut++) window.shrink()
    expect(window.size).toBe(1)
  })

  it('does not grow unused, nor while answers take longer than they need', () => {
    const window = createSendWindow({ start: 10, max: 100 })
    window.grow(100, 2)
    expect(window.size).toBe(10)
    for (let packet = 0; packet < 50; packet++) window.grow(packet === 0 ? 100 : 260, 10)
    expect(window.size).toBe(11)
  })
})

describe('the pace of a payment', () => {
  it('pauses longer and longer until something is delivered, once per round', async () => {
    const clock = createManualClock()
    const pace = createPace({ clock, random })
    let resumed = 0
    pace.onResume(() => resumed++)
    const round = pace.round
    pace.backOff(round)
    pace.backOff(round)
    expect(pace.window).toBe(10)
    expect(pace.isPausing()).toBe(true)
    await clock.advance(20)
    expect([pace.isPausing(), resumed]).toEqual([false, 1])
    pace.backOff(pace.round)
    await clock.advance(39)
    expect(pace.isPausing()).toBe(true)
    await clock.advance(1)
    expect(pace.isPausing()).toBe(false)
    pace.onProgress(10, 5)
    pace.backOff(pace.round)
    await clock.advance(20)
    expect(pace.isPausing()).toBe(false)
  })

  it('fails after rounds of failure without a delivery', () => {
    const failures: SendError[] = []
    const pace = createPace({ clock: createManualClock(), random, limits: { maxFailedRounds: 2 } })
    const fail = () =>
      pace.onFailure(pace.round, sendError('ConnectorError', 'T00'), (error) => failures.push(error))
    fail()
    fail()
    pace.onProgress(10, 1)
    fail()
    fail()
    expect(failures).toEqual([])
    fail()
    expect(failures).toMatchObject([{ code: 'ConnectorError' }])
  })

  it('is idle when nothing was delivered for long', async () => {
    const clock = createManualClock()
    const pace = createPace({ clock, random })
    await clock.advance(59_999)
    expect([pace.isIdle(), pace.remainingIdleMs()]).toEqual([false, 1])
    pace.onProgress(10, 1)
    await clock.advance(60_000)
    expect(pace.isIdle()).toBe(true)
  })

  it('lets packets live longer, within bounds', () => {
    const pace = createPace({ clock: createManualClock(), random, limits: { maxLifetimeMs: 100_000 } })
    expect([30_000, 60_000, 100_000].map(pace.longerLife)).toEqual([60_000, 100_000, undefined])
    pace.liveLonger(60_000)
    pace.liveLonger(45_000)
    expect(pace.lifetimeMs).toBe(60_000)
  })
})
