import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRatio } from '../../ilp/index.ts'
import type { Ratio } from '../../ilp/index.ts'
import { anyHop } from '../../ilp/stream/random-paths.test-support.ts'
import { createSimulatedPath, runToEnd } from '../../ilp/stream/simulated-path.test-support.ts'
import type { SimulatedPath } from '../../ilp/stream/simulated-path.test-support.ts'
import { createLogger } from '../../runtime/index.ts'
import { testCount } from '../../../test-counts.ts'
import type { Asset } from '../assets/model.ts'
import type { Connector } from '../connector/model.ts'
import { createIlpMethod } from './ilp-method.ts'
import { createPaths } from './paths.ts'
import { minimumDebit, principalOf } from './pricing.ts'

const RUNS = testCount('quotedPaths')
/** Long runs take longer than the suite's limit for one test. */
const timeout = 20_000 + RUNS * 100

const fee = fc.option(
  fc.record({ fixed: fc.bigInt(0n, 10n ** 6n), basisPoints: fc.integer({ min: 0, max: 5_000 }) }),
  { nil: undefined, freq: 3 }
)
const asset: Asset = {
  id: 'usd',
  tenantId: 'tenant',
  code: 'USD',
  scale: 2,
  ledger: 1,
  createdAt: new Date(0)
}

/** Quotes a source amount at a node whose own conversion is the path's first rate. */
function quoterOn(path: SimulatedPath, ratio: Ratio) {
  const connector: Pick<Connector, 'senderFor' | 'nextHop'> = {
    senderFor: () => path.sendPacket,
    nextHop: async () => ({ asset: { ...asset, id: 'eur', code: 'EUR' }, via: 'peer' }) as never
  }
  const method = createIlpMethod({
    clock: path.clock,
    random: path.random,
    logger: createLogger({ name: 'test', level: 'silent' }),
    connector,
    rates: { ratio: async () => ratio },
    paths: createPaths(path.clock, 15_000),
    slippage: createRatio(1n, 100n)
  })
  return (debit: bigint, principal: bigint) =>
    runToEnd(
      path.clock,
      method.quote({
        tenantId: 'tenant',
        asset,
        credentials: path.credentials,
        receiverAsset: { code: 'EUR', scale: 2 },
        terms: { kind: 'fixedSend', debit },
        principal
      })
    )
}

describe('a quote over ILP for too little', () => {
  it(
    'names a debit amount that gets a quote, the least where the path rounds once',
    { timeout },
    async () => {
      let refusals = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyHop, { minLength: 1, maxLength: 3 }),
          fee,
          fc.bigInt(1n, 10n ** 5n),
          async (hops, fee, tooLittle) => {
            const quote = quoterOn(createSimulatedPath({ hops }), hops[0]!.rate)
            const of = (debit: bigint) => quote(debit, principalOf(debit, fee))
            const refused = await of(tooLittle)
            if (!('minimumSource' in refused)) return
            const least = minimumDebit(refused.minimumSource, fee)
            if (least === undefined || least > 10n ** 18n) return
            refusals++
            expect(await of(least), `${least}`).toHaveProperty('delivery')
            if (hops.length === 1) expect(await of(least - 1n), `${least} - 1`).not.toHaveProperty('delivery')
          }
        ),
        { numRuns: RUNS }
      )
      expect(refusals).toBeGreaterThan(RUNS / 8)
    }
  )
})
