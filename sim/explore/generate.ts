import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { DOORS } from '../faults/model.ts'
import { LINK_TRANSPORTS } from '../topology/model.ts'
import { ACCOUNTS, ASSETS, CURRENCIES, NODE_NAMES, settleNames } from './history.ts'
import type { ActionOf, Action, History } from './history.ts'

/**
 * Histories without a seed. No part depends on another (names that the nodes do not have are settled afterwards), so
 * that fast-check can shrink any history, wherever it comes from: each choice shrinks to the first that is listed.
 */
export function histories(): fc.Arbitrary<Omit<History, 'seed'>> {
  return fc.record({
    nodes: fc.oneof(
      { weight: 5, arbitrary: fc.array(node, { minLength: 2, maxLength: 2 }) },
      { weight: 1, arbitrary: fc.array(node, { minLength: 1, maxLength: 1 }) },
      { weight: 2, arbitrary: fc.array(node, { minLength: 3, maxLength: NODE_NAMES.length }) }
    ),
    shape: fc.constantFrom('line', 'line', 'ring'),
    slippage: fc.constantFrom('0.01', '0.01', '0', '0.1'),
    balance: fc.constantFrom(PLENTY, PLENTY, PLENTY, 3_000n),
    latency: fc.record({
      networkMs: fc.tuple(fc.constant(1), fc.constantFrom(2, 2, 2, 50, 400)),
      databaseMs: fc.tuple(fc.constant(1), fc.constantFrom(3, 3, 3, 40))
    }),
    actions: fc.array(action, { minLength: 1, maxLength: 6, size: 'max' }),
    faults: fc.oneof(
      { weight: 2, arbitrary: fc.array(fault, { maxLength: 0 }) },
      { weight: 5, arbitrary: fc.array(fault, { minLength: 1, maxLength: 3, size: 'max' }) }
    )
  })
}

/** The history of a seed: equal seeds, equal histories. */
export function historyOf(seed: number): History {
  // Neighbouring seeds of fast-check's generator begin alike.
  const scattered = createHash('sha256').update(`history ${seed}`).digest().readInt32BE(0)
  const [drawn] = fc.sample(histories(), { seed: scattered, numRuns: 1 })
  return settleNames({ seed, ...drawn! })
}

const PLENTY = 1_000_000_000_000n

/** Values near the beginning are likelier, as histories are over soon. */
function soon(mostMs: number): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.nat({ max: Math.min(mostMs, 100) }) },
    { weight: 4, arbitrary: fc.nat({ max: Math.min(mostMs, 1_500) }) },
    { weight: 1, arbitrary: fc.nat({ max: mostMs }) }
  )
}

const amount = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: 100n, max: 20_000n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 100n }) }
)
const fee = { fixed: fc.constantFrom(0n, 0n, 7n), basisPoints: fc.constantFrom(0, 0, 100) }
const nodeName = fc.constantFrom(...NODE_NAMES)
const account = fc.constantFrom(...ACCOUNTS)
const ends = { from: account, to: account }
const service = fc.constantFrom('backend' as const, 'backend' as const, 'backend' as const, 'auth' as const)

const node = fc.record({
  asset: fc.constantFrom(...ASSETS),
  fee: fc.record(fee),
  link: fc.record({
    asset: fc.constantFrom(...ASSETS),
    liquidity: fc.oneof(
      { weight: 3, arbitrary: fc.constant(PLENTY) },
      { weight: 1, arbitrary: fc.bigInt({ min: 500n, max: 30_000n }) }
    ),
    maxPacketAmount: fc.constantFrom(0n, 10_000n, 2_000n),
    transport: fc.constantFrom(...LINK_TRANSPORTS)
  })
})

/** One kind of action: what it does, with the time at which it begins. */
function does<Kind extends Action['do']>(
  kind: Kind,
  rest: { [Key in Exclude<keyof ActionOf<Kind>, 'do' | 'atMs'>]: fc.Arbitrary<ActionOf<Kind>[Key]> }
): fc.Arbitrary<Action> {
  return fc.record({ do: fc.constant(kind), atMs: soon(20_000), ...rest }) as unknown as fc.Arbitrary<Action>
}

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: does('pay', { ...ends, fixed: fc.constantFrom('send', 'receive'), amount }) },
  {
    weight: 2,
    arbitrary: does('payIntoOne', {
      to: account,
      amount: fc.oneof({ weight: 2, arbitrary: amount }, { weight: 1, arbitrary: fc.constant(0n) }),
      payers: fc.array(fc.record({ from: account, send: amount }), { minLength: 1, maxLength: 4 })
    })
  },
  {
    weight: 2,
    arbitrary: does('race', {
      ...ends,
      limit: amount,
      sends: fc.array(amount, { minLength: 1, maxLength: 4, size: 'max' })
    })
  },
  { weight: 1, arbitrary: does('quoteTwice', { ...ends, amount }) },
  {
    weight: 1,
    arbitrary: does('useLateQuote', {
      ...ends,
      amount,
      afterExpiryMs: fc.oneof(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: -300, max: 300 }))
    })
  },
  { weight: 1, arbitrary: does('completeEarly', { ...ends, amount, afterMs: soon(3_000) }) },
  {
    weight: 1,
    arbitrary: does('expire', { ...ends, amount, expiresInMs: fc.integer({ min: 500, max: 5_000 }) })
  },
  { weight: 1, arbitrary: does('revoke', { ...ends, amount, afterMs: soon(3_000) }) },
  { weight: 1, arbitrary: does('cancel', { ...ends, amount, afterMs: soon(1_000) }) },
  { weight: 1, arbitrary: does('depositTwice', { ...ends, amount, afterMs: soon(3_000) }) },
  {
    weight: 2,
    arbitrary: does('settle', {
      node: nodeName,
      peer: fc.constantFrom('next', 'previous'),
      way: fc.constantFrom('deposit', 'withdraw'),
      amount
    })
  },
  {
    weight: 1,
    arbitrary: does('rate', {
      node: nodeName,
      base: fc.constantFrom(...CURRENCIES),
      other: fc.constantFrom(...CURRENCIES),
      permille: fc.constantFrom(990, 1_010, 500, 2_000)
    })
  },
  { weight: 1, arbitrary: does('fee', { node: nodeName, ...fee }) },
  {
    weight: 1,
    arbitrary: does('packetLimit', {
      node: nodeName,
      peer: fc.constantFrom('next', 'previous'),
      amount: fc.constantFrom(0n, 3_000n, 500n)
    })
  }
)

type FaultData = History['faults'][number]

/** How long something lasts: a moment, longer than a packet lives, longer than a lease. */
const lastsMs = fc.constantFrom(50, 1_000, 8_000, 40_000)

const fault = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      fault: fc.constant('partition'),
      atMs: soon(3_000),
      between: fc.oneof(
        fc.tuple(nodeName, nodeName),
        fc.tuple(
          fc.record({ node: nodeName, part: fc.constant('backend') }),
          fc.record({ node: nodeName, part: fc.constantFrom('wallet', 'database', 'auth') })
        )
      ),
      afterMs: fc.constant(0),
      forMs: lastsMs
    })
  },
  {
    weight: 5,
    arbitrary: fc.record({
      fault: fc.constant('connection'),
      atMs: soon(3_000),
      node: nodeName,
      door: fc.constantFrom('connector', 'connector', ...DOORS),
      at: fc.constantFrom('answer', 'request'),
      nth: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 40 })),
      then: fc.oneof(fc.constant('reset'), fc.record({ stallMs: lastsMs }))
    })
  },
  {
    weight: 5,
    arbitrary: fc.record({
      fault: fc.constant('crash'),
      atMs: soon(3_000),
      node: nodeName,
      service,
      at: fc.oneof(
        fc.record({ afterMs: soon(3_000) }),
        fc.record({ call: fc.integer({ min: 1, max: 200 }), side: fc.constantFrom('before', 'after') })
      ),
      downMs: lastsMs
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      fault: fc.constant('clock'),
      atMs: soon(3_000),
      node: nodeName,
      service,
      afterMs: fc.constant(0),
      // Two nodes whose clocks step apart by this still keep the margin of 5 s.
      stepMs: fc.integer({ min: -800, max: 800 })
    })
  }
) as unknown as fc.Arbitrary<FaultData>
