import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import type { Clock } from '../../runtime/index.ts'
import { createDeadlines } from './deadlines.ts'
import type { Deadline } from './deadlines.ts'

/** How many timers were set on a clock. */
function counting(clock: Clock): Clock & { timersSet: number } {
  const counted = {
    ...clock,
    timersSet: 0,
    setTimer(delayMs: number, callback: () => void) {
      counted.timersSet += 1
      return clock.setTimer(delayMs, callback)
    }
  }
  return counted
}

describe('deadlines', () => {
  it('come in time and in order, and not when they were cancelled, whatever is set and cancelled', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ kind: fc.constant('set' as const), inMs: fc.integer({ min: -5, max: 60 }) }),
            fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(30) }),
            fc.record({ kind: fc.constant('advance' as const), byMs: fc.nat(40) })
          ),
          { maxLength: 60 }
        ),
        async (actions) => {
          const clock = createManualClock()
          const deadlines = createDeadlines(clock)
          const startMs = clock.nowMs()
          const set: {
            dueMs: number
            cameMs: number | undefined
            isCancelled: boolean
            deadline: Deadline
          }[] = []
          const came: number[] = []
          for (const action of actions) {
            if (action.kind === 'set') {
              const dueMs = Math.max(clock.nowMs(), clock.nowMs() + action.inMs)
              const entry = { dueMs, cameMs: undefined as number | undefined, isCancelled: false }
              const deadline = deadlines.at(clock.nowMs() + action.inMs, () => {
                record.cameMs = clock.nowMs()
                came.push(dueMs)
              })
              const record = { ...entry, deadline }
              set.push(record)
            } else if (action.kind === 'cancel') {
              const record = set[action.which]
              record?.deadline.cancel()
              if (record && record.cameMs === undefined) record.isCancelled = true
            } else {
              await clock.advance(action.byMs)
            }
          }
          await clock.advance(200)
          for (const { dueMs, cameMs, isCancelled } of set) {
            expect(cameMs).toBe(isCancelled ? undefined : dueMs)
          }
          expect(came).toEqual([...came].sort((one, other) => one - other))
          expect(clock.nextTimerMs()).toBeUndefined()
          expect(clock.nowMs()).toBeGreaterThanOrEqual(startMs)
        }
      ),
      { numRuns: 100 }
    )
  })

  it('share one timer, and leave none behind', async () => {
    const manual = createManualClock()
    const clock = counting(manual)
    const deadlines = createDeadlines(clock)
    const set = Array.from({ length: 1_000 }, (_, index) =>
      deadlines.at(clock.nowMs() + 10_000 + index, () => expect.unreachable('cancelled'))
    )
    expect(clock.timersSet).toBe(1)
    for (const deadline of set) deadline.cancel()
    expect(manual.nextTimerMs()).toBeUndefined()
    await manual.advance(20_000)
  })

  it('may be set and cancelled by one that comes', async () => {
    const clock = createManualClock()
    const deadlines = createDeadlines(clock)
    const came: string[] = []
    const other = deadlines.at(clock.nowMs() + 10, () => came.push('cancelled'))
    deadlines.at(clock.nowMs() + 5, () => {
      other.cancel()
      deadlines.at(clock.nowMs() + 5, () => came.push('set'))
    })
    await clock.advance(20)
    expect(came).toEqual(['set'])
    expect(clock.nextTimerMs()).toBeUndefined()
  })

  it('follow the monotonic clock when the wall clock is set meanwhile', async () => {
    const manual = createManualClock()
    let offsetMs = 0
    const clock: Clock = { ...manual, nowMs: () => manual.nowMs() + offsetMs }
    let cameMs: number | undefined
    createDeadlines(clock).at(clock.nowMs() + 100, () => (cameMs = manual.nowMs()))
    const startMs = manual.nowMs()
    offsetMs = -3_600_000
    await manual.advance(100)
    expect(cameMs).toBe(startMs + 100)
  })
})
