import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPeerUsages, largestPacketOf } from './limits.ts'
import type { Peer } from '../peers/model.ts'

it('lets pass at most one second’s worth and what time adds, and never less than that', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 10n ** 15n }),
      fc.array(
        fc.record({
          waitMs: fc.integer({ min: 0, max: 3_000 }),
          share: fc.bigInt({ min: 1n, max: 1_500n })
        }),
        { maxLength: 40 }
      ),
      (maxAmountPerSecond, takes) => {
        let nowMs = 5
        const peer = { maxAmountPerSecond } as Peer
        const usage = createPeerUsages({ monotonicMs: () => nowMs }, () => true).of('peer')
        // The bucket in thousandths, as arithmetic without any state of its own would have it.
        let level = maxAmountPerSecond * 1_000n
        for (const { waitMs, share } of takes) {
          nowMs += waitMs
          const filled = level + maxAmountPerSecond * BigInt(waitMs)
          level = filled < maxAmountPerSecond * 1_000n ? filled : maxAmountPerSecond * 1_000n
          const amount = (maxAmountPerSecond * share) / 1_000n
          const fits = amount * 1_000n <= level
          expect(usage.takeAmount(peer, amount)).toBe(fits)
          if (fits) level -= amount * 1_000n
        }
      }
    )
  )
})

it('lets a second’s worth of packets pass and what time adds, and says so before', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50_000 }),
      fc.array(
        fc.record({ waitMs: fc.integer({ min: 0, max: 2_000 }), takes: fc.integer({ min: 1, max: 40 }) }),
        { maxLength: 20 }
      ),
      (maxPacketsPerSecond, rounds) => {
        let nowMs = 0
        const peer = { maxPacketsPerSecond } as Peer
        const usage = createPeerUsages({ monotonicMs: () => nowMs }, () => true).of('peer')
        let level = maxPacketsPerSecond * 1_000
        for (const { waitMs, takes } of rounds) {
          nowMs += waitMs
          level = Math.min(maxPacketsPerSecond * 1_000, level + maxPacketsPerSecond * waitMs)
          for (let take = 0; take < takes; take += 1) {
            const fits = level >= 1_000
            expect(usage.hasPacket(peer)).toBe(fits)
            expect(usage.takePacket(peer)).toBe(fits)
            if (fits) level -= 1_000
          }
        }
      }
    )
  )
})

it('follows a limit that is changed', () => {
  const usage = createPeerUsages({ monotonicMs: () => 0 }, () => true).of('peer')
  expect(usage.takePacket({ maxPacketsPerSecond: 1 } as Peer)).toBe(true)
  expect(usage.takePacket({ maxPacketsPerSecond: 1 } as Peer)).toBe(false)
  expect(usage.takePacket({ maxPacketsPerSecond: 2 } as Peer)).toBe(true)
})

it('keeps the usage of peers apart', () => {
  const usages = createPeerUsages({ monotonicMs: () => 0 }, () => true)
  usages.of('a').fromInFlight = 3
  expect(usages.of('b').fromInFlight).toBe(0)
})

it('keeps the usage of a peer that is gone while packets of it are in flight, and drops it with thousands of others', () => {
  const usages = createPeerUsages({ monotonicMs: () => 0 }, (id) => !id.startsWith('gone'))
  const busy = usages.of('gone busy')
  busy.toInFlight = 1
  const idle = usages.of('gone idle')
  for (let number = 0; number < 1_000; number++) usages.of(`peer ${number}`)
  expect(usages.of('gone busy')).toBe(busy)
  expect(usages.of('gone idle')).not.toBe(idle)
})

it.each([
  [undefined, undefined, undefined],
  [5n, undefined, 5n],
  [undefined, 7n, 7n],
  [5n, 7n, 5n],
  [9n, 7n, 7n]
])('a packet of at most %s, %s a second: at most %s', (maxPacketAmount, maxAmountPerSecond, expected) => {
  expect(largestPacketOf({ maxPacketAmount, maxAmountPerSecond } as Peer)).toBe(expected)
})
