import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPeerRecords } from './peer-records.ts'

it('are kept of every peer there is, and of those that are gone not more than of the others, or a thousand', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ come: fc.nat(1_500), go: fc.nat(1_500) }), { maxLength: 8 }),
      (steps) => {
        const live = new Map<string, number>()
        const records = createPeerRecords<number>((id) => live.has(id))
        let next = 0
        let most = 0
        for (const { come, go } of steps) {
          for (let count = 0; count < come; count++) {
            live.set(`${next}`, next)
            records.set(`${next}`, next)
            next += 1
          }
          most = Math.max(most, live.size)
          for (const [id] of [...live].slice(0, go)) live.delete(id)
          for (const [id, value] of live) expect(records.get(id)).toBe(value)
          expect(records.size).toBeLessThanOrEqual(Math.max(1_000, most * 2))
        }
      }
    ),
    { numRuns: 50 }
  )
})
