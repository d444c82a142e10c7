import fc from 'fast-check'
import { ASSETS, MAX_CONNECTORS } from './history.ts'
import type { Action, Answer, AssetName, LinkPlan, NodePlan, PacketFault, PacketHistory } from './history.ts'

// What shrinks stays a history: places are counted round, and every part can be left out.

const PLENTY = 10n ** 16n

/** Mostly of a middling size, sometimes at the edges. */
const amount: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt({ min: 1n, max: 100_000n }) },
  { weight: 2, arbitrary: fc.bigInt({ min: 0n, max: 20n }) },
  // Beyond what a Number holds.
  { weight: 1, arbitrary: fc.bigInt({ min: 2n ** 53n / 100n, max: PLENTY / 3n }) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 1n, 2n ** 63n, 2n ** 64n - 1n) }
)

const balance: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(PLENTY) },
  { weight: 2, arbitrary: fc.bigInt({ min: 0n, max: 1_000_000n }) }
)

const asset = fc.constantFrom(...(Object.keys(ASSETS) as AssetName[]))
/** Limits are there in few histories: they refuse what others want to see. */
const rarely = <T>(otherwise: T, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary })

const link: fc.Arbitrary<LinkPlan> = fc.record({
  asset,
  transport: fc.oneof(
    { weight: 5, arbitrary: fc.constant('btp' as const) },
    { weight: 1, arbitrary: fc.constant('http' as const) }
  ),
  balances: fc.tuple(balance, balance),
  maxPacketAmount: rarely(0n, fc.bigInt({ min: 2_000n, max: 100_000n })),
  maxPacketsInFlight: rarely(0, fc.integer({ min: 1, max: 5 })),
  maxPacketsPerSecond: rarely(0, fc.integer({ min: 1, max: 8 })),
  maxAmountPerSecond: rarely(0n, fc.bigInt({ min: 5_000n, max: 300_000n }))
})

const skewMs = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -100, max: 100 }) },
  { weight: 1, arbitrary: fc.integer({ min: -2_000, max: 2_000 }) }
)

const node: fc.Arbitrary<NodePlan> = fc.record({
  link,
  spread: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 300 }) }
  ),
  liquidity: balance,
  skewMs
})

const afterMs = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 50 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 6_000 }) }
)

const answer: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('fulfill' as const), afterMs }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('late' as const),
      byMs: fc.integer({ min: -1_500, max: 3_000 })
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('late' as const), byMs: fc.integer({ min: -20, max: 5 }) })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reject' as const),
      afterMs,
      code: fc.constantFrom('F02', 'T02', 'T04', 'T05', 'R01', 'F99')
    })
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'never' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'wrong' as const,
        'garbage' as const,
        'fulfillThenReject' as const,
        'rejectThenFulfill' as const,
        'hangUp' as const,
        'fulfillAndHangUp' as const
      ),
      afterMs
    })
  }
)

/** Times are close together: what happens at once meets. */
const atMs = fc.integer({ min: 0, max: 1_500 })
const place = fc.integer({ min: 0, max: MAX_CONNECTORS - 1 })
const linkPlace = fc.integer({ min: 0, max: MAX_CONNECTORS + 1 })
const lifetimeMs = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 4_000, max: 9_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 4_000 }) },
  { weight: 1, arbitrary: fc.constant(30_000) }
)

const packets: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('packets' as const),
  atMs,
  from: fc.constantFrom('left' as const, 'right' as const),
  to: fc.oneof(
    { weight: 7, arbitrary: fc.constant('end' as const) },
    { weight: 5, arbitrary: fc.constant('account' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('nowhere' as const, 'nearly' as const, 'peer' as const, 'itself' as const)
    }
  ),
  node: place,
  amount,
  lifetimeMs,
  count: fc.oneof(
    { weight: 2, arbitrary: fc.constant(1) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) }
  ),
  everyMs: fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 400 }) }
  ),
  answer,
  repeatAfterMs: fc.oneof(
    { weight: 7, arbitrary: fc.constant(-1) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 8_000 }) }
  )
})

const payment: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('payment' as const),
  atMs,
  from: place,
  to: place,
  budget: fc.bigInt({ min: 1n, max: 100_000n }),
  slippagePermille: fc.oneof(
    { weight: 3, arbitrary: fc.constant(20) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 300 }) }
  ),
  takesPermille: fc.oneof(
    { weight: 4, arbitrary: fc.constant(1_000) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 999 }) }
  )
})

const change: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constant('settle' as const),
    atMs,
    node: place,
    link: linkPlace,
    account: fc.constantFrom('peer' as const, 'asset' as const),
    way: fc.constantFrom('deposit' as const, 'withdraw' as const),
    amount: fc.oneof(fc.bigInt({ min: 1n, max: 1_000_000n }), fc.constantFrom(PLENTY, PLENTY - 50_000n))
  }),
  fc.record({
    do: fc.constant('rate' as const),
    atMs,
    node: place,
    asset,
    permille: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 200, max: 5_000 }) },
      { weight: 1, arbitrary: fc.constant(0) }
    )
  }),
  fc.record({
    do: fc.constant('limit' as const),
    atMs,
    node: place,
    link: linkPlace,
    maxPacketAmount: fc.bigInt({ min: 0n, max: 50_000n })
  }),
  fc.record({
    do: fc.constant('route' as const),
    atMs,
    node: place,
    to: fc.constantFrom('left' as const, 'right' as const),
    link: linkPlace
  }),
  fc.record({
    do: fc.constant('removePeer' as const),
    atMs,
    node: place,
    link: linkPlace,
    forMs: fc.integer({ min: 0, max: 2_000 })
  })
)

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: packets },
  { weight: 1, arbitrary: payment },
  { weight: 1, arbitrary: change }
)

/** A rate that falls while a payment is under way. */
const payAtAFallingRate: fc.Arbitrary<Action[]> = fc
  .tuple(payment, place, asset, fc.integer({ min: 0, max: 80 }), fc.integer({ min: 200, max: 980 }))
  .map(([pay, node, of, afterMs, permille]) => [
    pay,
    { do: 'rate', atMs: pay.atMs + afterMs, node, asset: of, permille }
  ])

const actions: fc.Arbitrary<Action[]> = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: action.map((one) => [one]) },
      { weight: 1, arbitrary: payAtAFallingRate }
    ),
    { minLength: 1, maxLength: 6 }
  )
  .map((groups) => groups.flat())

const side = fc.constantFrom('left' as const, 'right' as const)
const nth = fc.integer({ min: 1, max: 8 })
const forMs = fc.integer({ min: 1, max: 9_000 })

const fault: fc.Arbitrary<PacketFault> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ fault: fc.constant('reset' as const), atMs, link: linkPlace, from: side, nth })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      fault: fc.constant('stall' as const),
      atMs,
      link: linkPlace,
      from: side,
      nth,
      forMs
    })
  },
  { weight: 1, arbitrary: fc.record({ fault: fc.constant('cut' as const), atMs, link: linkPlace, forMs }) },
  {
    weight: 3,
    arbitrary: fc.record({
      fault: fc.constant('crash' as const),
      atMs,
      node: place,
      at: fc.oneof(
        { weight: 1, arbitrary: fc.constant('once' as const) },
        {
          weight: 3,
          arbitrary: fc.record({ batch: nth, side: fc.constantFrom('before' as const, 'after' as const) })
        }
      ),
      downMs: fc.integer({ min: 0, max: 3_000 })
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      fault: fc.constant('ledger' as const),
      atMs,
      node: place,
      batch: nth,
      then: fc.oneof(
        fc.constantFrom('lostBefore' as const, 'lostAfter' as const),
        fc.record({ delayMs: fc.integer({ min: 1, max: 12_000 }) })
      )
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      fault: fc.constant('clock' as const),
      atMs,
      node: place,
      stepMs: fc.oneof(fc.integer({ min: -8_000, max: 8_000 }), fc.integer({ min: -50, max: 50 }))
    })
  }
)

const upTo = (low: number, high: number): fc.Arbitrary<[number, number]> =>
  fc
    .tuple(fc.integer({ min: 0, max: low }), fc.integer({ min: 0, max: high }))
    .map(([from, more]) => [from, from + more])

const latencies = {
  networkMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant<[number, number]>([1, 2]) },
    { weight: 1, arbitrary: upTo(100, 200) }
  ),
  ledgerMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant<[number, number]>([1, 3]) },
    { weight: 1, arbitrary: upTo(20, 40) }
  )
}

const wild: fc.Arbitrary<PacketHistory> = fc.record({
  seed: fc.nat(1_000_000),
  nodes: fc.array(node, { minLength: 1, maxLength: MAX_CONNECTORS }),
  lastLink: link,
  chord: fc.option(link, { freq: 3 }),
  ...latencies,
  actions,
  faults: fc.oneof(
    { weight: 1, arbitrary: fc.constant<PacketFault[]>([]) },
    { weight: 3, arbitrary: fc.array(fault, { minLength: 1, maxLength: 4 }) }
  )
})

/** Nothing goes wrong and there is plenty of everything: every packet has to arrive. */
const calmLink: fc.Arbitrary<LinkPlan> = fc.record({
  asset,
  transport: fc.constantFrom('btp' as const, 'http' as const),
  balances: fc.constant<[bigint, bigint]>([PLENTY, PLENTY]),
  maxPacketAmount: fc.constant(0n),
  maxPacketsInFlight: fc.constant(0),
  maxPacketsPerSecond: fc.constant(0),
  maxAmountPerSecond: fc.constant(0n)
})

const calm: fc.Arbitrary<PacketHistory> = fc.record({
  seed: fc.nat(1_000_000),
  nodes: fc.array(
    fc.record({
      link: calmLink,
      spread: fc.integer({ min: 0, max: 300 }),
      liquidity: fc.constant(PLENTY),
      skewMs: fc.integer({ min: -100, max: 100 })
    }),
    { minLength: 1, maxLength: MAX_CONNECTORS }
  ),
  lastLink: calmLink,
  chord: fc.constant(null),
  ...latencies,
  actions: fc.array(
    fc.record({
      do: fc.constant('packets' as const),
      atMs,
      from: fc.constantFrom('left' as const, 'right' as const),
      to: fc.constantFrom('end' as const, 'account' as const),
      node: place,
      amount: fc.bigInt({ min: 1n, max: 1_000_000n }),
      lifetimeMs: fc.integer({ min: 8_000, max: 30_000 }),
      count: fc.integer({ min: 1, max: 12 }),
      everyMs: fc.integer({ min: 0, max: 100 }),
      answer: fc.record({ kind: fc.constant('fulfill' as const), afterMs }),
      repeatAfterMs: fc.constant(-1)
    }),
    { minLength: 1, maxLength: 4 }
  ),
  faults: fc.constant<PacketFault[]>([])
})

/** Histories of packets and ledgers: topology, what peers do, and what goes wrong, all of which shrink together. */
export const packetHistories: fc.Arbitrary<PacketHistory> = fc.oneof(
  { weight: 6, arbitrary: wild },
  { weight: 1, arbitrary: calm }
)
