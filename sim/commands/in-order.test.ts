import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inOrder } from './in-order.ts'

describe('work on several items at once', () => {
  test('is told of in their order, whatever takes longer, and never more at once than allowed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(5), { maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        async (turns, jobs) => {
          let running = 0
          let most = 0
          const told: number[] = []
          await inOrder(
            turns.map((count, index) => ({ count, index })),
            jobs,
            async ({ count, index }) => {
              most = Math.max(most, ++running)
              for (let turn = 0; turn < count; turn++) await Promise.resolve()
              running -= 1
              return index
            },
            (index) => told.push(index)
          )
          expect(told).toEqual(turns.map((_, index) => index))
          expect(most).toBeLessThanOrEqual(jobs)
        }
      )
    )
  })

  test('a failure ends it: what came before is told, nothing more is begun', async () => {
    const begun: number[] = []
    const told: number[] = []
    const run = inOrder(
      [0, 1, 2, 3, 4, 5],
      2,
      async (item) => {
        begun.push(item)
        await Promise.resolve()
        if (item === 2) throw new Error('the third fails')
        return item
      },
      (item) => told.push(item)
    )
    await expect(run).rejects.toThrow('the third fails')
    expect(told).toEqual([0, 1])
    expect(begun.length).toBeLessThan(6)
  })
})
