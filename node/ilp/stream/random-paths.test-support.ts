import fc from 'fast-check'
import { floorTimes, parseRatio } from '../ratio.ts'
import type { Hop } from './simulated-path.test-support.ts'

/** A rate of up to 4 significant digits times a power of ten: scales 2 → 4 and 4 → 2 among them. */
export const anyRate = fc
  .tuple(fc.bigInt({ min: 1n, max: 9_999n }), fc.integer({ min: -6, max: 3 }))
  .map(([digits, exponent]) => parseRatio(`${digits}e${exponent}`)!)

const packetLimit = fc.option(fc.bigInt({ min: 10_000n, max: 10n ** 9n }), { nil: undefined, freq: 2 })

export const anyHop: fc.Arbitrary<Hop> = fc
  .tuple(anyRate, packetLimit)
  .map(([rate, max]) => ({ rate, ...(max !== undefined && { maxPacketAmount: max }) }))

/** What a budget surely brings in packets of the largest size, the last one partial and sent in two. */
export function deliverable(hops: readonly Hop[], budget: bigint, maxPacket = budget): bigint {
  const arriving = (source: bigint) => hops.reduce((amount, { rate }) => floorTimes(amount, rate), source)
  const full = budget / maxPacket
  const rest = arriving(budget % maxPacket)
  return full * arriving(maxPacket) + rest - (budget > maxPacket ? BigInt(hops.length) : 0n)
}
