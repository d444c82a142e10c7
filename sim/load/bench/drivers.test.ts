import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../node/runtime/index.ts'
import { addMeasurement, byTurns, closedLoop, emptyMeasurement, openLoop, perSecond } from './drivers.ts'

/** Calls that take as long as the test says, on a clock of its own. */
function setUp(takesMs: (n: number) => number) {
  const clock = createManualClock()
  let calls = 0
  let underWay = 0
  let mostUnderWay = 0
  return {
    clock,
    calls: () => calls,
    mostUnderWay: () => mostUnderWay,
    async call() {
      mostUnderWay = Math.max(mostUnderWay, ++underWay)
      await clock.sleep(takesMs(calls++))
      underWay -= 1
    }
  }
}

describe('the closed loop', () => {
  it('keeps its callers busy, counts what was under way at the end, and the time that took', async () => {
    const { clock, call, mostUnderWay } = setUp(() => 30)
    const running = closedLoop({ clock, durationMs: 100, callers: 3, call })
    for (let step = 0; step < 12; step++) await clock.advance(10)
    const measured = await running
    expect(mostUnderWay()).toBe(3)
    expect(measured).toMatchObject({ completed: 12, failed: 0, dropped: 0, elapsedMs: 120 })
    expect(perSecond(measured)).toBe(100)
    expect(measured.latencies.percentileMs(50)).toBeCloseTo(30, 1)
  })

  it('counts failures apart and keeps the first of them', async () => {
    const { clock, call } = setUp(() => 10)
    let n = 0
    const running = closedLoop({
      clock,
      durationMs: 40,
      callers: 1,
      async call() {
        await call()
        if (n++ % 2 === 1) throw new Error(`call ${n}`)
      }
    })
    for (let step = 0; step < 4; step++) await clock.advance(10)
    const measured = await running
    expect(measured).toMatchObject({ completed: 2, failed: 2 })
    expect((measured.firstFailure as Error).message).toBe('call 2')
    expect(measured.latencies.count()).toBe(2)
  })

  it('stops when it is told to', async () => {
    const { clock, call, calls } = setUp(() => 10)
    const stop = new AbortController()
    const running = closedLoop({ clock, durationMs: 10_000, callers: 2, call, signal: stop.signal })
    await clock.advance(10)
    stop.abort()
    await clock.advance(10)
    await running
    expect(calls()).toBe(4)
  })
})

describe('the open loop', () => {
  it('starts calls at its rate whatever becomes of them, and counts latency from when they were due', async () => {
    const { clock, call, calls } = setUp(() => 50)
    // The machine looks away for 95 ms: nine calls start late, the second by 95 ms.
    const late = { ...clock, setTimer: (ms: number, then: () => void) => clock.setTimer(ms + 95, then) }
    const running = openLoop({ clock: late, durationMs: 100, ratePerSecond: 100, maxInFlight: 100, call })
    await clock.advance(200)
    const measured = await running
    expect(calls()).toBe(10)
    expect(measured).toMatchObject({ completed: 10, dropped: 0, elapsedMs: 155 })
    expect(measured.latencies.maxMs()).toBeCloseTo(145, 0)
    expect(measured.latencies.percentileMs(50)).toBeCloseTo(95, 0)
  })

  it('drops what is due while too many are under way, and says how many', async () => {
    const { clock, call, mostUnderWay } = setUp(() => 1_000)
    const running = openLoop({ clock, durationMs: 100, ratePerSecond: 100, maxInFlight: 4, call })
    for (let step = 0; step < 12; step++) await clock.advance(100)
    const measured = await running
    expect(mostUnderWay()).toBe(4)
    expect(measured).toMatchObject({ completed: 4, dropped: 6 })
  })
})

describe('turns', () => {
  it('alternate, share the time by weight and add up', async () => {
    const turns: string[] = []
    const phase = (completed: number) => async (durationMs: number) => {
      const measured = { ...emptyMeasurement(), completed, elapsedMs: durationMs }
      measured.latencies.record(completed)
      return measured
    }
    const totals = await byTurns(
      { ours: phase(30), theirs: phase(10) },
      {
        seconds: 12,
        weights: { ours: 2 },
        onTurn: (name, turn, round, rounds) => turns.push(`${round}/${rounds} ${name} ${turn.elapsedMs}`)
      }
    )
    expect(turns).toEqual([
      '1/3 ours 2666.6666666666665',
      '1/3 theirs 1333.3333333333333',
      '2/3 ours 2666.6666666666665',
      '2/3 theirs 1333.3333333333333',
      '3/3 ours 2666.6666666666665',
      '3/3 theirs 1333.3333333333333'
    ])
    expect(perSecond(totals.ours)).toBeCloseTo(11.25)
    expect(perSecond(totals.theirs)).toBeCloseTo(7.5)
    expect(totals.ours.latencies.count()).toBe(3)
  })
})

describe('measurements', () => {
  it('add up, the first failure kept', () => {
    const first = { ...emptyMeasurement(), completed: 1, failed: 1, firstFailure: 'a', elapsedMs: 10 }
    const second = {
      ...emptyMeasurement(),
      completed: 2,
      failed: 1,
      firstFailure: 'b',
      dropped: 3,
      elapsedMs: 20
    }
    addMeasurement(first, second)
    expect(first).toMatchObject({ completed: 3, failed: 2, firstFailure: 'a', dropped: 3, elapsedMs: 30 })
  })

  it('have a rate of 0 when nothing was measured', () => {
    expect(perSecond(emptyMeasurement())).toBe(0)
    expect(emptyMeasurement().latencies.percentileMs(99)).toBe(0)
  })
})
