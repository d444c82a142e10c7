import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { TransferCode } from '../../node/ledger/index.ts'
import type { PropertyViolation } from '../scenarios/scenario.ts'
import { createPacketLaw } from './packets.ts'
import type { PacketLaw } from './packets.ts'

const START_MS = 1_000_000
const EXPIRES_MS = START_MS + 10_000
const FULFILLMENT = '11'.repeat(32)
const OTHER_FULFILLMENT = '33'.repeat(32)
const conditionOf = (fulfillment: string) =>
  createHash('sha256').update(Buffer.from(fulfillment, 'hex')).digest('hex')
/** Accounts: what each node has for its peers, and for nobody in particular. */
const PEER = { 'acacia:baobab': 1n, 'baobab:acacia': 2n, 'baobab:cedar': 3n, 'cedar:baobab': 4n }
const OWN = 9n
type Hop = ['acacia', 'baobab'] | ['baobab', 'cedar']

let law: PacketLaw
let violations: PropertyViolation[]
let nowMs: number
let exchanges: number

beforeEach(() => {
  violations = []
  nowMs = START_MS
  exchanges = 0
  law = createPacketLaw({
    nodes: [
      { name: 'acacia', peers: [{ accountId: PEER['acacia:baobab'], link: 0, with: 'baobab' }] },
      {
        name: 'baobab',
        peers: [
          { accountId: PEER['baobab:acacia'], link: 0, with: 'acacia' },
          { accountId: PEER['baobab:cedar'], link: 1, with: 'cedar' }
        ]
      },
      { name: 'cedar', peers: [{ accountId: PEER['cedar:baobab'], link: 1, with: 'baobab' }] }
    ],
    onViolation: (violation) => void violations.push(violation)
  })
})

// ---- A history, step by step. What a step leaves out is as it is in an honest network.

const moment = () => ({ atMs: nowMs, clockMs: nowMs })

function prepare(
  [from, to]: Hop,
  { expiresAtMs = EXPIRES_MS, condition = conditionOf(FULFILLMENT), arrives = true, amount = 50n } = {}
): number {
  const exchange = ++exchanges
  const link = from === 'acacia' ? 0 : 1
  const rest = { amount, destination: 'test.cedar.x', transport: 'http' as const }
  law.wire({ kind: 'prepare', exchange, link, from, to, condition, expiresAtMs, ...rest, ...moment() })
  if (arrives) law.wire({ kind: 'prepareArrived', exchange, ...moment() })
  return exchange
}

function answer(exchange: number, code?: string, { fulfillment = FULFILLMENT, arrives = true } = {}): void {
  const what =
    code === undefined
      ? { type: 'fulfill' as const, fulfillment }
      : { type: 'reject' as const, code, triggeredBy: '', message: '' }
  law.wire({ kind: 'answer', exchange, answer: what, ...moment() })
  if (arrives) law.wire({ kind: 'answerArrived', exchange, ...moment() })
}

type Phase = 'pending' | 'post' | 'void' | 'at once'

function book(
  node: string,
  phase: Phase,
  debitAccountId: bigint,
  creditAccountId: bigint,
  amount = 50n
): void {
  law.booked(node, {
    ...{ debitAccountId, creditAccountId, amount, code: TransferCode.TRANSFER },
    flags: { pending: phase === 'pending', postPending: phase === 'post', voidPending: phase === 'void' }
  })
}

const acacia = (phase: Phase) => book('acacia', phase, OWN, PEER['acacia:baobab'])
const baobab = (phase: Phase) => book('baobab', phase, PEER['baobab:acacia'], PEER['baobab:cedar'])
const cedar = () => book('cedar', 'at once', PEER['cedar:baobab'], OWN)

const HOP_1: Hop = ['acacia', 'baobab']
const HOP_2: Hop = ['baobab', 'cedar']

/** Up to where cedar has the packet. */
function onItsWay(fulfillment = FULFILLMENT): [number, number] {
  const condition = conditionOf(fulfillment)
  acacia('pending')
  const first = prepare(HOP_1, { condition })
  baobab('pending')
  return [first, prepare(HOP_2, { condition, expiresAtMs: EXPIRES_MS - 1_000 })]
}

function found(): string[] {
  return violations.map(({ message }) => message)
}

describe('lawful histories', () => {
  test('a packet that is fulfilled over two links', () => {
    const [first, second] = onItsWay()
    cedar()
    answer(second)
    baobab('post')
    answer(first)
    acacia('post')
    law.settle({ faultless: true })
    expect(found()).toEqual([])
  })

  test('a packet that is rejected, and one of the same amount that is fulfilled meanwhile', () => {
    const [first, second] = onItsWay()
    const [third, fourth] = onItsWay(OTHER_FULFILLMENT)
    cedar()
    answer(second, 'T04')
    answer(fourth, undefined, { fulfillment: OTHER_FULFILLMENT })
    baobab('void')
    answer(first, 'T04')
    baobab('post')
    answer(third, undefined, { fulfillment: OTHER_FULFILLMENT })
    acacia('post')
    acacia('void')
    law.settle({ faultless: true })
    expect(found()).toEqual([])
  })

  test('packets of amount zero, and deposits, are not looked at', () => {
    answer(prepare(HOP_1, { amount: 0n }), undefined, { fulfillment: '00'.repeat(32) })
    law.booked('baobab', {
      ...{
        debitAccountId: PEER['baobab:acacia'],
        creditAccountId: OWN,
        amount: 50n,
        code: TransferCode.DEPOSIT
      },
      flags: { pending: false, postPending: false, voidPending: false }
    })
    law.settle({ faultless: true })
    expect(found()).toEqual([])
  })

  test.each<{ what: string; fault: (second: number) => void }>([
    { what: 'a crash of upstream', fault: () => law.crashed('baobab', nowMs) },
    { what: 'a crash of downstream', fault: () => law.crashed('cedar', nowMs) },
    {
      what: 'a connection that was cut after the Prepare was handed over',
      fault: (second) => law.wire({ kind: 'lost', exchange: second, ...moment() })
    },
    { what: 'a ledger of unknown outcome', fault: () => law.ledgerDoubtful('baobab', nowMs, 0) },
    {
      what: 'an answer after the outgoing expiry by the clock of who waits for it',
      fault: (second) => {
        law.wire({
          kind: 'answer',
          exchange: second,
          answer: { type: 'fulfill', fulfillment: FULFILLMENT },
          ...moment()
        })
        law.wire({ kind: 'answerArrived', exchange: second, atMs: nowMs + 5, clockMs: EXPIRES_MS })
      }
    }
  ])('an orphan because of $what', ({ fault }) => {
    const [, second] = onItsWay()
    cedar()
    fault(second)
    baobab('void')
    acacia('void')
    law.settle({ faultless: false })
    expect(found()).toEqual([])
    expect(law.orphans()).toEqual([{ from: 'baobab', to: 'cedar', amount: 50n, count: 1 }])
  })
})

const BROKEN: { what: string; history: () => void; message: RegExp; faultless?: boolean }[] = [
  {
    what: 'a Fulfill that goes upstream before it is posted',
    history: () => {
      const [, second] = onItsWay()
      answer(second)
    },
    message: /^P1: packet 2 of 50 from baobab to cedar .*: cedar wrote the Fulfill with 0 of 1 posted$/
  },
  {
    what: 'a Fulfill that goes upstream with one leg posted',
    history: () => {
      const [first, second] = onItsWay()
      cedar()
      answer(second)
      book('baobab', 'post', PEER['baobab:acacia'], OWN)
      answer(first)
    },
    message: /^P1: packet 1 .*: baobab wrote the Fulfill with 0 of 1 credited to cedar$/
  },
  {
    what: 'a fulfillment that is not of the condition',
    history: () => {
      const [, second] = onItsWay()
      cedar()
      answer(second, undefined, { fulfillment: '22'.repeat(32) })
    },
    message: /^P1: packet 2 .*: the fulfillment that cedar wrote is not of the condition$/
  },
  {
    what: 'upstream posts what downstream has not',
    history: () => {
      onItsWay()
      baobab('post')
    },
    message: /^P2: link 1 from baobab to cedar: baobab posted 1 packets of 50, cedar 0$/
  },
  {
    what: 'an orphan without a cause: the Fulfill came in time and was not posted',
    history: () => {
      const [first, second] = onItsWay()
      cedar()
      answer(second)
      baobab('void')
      answer(first, 'T00')
      acacia('void')
    },
    message:
      /^P3: link 1 from baobab to cedar, packets of 50: cedar posted 1, baobab 0; 1 Fulfills arrived in time, and nothing kept baobab from posting$/
  },
  {
    what: 'more orphans than packets with a cause',
    history: () => {
      const [, second] = onItsWay()
      const [, fourth] = onItsWay(OTHER_FULFILLMENT)
      cedar()
      law.wire({ kind: 'lost', exchange: second, ...moment() })
      cedar()
      answer(fourth, undefined, { fulfillment: OTHER_FULFILLMENT })
    },
    message: /^P3: link 1 .*; of 2 orphans 1 have a cause \(connection cut\)$/
  },
  {
    what: 'an orphan where nothing had gone wrong',
    history: () => {
      onItsWay()
      cedar()
    },
    faultless: true,
    message: /^P3: link 1 .*: cedar posted 1, baobab 0, and nothing had gone wrong$/
  },
  {
    what: 'a Reject for a packet that is posted',
    history: () => {
      const [, second] = onItsWay()
      cedar()
      answer(second, 'T00')
    },
    message:
      /^P5: packet 2 .*: answered Reject T00, and cedar has posted 1 of 50 from baobab: 0 are fulfilled, 0 undecided$/
  },
  {
    what: 'a packet that is posted twice',
    history: () => {
      const [, second] = onItsWay()
      cedar()
      answer(second)
      cedar()
    },
    message:
      /^P5: cedar posted a packet of 50, and cedar has posted 2 of 50 from baobab: 1 are fulfilled, 0 undecided$/
  },
  {
    what: 'a Fulfill after a Reject',
    history: () => {
      const [, second] = onItsWay()
      answer(second, 'T00')
      cedar()
      answer(second)
    },
    message: /^P5: packet 2 .*: cedar answered it Reject T00 and then Fulfill$/
  },
  {
    what: 'a Prepare that is sent twice',
    history: () => {
      onItsWay()
      baobab('pending')
      prepare(HOP_2, { expiresAtMs: EXPIRES_MS - 1_000 })
    },
    message: /^sent once: packet 3 .*: baobab sent it 2 times$/
  },
  {
    what: 'an expiry that is not reduced',
    history: () => {
      acacia('pending')
      prepare(HOP_1)
      baobab('pending')
      prepare(HOP_2)
    },
    message: /^expiry reduced: packet 2 .*: baobab sent it on with 1000 ms more than it may have$/
  },
  {
    what: 'a Prepare that is sent on without a reservation',
    history: () => {
      acacia('pending')
      prepare(HOP_1)
      prepare(HOP_2, { expiresAtMs: EXPIRES_MS - 1_000 })
    },
    message: /^reserved before sent: packet 2 .*: baobab has reserved 0 of 1$/
  }
]

describe('broken histories are found', () => {
  test.each(BROKEN)('$what', ({ history, message, faultless = false }) => {
    history()
    law.settle({ faultless })
    expect(
      found().some((one) => message.test(one)),
      found().join('\n')
    ).toBe(true)
  })
})
