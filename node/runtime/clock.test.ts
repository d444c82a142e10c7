import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createManualClock, createSystemClock } from './clock.ts'

describe('the machine’s clock', () => {
  test('calls a timer once, not before its time', async () => {
    const clock = createSystemClock()
    const start = clock.monotonicMs()
    let calls = 0
    await new Promise<void>((resolve) =>
      clock.setTimer(15, () => {
        calls += 1
        resolve()
      })
    )
    expect(clock.monotonicMs() - start).toBeGreaterThanOrEqual(14.5)
    await clock.sleep(5)
    expect(calls).toBe(1)
    expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThan(1000)
  })

  test('a cancelled timer does not ring; cancelling twice does nothing', async () => {
    const clock = createSystemClock()
    const timer = clock.setTimer(1, () => expect.unreachable())
    timer.cancel()
    timer.cancel()
    const far = clock.setTimer(2 ** 33, () => expect.unreachable()) // would overflow a platform timer and ring at once
    await clock.sleep(5)
    far.cancel()
  })

  test('kill drops timers, set before and after', async () => {
    const [doomed, clock] = [createSystemClock(), createSystemClock()]
    doomed.setTimer(1, () => expect.unreachable())
    doomed.kill()
    doomed.setTimer(1, () => expect.unreachable())
    await clock.sleep(10)
  })

  test('a sleep that is aborted rejects with the reason', async () => {
    const clock = createSystemClock()
    const abort = new AbortController()
    const sleeping = clock.sleep(60_000, abort.signal)
    abort.abort(new Error('woken'))
    await expect(sleeping).rejects.toThrow('woken')
    await expect(clock.sleep(1, abort.signal)).rejects.toThrow('woken')
  })
})

describe('the manual clock', () => {
  test('moves only when told to, and rings in order of due time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -5, max: 50 }), { maxLength: 12 }), async (delays) => {
        const clock = createManualClock(1_000)
        const rung: number[] = []
        delays.forEach((delay, index) =>
          clock.setTimer(delay, () => {
            expect(clock.nowMs()).toBe(1_000 + Math.max(0, delay))
            rung.push(index)
          })
        )
        expect(rung).toEqual([])
        await clock.advance(50)
        const order = delays
          .map((delay, index) => ({ due: Math.max(0, delay), index }))
          .sort((a, b) => a.due - b.due || a.index - b.index)
        expect(rung).toEqual(order.map(({ index }) => index))
        expect(clock.nowMs()).toBe(1_050)
        expect(clock.nextTimerMs()).toBeUndefined()
      }),
      { numRuns: 20 }
    )
  })

  test('timers set by timers ring within the same advance, when they are due', async () => {
    const clock = createManualClock(0)
    const rung: number[] = []
    const again = () => {
      rung.push(clock.nowMs())
      clock.setTimer(10, again)
    }
    clock.setTimer(10, again)
    await clock.advance(35)
    expect(rung).toEqual([10, 20, 30])
    expect(clock.nextTimerMs()).toBe(40)
  })

  test('sleeps are woken by advance, or aborted', async () => {
    const clock = createManualClock()
    let awake = false
    const sleeping = clock.sleep(100).then(() => (awake = true))
    await clock.advance(99)
    expect(awake).toBe(false)
    await clock.advance(1)
    await sleeping
    const abort = new AbortController()
    const aborted = clock.sleep(100, abort.signal)
    abort.abort(new Error('woken'))
    await expect(aborted).rejects.toThrow('woken')
    expect(clock.nextTimerMs()).toBeUndefined()
  })
})
