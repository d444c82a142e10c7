import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createSeededRandom } from './connector.test-support.ts'
import { packetTransferIds } from './transfer-ids.ts'

function allIds(id: bigint): bigint[] {
  const { reserve, post, void: undo } = packetTransferIds(id)
  return [...reserve, ...post, ...undo]
}

it('gives six different 128-bit ids, the first unchanged, and can be undone from none but the first', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 128n - 2n }), (id) => {
      const ids = allIds(id)
      expect(ids[0]).toBe(id)
      expect(new Set(ids).size).toBe(6)
      for (const other of ids) expect(other).toBeLessThan(2n ** 128n)
    })
  )
})

it('never meets an id that is drawn, nor one derived from it', async () => {
  const clock = createManualClock()
  const random = createSeededRandom('ids', clock)
  const seen = new Set<bigint>()
  for (let drawn = 0; drawn < 2_000; drawn += 1) {
    for (const id of allIds(random.orderedId())) {
      expect(seen.has(id)).toBe(false)
      seen.add(id)
    }
  }
})

it('keeps them at the same place in time', () => {
  const clock = createManualClock()
  const id = createSeededRandom('time', clock).orderedId()
  for (const other of allIds(id)) expect(other >> 80n).toBe(BigInt(clock.nowMs()))
})
