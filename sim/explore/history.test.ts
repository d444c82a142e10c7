import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { describeHistory } from './describe.ts'
import { histories, historyOf } from './generate.ts'
import { historyToJson, HistoryError, parseHistory, settleNames, sizeOf } from './history.ts'
import type { History } from './history.ts'
import { HISTORY_PASSES } from './shrink-history.ts'
import { shrink } from './shrink.ts'
import { topologyOf } from './topology.ts'

const anyHistory = histories().map((rest): History => settleNames({ seed: 1, ...rest }))

describe('histories as data', () => {
  test('every one that is made up can be written, read, told, and made smaller', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const json = JSON.parse(JSON.stringify(historyToJson(history))) as unknown
        expect(parseHistory(json)).toEqual(history)
        expect(describeHistory(history)).toHaveLength(1 + sizeOf(history))
        expect(topologyOf(history).nodes).toHaveLength(history.nodes.length)
        const { seed: _, ...rest } = history
        // Without an action (one of peers, of a node that has none, is dropped) there is nothing to make smaller.
        expect(histories().canShrinkWithoutContext(rest)).toBe(history.actions.length > 0)
      }),
      { numRuns: testCount('generatedHistories') }
    )
  })

  test('equal seeds make equal histories, others others', () => {
    expect(historyOf(7)).toEqual(historyOf(7))
    const texts = Array.from({ length: 50 }, (_, seed) => JSON.stringify(historyToJson(historyOf(seed))))
    expect(new Set(texts).size).toBe(50)
  })

  test('whatever is taken away from one, what is left is one', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        for (const pass of HISTORY_PASSES) {
          let count = 0
          for (const smaller of pass(history)) {
            expect(parseHistory(historyToJson(smaller))).toEqual(smaller)
            if (++count === 5) break
          }
        }
      }),
      { numRuns: testCount('generatedHistories') }
    )
  })

  test.each([
    ['something else', 7, /^history: the whole: /],
    ['an unknown action', { actions: [{ do: 'rob' }] }, /^history: actions\.0/],
    [
      'a node that is none of its',
      { nodes: historyOf(1).nodes.slice(0, 1) },
      /"baobab" is not of its 1 nodes|"bob@baobab"/
    ],
    ['an amount that is a number', { balance: 1.5 }, /^history: balance: /],
    ['a seed out of range', { seed: 2 ** 32 }, /^history: seed: /]
  ])('%s is refused in one line', (_, change, message) => {
    const good: History = {
      ...historyOf(1),
      nodes: [historyOf(1).nodes[0]!, historyOf(1).nodes[0]!],
      actions: [{ do: 'pay', atMs: 0, from: 'alice@acacia', to: 'bob@baobab', fixed: 'send', amount: 1n }],
      faults: []
    }
    const json =
      typeof change === 'object'
        ? { ...(historyToJson({ ...good, ...(change as object) } as History) as object) }
        : change
    const error = caught(() => parseHistory(json))
    expect(error).toBeInstanceOf(HistoryError)
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('\n')
  })
})

describe('making histories small', () => {
  const hasCrash = ({ faults }: History) => faults.some(({ fault }) => fault === 'crash')
  const hasRemotePayment = ({ actions }: History) =>
    actions.some((action) => action.do === 'pay' && action.from.split('@')[1] !== action.to.split('@')[1])

  test('to what is needed and nothing else, within the runs that are allowed', async () => {
    const failing = Array.from({ length: 3_000 }, (_, seed) => historyOf(seed)).filter(
      (history) => hasCrash(history) && hasRemotePayment(history)
    )
    expect(failing.length).toBeGreaterThan(20)
    for (const history of failing.slice(0, 20)) {
      let runs = 0
      const { smallest } = await shrink(
        history,
        HISTORY_PASSES,
        async (candidate) => {
          runs += 1
          return hasCrash(candidate) && hasRemotePayment(candidate)
        },
        { maxRuns: 150, keyOf: (one) => JSON.stringify(historyToJson(one)) }
      )
      expect(runs).toBeLessThanOrEqual(150)
      expect(hasCrash(smallest) && hasRemotePayment(smallest)).toBe(true)
      expect(smallest.faults).toHaveLength(1)
      expect(smallest.actions).toHaveLength(1)
      expect(smallest.nodes.length).toBeLessThanOrEqual(history.nodes.length)
    }
  })

  test('several at once: the boldest candidate that fails is taken, no run too many', async () => {
    const { smallest, exhausted } = await shrink(
      [1, 2, 3, 4, 5, 6, 7, 8],
      [
        function* (list) {
          for (let index = 0; index < list.length; index++) yield list.toSpliced(index, 1)
        }
      ],
      async (list) => list.includes(3) && list.includes(7),
      { maxRuns: 100, jobs: 3 }
    )
    expect(smallest).toEqual([3, 7])
    expect(exhausted).toBe(false)
    const bounded = await shrink([1, 2, 3], [() => [[1, 2], [1], []]], async () => false, {
      maxRuns: 2,
      jobs: 2
    })
    expect(bounded).toEqual({ smallest: [1, 2, 3], runs: 2, exhausted: true })
  })
})

function caught(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
