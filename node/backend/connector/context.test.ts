import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { beforeDeadline } from './context.ts'
import { createDeadlines } from './deadlines.ts'

describe('an answer and its deadline', () => {
  it('is there when it came before', async () => {
    const clock = createManualClock()
    const { promise, resolve } = Promise.withResolvers<string>()
    const answer = beforeDeadline({ clock, deadlines: createDeadlines(clock) }, clock.nowMs() + 10, promise)
    await clock.advance(9)
    resolve('in time')
    expect(await answer).toBe('in time')
  })

  it('is none when the clock is past it, even if the timer is late: a Fulfill would come after its expiry', async () => {
    const clock = createManualClock()
    let stalledMs = 0
    const stalled = { ...clock, nowMs: () => clock.nowMs() + stalledMs }
    const { promise, resolve } = Promise.withResolvers<string>()
    const deadlines = createDeadlines(clock)
    const answer = beforeDeadline({ clock: stalled, deadlines }, clock.nowMs() + 10, promise)
    // The event loop stood still over the deadline; the answer is looked at before the timer's turn.
    stalledMs = 10
    resolve('too late')
    expect(await answer).toBeUndefined()
  })

  it('is none when it never comes, and a failure before it is told', async () => {
    const clock = createManualClock()
    const context = { clock, deadlines: createDeadlines(clock) }
    const never = beforeDeadline(context, clock.nowMs() + 10, new Promise(() => undefined))
    await clock.advance(10)
    expect(await never).toBeUndefined()
    const failed = beforeDeadline(context, clock.nowMs() + 10, Promise.reject(new Error('broken')))
    await expect(failed).rejects.toThrow('broken')
  })
})
