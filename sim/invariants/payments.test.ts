import { describe, expect, test } from 'vitest'
import { requireLawfulPayments } from './payments.ts'
import type { IncomingFacts, OutgoingFacts, RestingNode, WebhookFacts } from './payments.ts'

const ENDED_MS = 5_000
const EXPIRES_MS = 100_000
const URL = 'https://baobab/incoming-payments/1'

function outgoing(changes: Partial<OutgoingFacts> = {}): OutgoingFacts {
  const { posted = 100n, delivered = 90n } = changes.ledger ?? {}
  return {
    ...{
      id: 'p1',
      state: 'COMPLETED',
      receiver: URL,
      grantId: 'g1',
      debit: 110n,
      mostSent: 105n,
      promised: 90n,
      sent: posted
    },
    ...{
      createdAtMs: 1_000,
      endedAtMs: ENDED_MS,
      ...changes,
      ledger: { voided: 0, posted, pending: 0n, delivered, ...changes.ledger }
    }
  }
}

function incoming(changes: Partial<IncomingFacts> = {}): IncomingFacts {
  return {
    ...{
      url: URL,
      id: 'i1',
      state: 'COMPLETED',
      incomingAmount: 90n,
      expiresAtMs: EXPIRES_MS,
      received: 90n
    },
    credits: [
      { amount: 45n, atMs: 3_000 },
      { amount: 45n, atMs: 4_000 }
    ],
    ...{ told: 90n, closing: undefined, ...changes }
  }
}

function webhook(changes: Partial<WebhookFacts>): WebhookFacts {
  return {
    id: 'w',
    type: 'created',
    resource: 'p1',
    createdAtMs: 0,
    honouredAs: 0,
    givenUp: false,
    ...changes
  }
}

const IN_ORDER = [
  webhook({ id: 'w1', createdAtMs: 1, honouredAs: 0 }),
  webhook({ id: 'w2', type: 'completed', createdAtMs: 2, honouredAs: 1 })
]

/** Alice of acacia paid bob of baobab. */
function network(changes: {
  outgoing?: OutgoingFacts[]
  incoming?: IncomingFacts[]
  acacia?: Partial<RestingNode>
  baobab?: Partial<RestingNode>
}): RestingNode[] {
  const nothing = {
    isTouched: false,
    isClockStepped: false,
    outgoing: [],
    incoming: [],
    grants: [],
    webhooks: []
  }
  const grants = [{ id: 'g1', debitLimit: 110n, receiveLimit: undefined }]
  return [
    {
      ...nothing,
      name: 'acacia',
      outgoing: changes.outgoing ?? [outgoing()],
      grants,
      webhooks: IN_ORDER,
      ...changes.acacia
    },
    { ...nothing, name: 'baobab', incoming: changes.incoming ?? [incoming()], ...changes.baobab }
  ]
}

const half = { voided: 0, posted: 50n, pending: 0n, delivered: 45n }
const halfReceived = { received: 45n, credits: [{ amount: 45n, atMs: 3_000 }], told: 45n }

const LAWFUL: { what: string; nodes: RestingNode[]; strangers?: boolean }[] = [
  { what: 'a payment that completed', nodes: network({}) },
  {
    what: 'one that failed and delivered a part',
    nodes: network({
      outgoing: [outgoing({ state: 'FAILED', ledger: half })],
      incoming: [incoming({ ...halfReceived, state: 'PROCESSING', told: undefined })]
    })
  },
  {
    what: 'one that completed because its receiver closed first',
    nodes: network({
      outgoing: [outgoing({ ledger: half })],
      incoming: [
        incoming({ ...halfReceived, closing: { askedAtMs: ENDED_MS - 1, heardAtMs: ENDED_MS + 20 } })
      ]
    })
  },
  {
    what: 'a last packet that exceeds the incoming amount, and is booked as the payment expires',
    nodes: network({ incoming: [incoming({ incomingAmount: 50n, expiresAtMs: 3_500 })] })
  },
  {
    what: 'a minimum rate that a refused packet took a unit of',
    nodes: network({
      outgoing: [outgoing({ state: 'FAILED', ledger: { ...half, posted: 100n, delivered: 85n, voided: 1 } })],
      incoming: [incoming({ received: 85n, credits: [{ amount: 85n, atMs: 3_000 }], told: 85n })]
    })
  },
  {
    what: 'orphans where a fault struck',
    nodes: network({
      outgoing: [outgoing({ state: 'FAILED', ledger: half })],
      baobab: { isTouched: true }
    })
  },
  {
    what: 'more received than payers booked, where strangers pay as well',
    nodes: network({ outgoing: [] }),
    strangers: true
  },
  {
    what: 'webhooks in their order, by a clock that stepped back in between',
    nodes: network({
      acacia: {
        isClockStepped: true,
        webhooks: [webhook({ createdAtMs: 500, honouredAs: 0 }), webhook({ createdAtMs: 400, honouredAs: 1 })]
      }
    })
  },
  {
    what: 'webhooks that were given up, or are of other resources',
    nodes: network({
      acacia: {
        webhooks: [
          webhook({ createdAtMs: 1, honouredAs: undefined, givenUp: true }),
          webhook({ resource: 'p2', createdAtMs: 2, honouredAs: 7 }),
          webhook({ createdAtMs: 3, honouredAs: 6 })
        ]
      }
    })
  }
]

const BROKEN: { what: string; nodes: RestingNode[]; message: RegExp }[] = [
  {
    what: 'more sent than was quoted without the fee',
    nodes: network({ outgoing: [outgoing({ sent: 106n })] }),
    message: /^never above the quote: payment p1 of acacia sent 106 of 105$/
  },
  {
    what: 'more posted and pending than was quoted without the fee',
    nodes: network({ outgoing: [outgoing({ ledger: { ...half, posted: 100n, pending: 6n } })] }),
    message: /^never above the quote: payment p1 of acacia has 100 posted and 6 pending of 105$/
  },
  {
    what: 'a payment that is SENDING for ever',
    nodes: network({ outgoing: [outgoing({ state: 'SENDING' })] }),
    message: /^liveness: payment p1 of acacia is SENDING for ever$/
  },
  {
    what: 'an amount sent that is not what the ledger has',
    nodes: network({ outgoing: [outgoing({ sent: 90n })] }),
    message: /^sending: payment p1 of acacia says that it sent 90, its ledger 100$/
  },
  {
    what: 'a rate below what was promised',
    nodes: network({
      outgoing: [outgoing({ state: 'FAILED', ledger: { ...half, posted: 100n, delivered: 85n } })]
    }),
    message: /^minimum rate: payment p1 of acacia delivered 85 for 100, promised are 90 for 105$/
  },
  {
    what: 'COMPLETED with less than was promised, and the receiver was open',
    nodes: network({
      outgoing: [outgoing({ ledger: half })],
      incoming: [incoming({ ...halfReceived, state: 'PROCESSING', told: undefined })]
    }),
    message:
      /^completed: payment p1 of acacia is COMPLETED with 45 of 90 delivered, and its receiver was open$/
  },
  {
    what: 'COMPLETED with less than was promised, and the receiver was closed afterwards',
    nodes: network({
      outgoing: [outgoing({ ledger: half })],
      incoming: [
        incoming({ ...halfReceived, closing: { askedAtMs: ENDED_MS + 10, heardAtMs: ENDED_MS + 20 } })
      ]
    }),
    message: /^completed: /
  },
  {
    what: 'an amount received that is not what the ledger has',
    nodes: network({ incoming: [incoming({ received: 91n })] }),
    message: /^receiving: baobab says that https.* received 91, its ledger 90$/
  },
  {
    what: 'a packet that was taken when all was there',
    nodes: network({ incoming: [incoming({ incomingAmount: 45n })] }),
    message: /^receiving: https.* took 45 when it had 45 of 45$/
  },
  {
    what: 'a packet that was taken after the payment had expired',
    nodes: network({ incoming: [incoming({ expiresAtMs: 2_000 })] }),
    message: /^receiving: https.* took 45 2000 ms after it had expired$/
  },
  {
    what: 'a packet that was taken after the payment had been completed',
    nodes: network({ incoming: [incoming({ closing: { askedAtMs: 1_500, heardAtMs: 2_000 } })] }),
    message: /^receiving: https.* took 45 2000 ms after it had been completed$/
  },
  {
    what: 'a wallet that was told another total',
    nodes: network({ incoming: [incoming({ told: 45n })] }),
    message: /^receiving: https.* received 90, and its wallet was told 45$/
  },
  {
    what: 'more booked as delivered than was received',
    nodes: network({ outgoing: [outgoing({ ledger: { ...half, posted: 100n, delivered: 91n } })] }),
    message: /^receiving: https.* received 90, its payers booked 91 as delivered$/
  },
  {
    what: 'less booked as delivered than was received, and no fault',
    nodes: network({ outgoing: [outgoing({ state: 'FAILED', ledger: half })] }),
    message: /^receiving: https.* received 90, its payers booked 45 as delivered$/
  },
  {
    what: 'payments that send more than their grant allows',
    nodes: network({
      acacia: { grants: [{ id: 'g1', debitLimit: 149n, receiveLimit: undefined }] },
      outgoing: [outgoing(), outgoing({ id: 'p2', state: 'FAILED', receiver: 'elsewhere', ledger: half })]
    }),
    message: /^grants: payments under grant g1 of acacia send 150, allowed are 149$/
  },
  {
    what: 'a payment that was made when its grant had nothing left, though both sent little in the end',
    nodes: network({
      outgoing: [
        outgoing({ state: 'FAILED', ledger: half, receiver: 'elsewhere' }),
        outgoing({ id: 'p2', state: 'FAILED', ledger: half, receiver: 'elsewhere', createdAtMs: 20_000 })
      ],
      incoming: []
    }),
    message: /^grants: payments under grant g1 of acacia send 160, allowed are 110$/
  },
  {
    what: 'payments that deliver more than their grant allows',
    nodes: network({
      acacia: { grants: [{ id: 'g1', debitLimit: undefined, receiveLimit: 134n }] },
      outgoing: [outgoing(), outgoing({ id: 'p2', state: 'FAILED', receiver: 'elsewhere', ledger: half })]
    }),
    message: /^grants: payments under grant g1 of acacia deliver 135, allowed are 134$/
  },
  {
    what: 'webhooks of one resource out of order',
    nodes: network({
      acacia: { webhooks: [IN_ORDER[1]!, webhook({ createdAtMs: 1, honouredAs: 5 })] }
    }),
    message: /^webhook order: acacia told of completed of p1 before created$/
  }
]

describe('what a network at rest says of payments', () => {
  test.each(LAWFUL)('lawful: $what', ({ nodes, strangers = false }) => {
    expect(() => requireLawfulPayments(nodes, { strangers })).not.toThrow()
  })

  test.each(BROKEN)('found: $what', ({ nodes, message }) => {
    expect(() => requireLawfulPayments(nodes, { strangers: false })).toThrow(message)
  })
})
