import { describe, expect, test } from 'vitest'
import { clockDifferenceMs } from './clock-difference.ts'

/** Asks of a clock that is `aheadMs` ahead of ours; each question and each answer takes its time. */
function ask(aheadMs: number, ...trips: [questionMs: number, answerMs: number][]) {
  let nowMs = 1_000_000
  let asked = 0
  const difference = clockDifferenceMs({ nowMs: () => nowMs }, async () => {
    const [questionMs, answerMs] = trips[Math.min(asked++, trips.length - 1)]!
    nowMs += questionMs
    const otherMs = nowMs + aheadMs
    nowMs += answerMs
    return otherMs
  })
  return difference.then((differenceMs) => ({ differenceMs, asked }))
}

describe('the difference of two clocks', () => {
  test.each([
    ['equal clocks', 0, 0],
    ['one that is ahead of ours', 7_000, -6_999],
    ['one that is behind', -7_000, 6_999]
  ])('%s, told in one short round trip', async (_, aheadMs, differenceMs) => {
    expect(await ask(aheadMs, [1, 1])).toEqual({ differenceMs, asked: 1 })
  })

  test('a question that waits for long, or an answer that does, is no difference', async () => {
    expect(await ask(0, [14_000, 1], [1, 14_000], [1, 1])).toEqual({ differenceMs: 0, asked: 3 })
    expect(await ask(0, [14_000, 1])).toEqual({ differenceMs: 0, asked: 5 })
  })

  test('a difference is told by the round trip that is short, whatever came before', async () => {
    expect(await ask(7_000, [14_000, 1], [1, 1])).toEqual({ differenceMs: -6_999, asked: 2 })
    expect(await ask(-60_000, [1_400, 1], [2_000, 1])).toEqual({ differenceMs: 58_600, asked: 5 })
  })
})
