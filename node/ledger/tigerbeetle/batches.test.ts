import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBatches } from './batches.ts'
import { TooMuchDataError } from './calls.ts'

interface Event {
  id: number
  linked: boolean
}

const events = fc
  .array(fc.boolean(), { maxLength: 60 })
  .map((flags) => flags.map((linked, id): Event => ({ id, linked: linked && id < flags.length - 1 })))

/** A server that takes at most so many events at a time. */
function serverOf(limit: number) {
  const requests: Event[][] = []
  return {
    requests,
    async send(part: readonly Event[]): Promise<number[]> {
      if (part.length > limit) throw new TooMuchDataError('too much')
      requests.push([...part])
      return part.map(({ id }) => id)
    }
  }
}

describe('requests as large as the server takes them', () => {
  it('hold everything once, in order, and no chain is split', async () => {
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: 1, max: 20 }), async (items, limit) => {
        const { requests, send } = serverOf(limit)
        const longestChain = items.reduce(
          ({ longest, run }, { linked }) => ({
            longest: Math.max(longest, run + 1),
            run: linked ? run + 1 : 0
          }),
          { longest: 0, run: 0 }
        ).longest
        const answer = createBatches().inRequests(items, send, ({ linked }) => linked)
        if (longestChain > limit) {
          await expect(answer).rejects.toThrow(/takes no chain of \d+ events; start it without --development/)
        } else {
          expect(await answer).toEqual(items.map(({ id }) => id))
          expect(requests.flat()).toEqual(items)
        }
        for (const request of requests) expect(request.at(-1)!.linked).toBe(false)
      })
    )
  })

  it('keep to what they learnt', async () => {
    const { requests, send } = serverOf(5)
    const items = Array.from({ length: 16 }, (_, id) => ({ id, linked: false }))
    const { inRequests } = createBatches()
    await inRequests(items, send)
    expect(requests.map(({ length }) => length)).toEqual([4, 4, 4, 4])
    let refused = 0
    await inRequests(items, (part) => {
      if (part.length > 5) refused += 1
      return send(part)
    })
    expect(refused).toBe(0)
  })

  it('pass on what else goes wrong', async () => {
    const broken = createBatches().inRequests([1, 2], () => Promise.reject(new Error('broken')))
    await expect(broken).rejects.toThrow('broken')
  })
})
