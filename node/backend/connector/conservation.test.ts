import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createReject, decodePrepare, encodeReply, isPacketError } from '../../ilp/index.ts'
import type { IlpPrepare, IlpReply } from '../../ilp/index.ts'
import { createManualClock } from '../../runtime/index.ts'
import type { ManualClock } from '../../runtime/index.ts'
import type { Peer } from '../peers/model.ts'
import { pipeline } from './pipeline.ts'
import type { Step } from './step.ts'
import type { Transport, TransportOutcome } from './transport.ts'
import { createTestNode, createTestPayer, fulfillOf } from './connector.test-support.ts'
import type { TestNode } from './connector.test-support.ts'
import { createScriptedTransport } from './faults.test-support.ts'
import type { WriterFault } from './faults.test-support.ts'

// payer ──▶ acacia ──link──▶ baobab ──▶ account. Both nodes keep books; the payer remembers what it was told.
// The link and both ledgers fail at random; what must hold whatever happens is checked at the end.

/** What happens to one packet on the link. */
interface LinkFault {
  kind: 'none' | 'notSent' | 'lostBefore' | 'lostAfter' | 'reject' | 'wrongFulfillment'
  requestDelayMs: number
  answerDelayMs: number
}

interface History {
  packets: { startMs: number; lifetimeMs: number; link: LinkFault }[]
  acaciaFaults: (WriterFault | undefined)[]
  baobabFaults: (WriterFault | undefined)[]
  rate: { numerator: bigint; denominator: bigint }
}

const writerFault = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom<WriterFault>('before', 'after', 'busy') },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 15_000 }).map((delayMs) => ({ delayMs })) }
)

const delay = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 12_000 }) }
)

const history: fc.Arbitrary<History> = fc.record({
  packets: fc.array(
    fc.record({
      startMs: fc.integer({ min: 0, max: 2_000 }),
      lifetimeMs: fc.integer({ min: 1_500, max: 12_000 }),
      link: fc.record({
        kind: fc.oneof(
          { weight: 4, arbitrary: fc.constant('none' as const) },
          {
            weight: 3,
            arbitrary: fc.constantFrom(
              'notSent' as const,
              'lostBefore' as const,
              'lostAfter' as const,
              'reject' as const,
              'wrongFulfillment' as const
            )
          }
        ),
        requestDelayMs: delay,
        answerDelayMs: delay
      })
    }),
    { minLength: 1, maxLength: 6 }
  ),
  acaciaFaults: fc.array(writerFault, { maxLength: 12 }),
  baobabFaults: fc.array(writerFault, { maxLength: 12 }),
  rate: fc.record({
    numerator: fc.bigInt({ min: 1n, max: 400n }),
    denominator: fc.bigInt({ min: 1n, max: 100n })
  })
})

const FAULTLESS: LinkFault = { kind: 'none', requestDelayMs: 40, answerDelayMs: 40 }
const FIRST_AMOUNT = 1_000n
/** When every packet has started and its lifetime is over. */
const LAST_ANSWER_MS = 2_000 + 12_000 + 1
/** Beyond every lifetime, delay, reservation timeout and retry. */
const QUIESCENCE_MS = 300_000

interface PacketRecord {
  amount: bigint
  condition: string
  answer: IlpReply | undefined
  /** The payer's account at acacia when the answer came. */
  postedWhenAnswered: boolean
  answeredAtMs: number
}

interface Outcome {
  acacia: TestNode
  baobab: TestNode
  /** Of each node, when it had settled all packets. */
  leftReserved: number[]
  packets: (PacketRecord & { postedAtAcacia: boolean; postedAtBaobab: boolean })[]
}

async function play(history: History, steps: readonly Step[] = pipeline): Promise<Outcome> {
  const clock = createManualClock()
  const farEnd: { node?: TestNode; peer?: Peer } = {}
  const transport = createLink(clock, (prepare) => farEnd.node!.connector.handle(farEnd.peer!, prepare))
  const acacia = createTestNode({ name: 'acacia', clock, transport, override: { steps } })
  const baobab = createTestNode({
    name: 'baobab',
    clock,
    transport: createScriptedTransport(),
    override: { steps }
  })

  const usd = await acacia.addAsset('USD', 2, 0n)
  const eur = await acacia.addAsset('EUR', 2, 1_000_000_000n)
  const payer = await acacia.addPeer('payer', usd, { balance: 1_000_000n })
  await acacia.addPeer('baobab', eur)
  acacia.rates.set('USD/2>EUR/2', history.rate)
  const link = await baobab.addAsset('EUR', 2, 0n)
  const gbp = await baobab.addAsset('GBP', 2, 1_000_000_000n)
  const acaciaAtBaobab = await baobab.addPeer('acacia', link, { balance: 1_000_000_000n })
  baobab.rates.set('EUR/2>GBP/2', { numerator: 3n, denominator: 1n })
  const target = await baobab.addTarget(gbp)
  farEnd.node = baobab
  farEnd.peer = acaciaAtBaobab
  const stream = createTestPayer(baobab, target, clock)

  acacia.writer.fault = inOrder(history.acaciaFaults)
  baobab.writer.fault = inOrder(history.baobabFaults)

  const records: PacketRecord[] = []
  for (const [index, packet] of [...history.packets.entries()].sort(
    ([, a], [, b]) => a.startMs - b.startMs
  )) {
    const amount = FIRST_AMOUNT + BigInt(index) * 500n
    clock.setTimer(packet.startMs, () => {
      const prepare = stream.prepare(amount, { expiresAtMs: clock.nowMs() + packet.lifetimeMs })
      const record: PacketRecord = {
        amount,
        condition: prepare.executionCondition.toString('hex'),
        answer: undefined,
        postedWhenAnswered: false,
        answeredAtMs: 0
      }
      records.push(record)
      transport.faults.set(record.condition, packet.link)
      void acacia.connector.handle(payer, prepare).then(async (answer) => {
        record.answer = answer
        record.answeredAtMs = clock.nowMs()
        record.postedWhenAnswered = (await postedAmounts(acacia, payer.id)).has(amount)
      })
    })
  }
  await clock.advance(LAST_ANSWER_MS)
  // A node that has settled everything holds no reservation: not one waits for the ledger's timeout.
  const leftReserved: number[] = []
  for (const node of [acacia, baobab]) {
    void node.connector.stop(QUIESCENCE_MS).then(async () => leftReserved.push(await node.pendingCount()))
  }
  await clock.advance(QUIESCENCE_MS)

  const atAcacia = await postedAmounts(acacia, payer.id)
  const atBaobab = await postedAmounts(baobab, acaciaAtBaobab.id)
  return {
    acacia,
    baobab,
    leftReserved,
    packets: records.map((record) => ({
      ...record,
      postedAtAcacia: atAcacia.has(record.amount),
      postedAtBaobab: atBaobab.has((record.amount * history.rate.numerator) / history.rate.denominator)
    }))
  }
}

function inOrder(faults: readonly (WriterFault | undefined)[]): () => WriterFault | undefined {
  const left = [...faults]
  return () => left.shift()
}

/** The amounts that an account was debited with, posted. Amounts of the packets differ, so they name packets. */
async function postedAmounts(node: TestNode, peerId: string): Promise<Set<bigint>> {
  const accountId = BigInt(`0x${peerId.replaceAll('-', '')}`)
  const transfers = await node.ledger.queryTransfers({ accountId, side: 'debit', limit: 1_000 })
  const isPosted = ({ flags }: (typeof transfers)[number]) => !flags.pending && !flags.voidPending
  const amounts = new Map(transfers.map(({ id, amount }) => [id, amount]))
  return new Set(transfers.filter(isPosted).map(({ amount, pendingId }) => amounts.get(pendingId) ?? amount))
}

/** A wire that delays, breaks and lies as told. */
function createLink(
  clock: ManualClock,
  handle: (prepare: IlpPrepare) => Promise<IlpReply>
): Transport & { faults: Map<string, LinkFault> } {
  const faults = new Map<string, LinkFault>()
  return {
    faults,
    async send(_peer, bytes, { giveUpAtMs }) {
      const prepare = decodePrepare(bytes)
      if (isPacketError(prepare)) throw new Error(prepare.reason)
      const fault = faults.get(prepare.executionCondition.toString('hex')) ?? FAULTLESS
      const lost: TransportOutcome = { kind: 'lost', code: 'T01', reason: 'reset' }
      const exchange = async (): Promise<TransportOutcome> => {
        if (fault.kind === 'notSent') return { kind: 'notSent', code: 'T01', reason: 'refused' }
        await clock.sleep(fault.requestDelayMs)
        if (fault.kind === 'lostBefore') return lost
        const answer = (reply: IlpReply): TransportOutcome => ({ kind: 'answer', bytes: encodeReply(reply) })
        if (fault.kind === 'reject') return answer(createReject('T04', { triggeredBy: 'test.baobab' }))
        if (fault.kind === 'wrongFulfillment') return answer(fulfillOf(0))
        const reply = await handle(prepare)
        await clock.sleep(fault.answerDelayMs)
        return fault.kind === 'lostAfter' ? lost : answer(reply)
      }
      const gaveUp = clock.sleep(giveUpAtMs - clock.nowMs()).then(() => lost)
      return Promise.race([exchange(), gaveUp])
    },
    close: async () => undefined
  }
}

/** What must hold in every history. */
async function check({ acacia, baobab, leftReserved, packets }: Outcome): Promise<void> {
  for (const node of [acacia, baobab]) {
    await node.audit()
    expect(await node.pendingCount(), 'reservations left').toBe(0)
  }
  expect(leftReserved, 'reservations left when all is settled').toEqual([0, 0])
  const downstream = new Set(
    acacia.connector.orphans
      .list()
      .filter(({ direction }) => direction === 'downstream')
      .map(({ condition }) => condition)
  )
  const upstreamOf = (node: TestNode) =>
    new Set(
      node.connector.orphans
        .list()
        .filter(({ direction }) => direction === 'upstream')
        .map(({ condition }) => condition)
    )
  for (const packet of packets) {
    const { answer, condition, postedAtAcacia, postedAtBaobab } = packet
    expect(answer, 'every packet is answered').toBeDefined()
    if (answer!.type === 'fulfill') {
      expect(packet.postedWhenAnswered, 'P1: posted before the Fulfill goes upstream').toBe(true)
    }
    if (postedAtAcacia) expect(postedAtBaobab, 'P2: the nodes that posted are a suffix').toBe(true)
    if (postedAtBaobab && !postedAtAcacia) {
      const isListed = downstream.has(condition) || upstreamOf(baobab).has(condition)
      expect(isListed, 'P3: an orphan of the link has a logged cause').toBe(true)
    }
    if (postedAtAcacia && answer!.type === 'reject') {
      const listed = acacia.connector.orphans
        .list()
        .find((orphan) => orphan.direction === 'upstream' && orphan.condition === condition)
      expect(listed, "P3: the payer's link").toBeDefined()
      expect(listed!.atMs, 'P5: no Reject for a packet known to be posted').toBeGreaterThanOrEqual(
        packet.answeredAtMs
      )
    }
  }
}

const property = (steps?: readonly Step[]) =>
  fc.asyncProperty(history, async (lived) => check(await play(lived, steps)))

describe('whatever breaks', () => {
  it('no Fulfill without posted legs, no reservation left, no orphan without a cause', async () => {
    await fc.assert(property(), { numRuns: 120 })
  }, 60_000)

  it('without faults every packet is fulfilled and there is no orphan', async () => {
    const packets = Array.from({ length: 20 }, (_, index) => ({
      startMs: index * 7,
      lifetimeMs: 5_000,
      link: FAULTLESS
    }))
    const lived: History = {
      packets,
      acaciaFaults: [],
      baobabFaults: [],
      rate: { numerator: 91n, denominator: 100n }
    }
    const outcome = await play(lived)
    await check(outcome)
    expect(outcome.packets.every(({ answer }) => answer?.type === 'fulfill')).toBe(true)
    expect(outcome.acacia.connector.orphans.list()).toEqual([])
    expect(outcome.baobab.connector.orphans.list()).toEqual([])
  })
})

// The properties above are worth what they catch.
describe('planted defects are found', () => {
  const replace = (name: string, change: (step: Step) => Step): readonly Step[] => {
    expect(pipeline.some((step) => step.name === name)).toBe(true)
    return pipeline.map((step) => (step.name === name ? change(step) : step))
  }

  it.each<[string, () => readonly Step[]]>([
    [
      'the Fulfill goes upstream without waiting for the ledger',
      () =>
        replace('posting', (step) => ({
          ...step,
          run(packet, context) {
            void Promise.resolve(step.run(packet, context))
            return packet.exchange?.kind === 'reply' ? packet.exchange.reply : undefined
          }
        }))
    ],
    [
      'the error of a post is ignored',
      () =>
        replace('posting', (step) => ({
          ...step,
          run: async (packet, context) => {
            const answer = await step.run(packet, context)
            return packet.exchange?.kind === 'reply' ? packet.exchange.reply : answer
          }
        }))
    ],
    [
      'reservations are not voided',
      () =>
        replace('reservation', (step) => ({ name: step.name, clause: step.clause, codes: [], run: step.run }))
    ],
    [
      'the fulfillment is not checked',
      () =>
        replace('answer', (step) => ({
          ...step,
          run: (packet, context) =>
            packet.exchange?.kind === 'reply' && packet.exchange.reply.type === 'fulfill'
              ? undefined
              : step.run(packet, context)
        }))
    ],
    [
      'a packet is reported posted late and not listed',
      () =>
        replace('posting', (step) => ({
          ...step,
          run: (packet, context) =>
            step.run(packet, { ...context, orphans: { ...context.orphans, record: () => undefined } })
        }))
    ]
  ])(
    '%s',
    async (_name, steps) => {
      const planted = steps()
      await expect(fc.assert(property(planted), { numRuns: 400, endOnFailure: true })).rejects.toThrow()
    },
    60_000
  )
})
