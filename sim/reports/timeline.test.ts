import { expect, test } from 'vitest'
import { uuidToId } from '../../node/runtime/index.ts'
import { TransferCode } from '../../node/ledger/index.ts'
import type { WireEvent } from '../wire/model.ts'
import { drawTimeline } from './timeline-svg.ts'
import { createTimeline, MAX_BALANCE_POINTS } from './timeline.ts'

const PEER = '11111111-1111-4111-8111-111111111111'

/** Acacia, whose one customer is alice, and baobab. */
function drawn(maxRows: number) {
  let nowMs = 1_000
  const account = { walletAddress: 'alice', balance: 100n }
  const listeners: (() => void)[] = []
  const accounts = { all: () => [account] as never }
  const wallet = { accounts, onEvent: (listener: () => void) => (listeners.push(listener), () => undefined) }
  const timeline = createTimeline(
    {
      nodes: [
        { name: 'acacia', peers: [{ id: PEER, link: 0, with: 'baobab' }] },
        { name: 'baobab', peers: [] }
      ],
      wallets: new Map([['acacia', wallet as never]]),
      runtime: { clock: { nowMs: () => nowMs } }
    },
    maxRows
  )
  const startMs = nowMs
  const at = (atMs: number) => ({ atMs: startMs + atMs, clockMs: startMs + atMs })

  return {
    ...{ timeline, account },
    pass: (durationMs: number) => void (nowMs += durationMs),
    told: () => listeners.forEach((listener) => listener()),
    wire: (atMs: number, event: Record<string, unknown>) =>
      timeline.wire({ ...at(atMs), ...event } as unknown as WireEvent),
    prepare(atMs: number, exchange: number) {
      const what = { kind: 'prepare', exchange, from: 'acacia', to: 'baobab', amount: 50n, transport: 'btp' }
      const rest = {
        link: 0,
        condition: 'ab'.repeat(32),
        destination: 'test.baobab',
        expiresAtMs: startMs + 30_000
      }
      timeline.wire({ ...at(atMs), ...what, ...rest } as WireEvent)
    }
  }
}

test('a Prepare and its answer are two messages, with when each arrived; what is lost did not', () => {
  const { timeline, prepare, wire } = drawn(10)
  prepare(1, 1)
  wire(2, { kind: 'prepareArrived', exchange: 1 })
  prepare(3, 2)
  wire(4, { kind: 'answer', exchange: 1, answer: { type: 'fulfill', fulfillment: 'cd'.repeat(32) } })
  wire(5, { kind: 'answerArrived', exchange: 1 })
  wire(6, { kind: 'lost', exchange: 2 })
  expect(
    timeline
      .timeline()
      .rows.map(({ atMs, from, text, tone, arrivedAtMs }) => [atMs, from, text, tone, arrivedAtMs])
  ).toEqual([
    [1, 'acacia', '#1 Prepare 50', 'ask', 2],
    [3, 'acacia', '#2 Prepare 50', 'ask', null],
    [4, 'baobab', '#1 Fulfill', 'good', 5]
  ])
})

test('of a long run the beginning and, more of it, the end are kept; the drawing says what is left out, and where', () => {
  const { timeline, prepare } = drawn(30)
  for (let exchange = 1; exchange <= 1_000; exchange++) prepare(exchange, exchange)
  const kept = timeline.timeline()
  expect(kept.rows.map(({ atMs }) => atMs)).toEqual([
    ...Array.from({ length: 10 }, (_, index) => index + 1),
    ...Array.from({ length: 20 }, (_, index) => 981 + index)
  ])
  expect(kept).toMatchObject({ dropped: 970, droppedBefore: 10 })
  const texts = drawTimeline(kept, []).flatMap(({ svg }) =>
    [...svg.matchAll(/>(#\d+ Prepare|\d+ messages)[^<]*<\/text>/g)].map(([, text]) => text)
  )
  expect(texts.slice(9, 12)).toEqual(['#10 Prepare', '970 messages', '#981 Prepare'])
})

test('balances: of customers when a wallet hears of something and at the end, of peers as they are booked', () => {
  const { timeline, account, pass, told } = drawn(10)
  const transfer = { amount: 30n, code: TransferCode.TRANSFER, flags: {} } as never as object
  const booked = (debitAccountId: bigint, creditAccountId: bigint, flags = {}) =>
    timeline.booked('acacia', { ...transfer, debitAccountId, creditAccountId, flags } as never)
  pass(5)
  account.balance = 70n
  told()
  told()
  booked(1n, uuidToId(PEER), { pending: true })
  booked(1n, uuidToId(PEER), { postPending: true })
  booked(uuidToId(PEER), 1n, { voidPending: true })
  pass(5)
  account.balance = 60n
  expect(timeline.timeline().balances).toEqual([
    { account: 'acacia: peer baobab', points: [[5, '30']] },
    {
      account: 'alice@acacia',
      points: [
        [0, '100'],
        [5, '70'],
        [10, '60']
      ]
    }
  ])
})

test('a balance that changes often is thinned: it begins and ends as it did', () => {
  const { timeline, account, pass, told } = drawn(10)
  for (let change = 0; change < 10 * MAX_BALANCE_POINTS; change++) {
    pass(1)
    account.balance += 1n
    told()
  }
  const points = timeline.timeline().balances.find(({ account: name }) => name === 'alice@acacia')!.points
  expect(points.length).toBeLessThanOrEqual(MAX_BALANCE_POINTS)
  expect(points[0]).toEqual([0, '100'])
  expect(points.at(-1)).toEqual([10 * MAX_BALANCE_POINTS, String(100 + 10 * MAX_BALANCE_POINTS)])
})
