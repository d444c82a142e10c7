import { expect, it } from 'vitest'
import { search, SHRINK_LIMIT_MS } from './search.ts'
import type { SearchKind } from './search.ts'

it('what never ends is waited for a day and not a week while it is made smaller, and then once more for a week', async () => {
  const runs: { history: number; limitMs: number | undefined }[] = []
  /** Histories that are a number; ten and more never end. */
  const numbers: SearchKind<number> = {
    kind: 'numbers',
    version: 1,
    parse: Number,
    toJson: (history) => history,
    lines: (history) => [String(history)],
    generate: (seed) => seed,
    passes: [
      function* (history) {
        if (history > 0) yield history - 1
      }
    ],
    sizeOf: (history) => history,
    lastEvents: () => Promise.resolve([]),
    states: {},
    goals: {},
    run(history, { limitMs } = {}) {
      runs.push({ history, limitMs })
      const violation = { property: 'liveness', message: 'it did not end' }
      return Promise.resolve({
        ...(history >= 10 && { violation }),
        ...{ states: [], story: [], worldMs: 1, costMs: 1, payments: {} }
      })
    }
  }
  const options = { seed: 12, runs: 1, isOver: () => false, jobs: 1, shrinkRuns: 50, keepGoing: false }
  const ignore = () => undefined
  const { found } = await search(numbers, options, { progress: ignore, violated: ignore, found: ignore })
  expect(found.map(({ smallest }) => smallest)).toEqual([10])
  expect(runs).toEqual([
    { history: 12, limitMs: undefined },
    ...[11, 10, 9].map((history) => ({ history, limitMs: SHRINK_LIMIT_MS })),
    { history: 10, limitMs: undefined }
  ])
})
