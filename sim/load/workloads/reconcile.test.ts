import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reconcilePackets } from './reconcile.ts'
import type { Statement } from './reconcile.ts'

/** Statements of a path on which so many packets are known at each place. */
const path = (counts: readonly number[], amountEach: readonly bigint[] = counts.map(() => 1n)): Statement[] =>
  counts.map((count, index) => ({
    what: `place ${index}`,
    hop: `${index - 1} → ${index}`,
    packets: { count, amount: BigInt(count) * amountEach[index]! },
    amountEach: amountEach[index]!
  }))

describe('the reconciliation of packets', () => {
  it('is clean where everybody counted the same, whatever a packet is worth along the path', () => {
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.array(fc.bigInt({ min: 1n, max: 1_000n }), { minLength: 2, maxLength: 6 }),
        (count, each) => {
          const { ok, orphans, problems } = reconcilePackets({
            statements: path(
              each.map(() => count),
              each
            ),
            unfulfilled: {},
            reserved: []
          })
          expect({ ok, orphans, problems }).toEqual({ ok: true, orphans: [], problems: [] })
        }
      )
    )
  })

  it('lists what downstream has and upstream has not, hop by hop, as far as the sender did not hear of it', () => {
    const { ok, orphans } = reconcilePackets({
      statements: path([97, 98, 98, 100]),
      unfulfilled: { R00: 3 },
      reserved: []
    })
    expect(ok).toBe(true)
    expect(orphans.map(({ where, count }) => [where, count])).toEqual([
      ['0 → 1', 1],
      ['2 → 3', 2]
    ])
    expect(orphans[0]!.cause).toMatch(/R00 \(3\)/)
  })

  it('fails where there are more orphans than answers that were something else', () => {
    const { ok, problems } = reconcilePackets({
      statements: path([97, 100]),
      unfulfilled: { R00: 2 },
      reserved: []
    })
    expect(ok).toBe(false)
    expect(problems.join()).toMatch(/3 packets are orphans and the sender heard of 2/)
  })

  it('fails where upstream has more than downstream, whatever else was heard', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.nat(1_000), (more, unfulfilled) => {
        const { ok } = reconcilePackets({
          statements: path([1_000 + more, 1_000]),
          unfulfilled: { T00: unfulfilled },
          reserved: []
        })
        expect(ok).toBe(false)
      })
    )
  })

  it('fails where a unit is missing from an amount whose count is right', () => {
    const [from, to] = path([10, 10], [100n, 91n])
    to!.packets.amount -= 1n
    expect(reconcilePackets({ statements: [from!, to!], unfulfilled: {}, reserved: [] }).ok).toBe(false)
  })

  it('fails where something is still reserved', () => {
    const { problems } = reconcilePackets({
      statements: path([1, 1]),
      unfulfilled: {},
      reserved: [{ node: 'acacia', amount: 5n }]
    })
    expect(problems).toEqual(['acacia still reserves 5'])
  })

  it('reckons packets from amounts where only balances are known', () => {
    const { ok } = reconcilePackets({
      statements: [
        { what: 'sender', hop: '', packets: { count: 10, amount: 1_000n }, amountEach: 100n },
        { what: 'node', hop: 'in', packets: { amount: 1_000n }, amountEach: 100n }
      ],
      unfulfilled: {},
      reserved: []
    })
    expect(ok).toBe(true)
  })
})
