import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRatio, multiplyRatios, parseRatio, sendStream } from '../../ilp/index.ts'
import { anyHop, anyRate, deliverable } from '../../ilp/stream/random-paths.test-support.ts'
import { createSimulatedPath, runToEnd } from '../../ilp/stream/simulated-path.test-support.ts'
import type { Hop } from '../../ilp/stream/simulated-path.test-support.ts'
import { createLogger } from '../../runtime/index.ts'
import { testCount } from '../../../test-counts.ts'
import type { Asset } from '../assets/model.ts'
import { feeAmount } from '../fees/model.ts'
import { isFailure } from '../model.ts'
import { createIlpMethod } from './ilp-method.ts'
import { createPaths } from './paths.ts'
import { minimumDebit, price, principalOf } from './pricing.ts'
import type { Terms } from './pricing.ts'

// From what a client asks to what arrives: the fee, the measured path, the quote, the price, and the real sender.

const RUNS = testCount('quotedPaths')
/** Long runs take longer than the suite's limit for one test. */
const timeout = 20_000 + RUNS * 100
const SLIPPAGE = parseRatio('0.01')!
const ONE = createRatio(1n, 1n)

const asset = (code: string, ledger: number): Asset => ({
  id: `asset ${code}`,
  tenantId: 'tenant',
  code,
  scale: 2,
  ledger,
  createdAt: new Date(0)
})
const USD = asset('USD', 1)
const EUR = asset('EUR', 2)

const anyFee = fc.option(
  fc.record({
    fixed: fc.oneof(fc.constant(0n), fc.bigInt(1n, 1_000n)),
    basisPoints: fc.oneof(fc.constantFrom(0, 1, 100), fc.integer({ min: 0, max: 9_999 }))
  }),
  { nil: undefined, freq: 4 }
)
type FeeTerms = { fixed: bigint; basisPoints: number } | undefined

/** A simulated path, and quotes over it as the service makes them. The path's hops may change. */
function createGround(hops: Hop[], mishap?: (index: number) => undefined) {
  const path = createSimulatedPath({ hops, ...(mishap && { mishap }) })
  const nextHop = { asset: EUR, via: 'peer' }
  const method = createIlpMethod({
    clock: path.clock,
    random: path.random,
    logger: createLogger({ name: 'test', level: 'silent' }),
    connector: { nextHop: async () => nextHop as never, senderFor: () => path.sendPacket },
    rates: { ratio: async () => ONE },
    paths: createPaths(path.clock, 60_000),
    slippage: SLIPPAGE
  })

  /** A price; what the least debit amount would be (undefined: none); or no path at all. */
  async function quote(terms: Terms, fee: FeeTerms) {
    const quoted = await runToEnd(
      path.clock,
      method.quote({
        tenantId: 'tenant',
        asset: USD,
        credentials: path.credentials,
        receiverAsset: EUR,
        terms,
        principal: terms.kind === 'fixedSend' ? principalOf(terms.debit, fee) : 0n
      })
    )
    if (isFailure(quoted)) return { type: 'noPath' } as const
    if ('minimumSource' in quoted) {
      return { type: 'tooSmall', least: minimumDebit(quoted.minimumSource, fee) } as const
    }
    return { type: 'price', price: price(terms, quoted, fee), ilp: quoted.ilp! } as const
  }

  return { path, quote }
}

describe('a quote over ILP', () => {
  it('that is refused names the least debit amount that works: one less does not', { timeout }, async () => {
    let named = 0
    const tiny = fc.bigInt({ min: 1n, max: 3n })
    await fc.assert(
      fc.asyncProperty(anyRate, anyFee, tiny, async (rate, fee, debit) => {
        const { quote } = createGround([{ rate }])
        const refused = await quote({ kind: 'fixedSend', debit }, fee)
        if (refused.type !== 'tooSmall') return
        named++
        const { least } = refused
        if (least === undefined) throw new Error('there is an amount that works')
        const works = await quote({ kind: 'fixedSend', debit: least }, fee)
        if (works.type !== 'price') throw new Error(`${least} does not work: ${works.type}`)
        expect(works.price.debit).toBe(least)
        expect(works.price.receive).toBeGreaterThanOrEqual(1n)
        if (least > 1n) {
          expect(await quote({ kind: 'fixedSend', debit: least - 1n }, fee)).toEqual({
            type: 'tooSmall',
            least
          })
        }
      }),
      { numRuns: RUNS }
    )
    expect(named).toBeGreaterThan(RUNS / 4)
  })

  it(
    'keeps its word with its fee: inside its bounds the payment completes, within its debit amount',
    {
      timeout
    },
    async () => {
      const seen = { paid: 0, withFee: 0, fixedSend: 0, fixedDelivery: 0, outOfBounds: 0 }
      const scenario = fc.record({
        hops: fc.array(anyHop, { minLength: 1, maxLength: 3 }),
        amount: fc.bigInt({ min: 1n, max: 10n ** 8n }),
        isFixedSend: fc.boolean(),
        fee: anyFee,
        /** Parts per million that the path's rate falls before a packet. */
        fall: fc.oneof(fc.constant(10_000), fc.nat(10_000)),
        fallsAt: fc.nat(10)
      })
      await fc.assert(
        fc.asyncProperty(scenario, async ({ hops: initial, amount, isFixedSend, fee, fall, fallsAt }) => {
          const hops = initial.map((hop) => ({ ...hop }))
          const fallen = multiplyRatios(
            initial.at(-1)!.rate,
            createRatio(BigInt(1_000_000 - fall), 1_000_000n)
          )
          const ground = createGround(hops, (index) => {
            if (index >= fallsAt) hops.at(-1)!.rate = fallen
            return undefined
          })
          const terms: Terms = isFixedSend
            ? { kind: 'fixedSend', debit: amount }
            : { kind: 'fixedDelivery', receive: amount }
          const quoted = await ground.quote(terms, fee)
          if (quoted.type !== 'price') return
          const { path } = ground
          const { debit, debitMinusFees, receive } = quoted.price
          const { minRate: minimumRate, ...known } = quoted.ilp
          // What an amount cannot hold is no payment, and thousands of packets are out of this test's time.
          if (debit > 10n ** 18n || receive > 10n ** 18n) return
          if (debitMinusFees / (known.maxPacketAmount ?? debitMinusFees) > 300n) return

          // The price is what was asked for, and the fee is in it, once.
          expect(isFixedSend ? debit : receive).toBe(amount)
          expect(debit).toBe(debitMinusFees + feeAmount(fee, isFixedSend ? debit : debitMinusFees))

          const result = await runToEnd(
            path.clock,
            sendStream({ ...path, sourceBudget: debitMinusFees, deliver: receive, minimumRate, path: known })
          )
          expect(result.sent).toBe(path.sent)
          expect(path.sent).toBeLessThanOrEqual(debitMinusFees)
          for (const { sent, delivered } of path.booked) {
            expect(delivered * minimumRate.denominator >= sent * minimumRate.numerator).toBe(true)
          }
          const fallenHops = [...initial.slice(0, -1), { ...initial.at(-1)!, rate: fallen }]
          const isInBounds = deliverable(fallenHops, debitMinusFees, known.maxPacketAmount) >= receive
          if (initial.length === 1) expect(isInBounds).toBe(true)
          if (!isInBounds) return void seen.outOfBounds++
          seen.paid++
          if (fee && feeAmount(fee, debit) > 0n) seen.withFee++
          seen[terms.kind]++
          expect(result.outcome).toBe('delivered')
          expect(result.delivered).toBe(path.received)
          expect(result.delivered).toBeGreaterThanOrEqual(receive)
        }),
        { numRuns: RUNS }
      )
      expect(seen.paid).toBeGreaterThan(RUNS / 4)
      expect(seen.withFee).toBeGreaterThan(seen.paid / 3)
      expect(Math.min(seen.fixedSend, seen.fixedDelivery)).toBeGreaterThan(seen.paid / 10)
      // Where several hops round, no sample shows all that they may take.
      expect(seen.outOfBounds).toBeLessThanOrEqual(2 + seen.paid / 100)
    }
  )
})
