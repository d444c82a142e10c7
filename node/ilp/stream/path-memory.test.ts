import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createRatio, multiplyRatios, parseRatio } from '../ratio.ts'
import { testCount } from '../../../test-counts.ts'
import { createPathMemory } from './path-memory.ts'
import type { KnownPath } from './path-memory.ts'
import { probePath } from './probe.ts'
import type { PathProbe, ProbeOptions } from './probe.ts'
import { createSimulatedPath, runToEnd } from './simulated-path.test-support.ts'
import type { Hop, SimulatedPath } from './simulated-path.test-support.ts'

const RUNS = testCount('quotedPaths')
const timeout = 20_000 + RUNS * 100

type Wanted = Pick<ProbeOptions, 'sourceAmount' | 'deliverAmount'>

async function probe(path: SimulatedPath, wanted: Wanted, known?: KnownPath) {
  path.packets.length = 0
  const result = await runToEnd(path.clock, probePath({ ...path, ...wanted, ...(known && { known }) }))
  return { result, packets: path.packets.length }
}

function asPath(result: Awaited<ReturnType<typeof probe>>['result']): PathProbe {
  if (result.type !== 'path') throw new Error(result.error.message)
  return result
}

describe('a path that is known', () => {
  const hop = fc.record({
    rate: fc
      .tuple(fc.bigInt(1n, 9_999n), fc.integer({ min: -6, max: 3 }))
      .map(([digits, exponent]) => parseRatio(`${digits}e${exponent}`)!),
    maxPacketAmount: fc.option(fc.bigInt(10_000n, 10n ** 9n), { nil: undefined, freq: 2 })
  })
  const wanted = fc
    .tuple(fc.bigInt(1n, 10n ** 8n), fc.boolean())
    .map(([amount, isSource]): Wanted => (isSource ? { sourceAmount: amount } : { deliverAmount: amount }))

  it('costs at most three packets, which prove what they say', { timeout }, async () => {
    let count = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(hop, { minLength: 1, maxLength: 3 }),
        wanted,
        wanted,
        async (hops, first, then) => {
          const path = createSimulatedPath({ hops: hops.map(withoutUndefined) })
          const { result: before } = await probe(path, first)
          if (before.type !== 'path') return
          const { result, packets } = await probe(path, then, before)
          expectProven(path, asPath(result))
          // Other amounts may meet a limit, or a rounding, that nobody knew.
          if (asPath(result).maxPacketAmount !== before.maxPacketAmount) return
          if (asPath(result).roundingLoss !== before.roundingLoss) return
          expect(packets).toBeLessThanOrEqual(3)
          count++
        }
      ),
      { numRuns: RUNS }
    )
    expect(count).toBeGreaterThan(RUNS / 2)
  })

  it('is measured anew where it is another than remembered', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hop, { minLength: 1, maxLength: 3 }),
        wanted,
        wanted,
        fc.array(fc.bigInt(1n, 10n ** 7n), { minLength: 3, maxLength: 3 }),
        async (hops, first, then, factors) => {
          const path = createSimulatedPath({ hops: hops.map(withoutUndefined) })
          const { result: before } = await probe(path, first)
          for (const [index, hop] of path.hops.entries()) {
            hop.rate = multiplyRatios(hop.rate, createRatio(factors[index]!, 10n ** 6n))
            if (factors[index]! % 2n === 0n) hop.maxPacketAmount = factors[index]!
          }
          const fresh = await probe(path, then)
          if (before.type !== 'path') return
          const again = await probe(path, then, before)
          if (again.result.type === 'path') expectProven(path, again.result)
          // Memory finds a path that is there.
          else expect(fresh.result.type).toBe('failure')
        }
      ),
      { numRuns: RUNS }
    )
  })
})

function withoutUndefined({
  rate,
  maxPacketAmount
}: {
  rate: Hop['rate']
  maxPacketAmount: bigint | undefined
}): Hop {
  return { rate, ...(maxPacketAmount !== undefined && { maxPacketAmount }) }
}

/** The lower bound is what a packet of this very probe brought, and so is the limit no more than what fits. */
function expectProven(path: SimulatedPath, result: PathProbe): void {
  const arrived = path.packets.map(({ amount }) => ({ amount, arrived: path.arriving(amount) }))
  const proofs = arrived.filter(
    ({ amount, arrived }) =>
      arrived !== undefined && arrived * result.lowRate.denominator === amount * result.lowRate.numerator
  )
  expect(proofs.length).toBeGreaterThan(0)
  expect(path.arriving(result.largestArrived)).toBeGreaterThan(0n)
  if (result.maxPacketAmount !== undefined && result.deliversAt !== undefined) {
    expect(result.deliversAt <= result.maxPacketAmount).toBe(true)
  }
}

describe('the memory of paths', () => {
  const learnt = (largestArrived: bigint): PathProbe => ({
    type: 'path',
    lowRate: createRatio(91n, 100n),
    highRate: createRatio(92n, 100n),
    roundingLoss: 1n,
    largestArrived,
    maxPacketAmount: 1_000n,
    isRecognized: false,
    packetsSent: 8,
    nextSequence: 9
  })

  it('recalls what was learnt, until its time is over, the next hop is another, or it is to be forgotten', async () => {
    const clock = createManualClock()
    const memory = createPathMemory({ clock, limits: { lifetimeMs: 1_000 } })
    const peer = {}
    memory.remember('a', peer, learnt(10n))
    memory.remember('b', peer, learnt(20n))
    memory.remember('c', peer, learnt(30n))
    expect(memory.recall('a', peer)).toEqual({
      lowRate: createRatio(91n, 100n),
      highRate: createRatio(92n, 100n),
      roundingLoss: 1n,
      largestArrived: 10n,
      maxPacketAmount: 1_000n
    })
    expect(memory.recall('b', {})).toBeUndefined()
    expect(memory.recall('b', peer)).toBeUndefined()
    memory.forget('c')
    expect(memory.recall('c', peer)).toBeUndefined()
    await clock.advance(999)
    memory.remember('a', peer, { ...learnt(40n), isRecognized: true })
    expect(memory.recall('a', peer)).toBeDefined()
    await clock.advance(1)
    expect(memory.recall('a', peer)).toBeUndefined()
    expect(memory.size).toBe(0)
  })

  it('is bounded: what was learnt first goes first', () => {
    const memory = createPathMemory({ clock: createManualClock(), limits: { maxPaths: 3 } })
    for (const key of ['a', 'b', 'c', 'a', 'd']) memory.remember(key, 1, learnt(1n))
    expect(memory.size).toBe(3)
    expect(['a', 'b', 'c', 'd'].filter((key) => memory.recall(key, 1))).toEqual(['a', 'c', 'd'])
  })
})
