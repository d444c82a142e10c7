import fc from 'fast-check'
import { expect, test } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { mostSentOf, mostSentWhen } from './fees.ts'

test('what may be sent is the largest amount that, with its fee, is within the debit', () => {
  const fee = (amount: bigint, fixed: bigint, basisPoints: bigint) =>
    (amount * basisPoints + 9_999n) / 10_000n + fixed
  fc.assert(
    fc.property(
      fc.bigInt(0n, 2n ** 64n),
      fc.bigInt(0n, 1_000n),
      fc.bigInt(0n, 10_000n),
      (debit, fixed, basisPoints) => {
        const most = mostSentOf(debit, { fixed, basisPoints })
        if (most > 0n) expect(most + fee(most, fixed, basisPoints)).toBeLessThanOrEqual(debit)
        expect(most + 1n + fee(most + 1n, fixed, basisPoints)).toBeGreaterThan(debit)
      }
    ),
    { numRuns: testCount('feesOfDebits') }
  )
})

test.each([
  ['none was ever set', [], 100n],
  ['one from before the beginning', [[50, 10n]], 90n],
  ['none while it may have been asked for', [[950, 10n]], 100n],
  [
    'the one that took less, of two while it was made',
    [
      [50, 10n],
      [950, 3n]
    ],
    97n
  ],
  [
    'one that was set afterwards takes nothing',
    [
      [50, 10n],
      [1_001, 3n]
    ],
    90n
  ],
  [
    'one that was over before',
    [
      [10, 3n],
      [50, 10n]
    ],
    90n
  ]
] as const)('the fee of a quote, %s', (_, fees, most) => {
  const set = fees.map(([setAtMs, fixed]) => ({ setAtMs, fixed, basisPoints: 0n }))
  expect(mostSentWhen(100n, set, { quotedAtMs: 1_000, beganAtMs: 100 })).toBe(most)
})
