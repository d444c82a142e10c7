import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { floorTimes } from '../../ilp/index.ts'
import { until } from '../testing.ts'
import { CLOCK_SKEW_MS } from './lease.ts'
import { accountBalance, createPaymentsLab } from './payments-lab.test-support.ts'
import type { TestNode } from './node-process.test-support.ts'
import type { PaymentRow, PaymentsLab } from './payments-lab.test-support.ts'
import { MAX_PACKET_LIFETIME_MS, PACKET_LIFETIME_MS } from './settlement.ts'

/** A process dies in the middle of a payment; another takes it over. */
describe('resuming a payment after its process died', () => {
  let lab: PaymentsLab
  let node: TestNode

  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
  })
  afterAll(() => lab.close())
  afterEach(() => lab.stopNodes())
  beforeEach(async () => {
    lab.remote.maxPacketAmount = 10n
    lab.remote.fate = () => 'answer'
    lab.remote.totals = 'connections'
    lab.remote.packets.length = 0
    node = lab.createNode()
    await node.start()
  })

  /** Pays 1,000 EUR cents in about 100 packets, and kills the process at the packet with this number. */
  async function payAndKill(
    killAt: number,
    fateOfTheRest: 'lostBefore' | 'lostAfter',
    terms: { incomingAmount?: bigint; received?: bigint } = { incomingAmount: 1_000n }
  ) {
    const url = lab.remote.createPayment(terms)
    const payment = await lab.create(node, url, { receive: 1_000n })
    let packets = 0
    lab.remote.fate = () => {
      if (++packets === killAt) node.kill()
      return packets < killAt ? 'answer' : fateOfTheRest
    }
    await lab.fund(node, payment)
    await until(() => packets >= killAt)
    lab.remote.fate = () => 'answer'
    const next = lab.createNode()
    await next.start()
    return { url, payment, next }
  }

  async function expectCompleted(
    { url, payment }: Awaited<ReturnType<typeof payAndKill>>,
    ended: PaymentRow
  ): Promise<void> {
    const { quote } = payment
    expect(ended).toMatchObject({ state: 'COMPLETED', error: null })
    const received = lab.remote.received(url)
    expect(received >= quote.receiveAmount.value).toBe(true)
    expect(ended.deliveredAmountValue).toBe(received)
    expect(ended.sentAmountValue! <= quote.debitAmountMinusFees).toBe(true)
    expect(floorTimes(ended.sentAmountValue!, quote.ilp!.minRate) <= received).toBe(true)
    expect(await accountBalance(lab, payment.id)).toBe(quote.debitAmount.value - ended.sentAmountValue!)
    expect(await lab.audit()).toEqual([])
  }

  it.each([
    ['had arrived', 'lostAfter'],
    ['had not arrived', 'lostBefore']
  ] as const)('pays exactly what was promised when the packets in flight %s', async (_what, fate) => {
    let carried = await lab.peerBalance()
    for (const killAt of [1, 17, 60, 100]) {
      lab.remote.packets.length = 0
      const killed = await payAndKill(killAt, fate)
      const ended = await lab.ended(killed.payment.id, { advance: true })
      await expectCompleted(killed, ended)
      expect(lab.remote.received(killed.url)).toBe(1_000n)
      // Whatever arrived is booked, and nothing else: the peer is owed what it can show.
      carried += lab.remote.packets.reduce((sum, { amount }) => sum + amount, 0n)
      expect(await lab.peerBalance()).toBe(carried)
      node = killed.next
    }
  })

  it.each([
    ['arrived', 'lostAfter'],
    ['had not arrived', 'lostBefore']
  ] as const)(
    'knows exactly what %s while payers on other nodes pay the same receiver, before and meanwhile',
    async (_what, fate) => {
      const carried = await lab.peerBalance()
      for (const terms of [{ received: 70n }, {}]) {
        const killed = await payAndKill(30, fate, terms)
        lab.remote.receiveFromOthers(killed.url, 40n)
        const ended = await lab.ended(killed.payment.id, { advance: true })
        expect(ended).toMatchObject({ state: 'COMPLETED' })
        expect(ended.deliveredAmountValue).toBe(
          lab.remote.received(killed.url) - (terms.received ?? 0n) - 40n
        )
        expect(ended.deliveredAmountValue).toBe(1_000n)
        node = killed.next
      }
      const all = lab.remote.packets.reduce((sum, { amount }) => sum + amount, 0n)
      expect((await lab.peerBalance()) - carried).toBe(all)
      expect(await lab.audit()).toEqual([])
    }
  )

  it.each(['payments', 'forgotten'] as const)(
    'does not debit the payer on a guess when others pay a receiver whose totals are of %s',
    async (totals) => {
      lab.remote.totals = totals
      const killed = await payAndKill(30, 'lostAfter', { received: 70n })
      lab.remote.receiveFromOthers(killed.url, 40n)
      const ended = await lab.ended(killed.payment.id, { advance: true })
      expect(ended).toMatchObject({ state: 'COMPLETED' })
      expect(ended.sentAmountValue! <= killed.payment.quote.debitAmountMinusFees).toBe(true)
      // What was in flight is not debited, and sent again: the receiver has at least what was promised.
      expect(lab.remote.received(killed.url) - 110n > ended.deliveredAmountValue!).toBe(true)
      expect(await lab.audit()).toEqual([])
    }
  )

  /** When the first packet after the kill is sent. */
  function watchGoingOn() {
    const watch = { atMs: Infinity }
    lab.remote.fate = () => {
      watch.atMs = Math.min(watch.atMs, lab.clock.nowMs())
      return 'answer'
    }
    return watch
  }

  /**
   * Passes time until the next process may take the payment over, and waits for what it does then. Time stands
   * meanwhile: where the database is slow it would overtake what is looked at.
   */
  async function untilTakenOver(id: string, isDone: () => boolean | Promise<boolean>): Promise<void> {
    await until(async () => {
      const { leaseEpoch, processAt } = await lab.row(id)
      const waitMs = leaseEpoch === 1 && processAt ? processAt.getTime() - lab.clock.nowMs() : 0
      await lab.clock.advance(Math.max(0, waitMs))
      return isDone()
    })
  }

  /** The next process has looked at the payment and let go of it: it has to wait. */
  async function isReleased(id: string): Promise<boolean> {
    const { leaseEpoch, leaseOwner } = await lab.row(id)
    return leaseEpoch === 2 && leaseOwner === null
  }

  it('goes on when the life of its packets and the skew of clocks are over', async () => {
    const killed = await payAndKill(17, 'lostAfter')
    const killedAtMs = lab.clock.nowMs()
    const goesOn = watchGoingOn()
    await untilTakenOver(killed.payment.id, () => goesOn.atMs < Infinity)
    expect(goesOn.atMs).toBeGreaterThanOrEqual(killedAtMs + PACKET_LIFETIME_MS + CLOCK_SKEW_MS)
    expect(goesOn.atMs).toBeLessThan(killedAtMs + MAX_PACKET_LIFETIME_MS + CLOCK_SKEW_MS)
    await expectCompleted(killed, await lab.ended(killed.payment.id, { advance: true }))
  })

  it('looks at a payment again when its wait is over, whatever else was due first', async () => {
    const killed = await payAndKill(17, 'lostAfter')
    const { id } = killed.payment
    // The wait ends after the first takeover, and before the lease that this took would have run out.
    await lab.database
      .knex('outgoingPaymentAttempts')
      .where({ outgoingPaymentId: id })
      .update({ packetLifetimeMs: 15_000 })
    await untilTakenOver(id, () => isReleased(id))
    const { processAt } = await lab.row(id)
    if (processAt) await lab.clock.advance(Math.max(0, processAt.getTime() - lab.clock.nowMs()))
    await until(async () => {
      // Time stands: only what is due now runs, also where its timer is set after the row was seen.
      await lab.clock.advance(0)
      return (await lab.row(id)).leaseEpoch >= 3
    })
    await expectCompleted(killed, await lab.ended(id, { advance: true }))
  })

  it('waits for longer where its packets were given a longer life', async () => {
    const killed = await payAndKill(17, 'lostAfter')
    const goesOnAtMs = lab.clock.nowMs() + MAX_PACKET_LIFETIME_MS + CLOCK_SKEW_MS
    const { id } = killed.payment
    await lab.database
      .knex('outgoingPaymentAttempts')
      .where({ outgoingPaymentId: id })
      .update({ packetLifetimeMs: MAX_PACKET_LIFETIME_MS })
    await untilTakenOver(id, () => isReleased(id))
    expect((await lab.row(id)).processAt?.getTime()).toBe(goesOnAtMs)
    const goesOn = watchGoingOn()
    await expectCompleted(killed, await lab.ended(id, { advance: true }))
    expect(goesOn.atMs).toBeGreaterThanOrEqual(goesOnAtMs)
  })

  it('settles lost answers of a process that lives, before it decides anything', async () => {
    const url = lab.remote.createPayment({ incomingAmount: 1_000n })
    const payment = await lab.create(node, url)
    let packets = 0
    lab.remote.fate = () => ([5, 9].includes(++packets) ? 'lostAfter' : 'answer')
    await lab.fund(node, payment)
    const ended = await lab.ended(payment.id, { advance: true })
    expect(ended).toMatchObject({ state: 'COMPLETED', deliveredAmountValue: 1_000n })
    expect(lab.remote.received(url)).toBe(1_000n)
    expect(await lab.audit()).toEqual([])
  })

  it('gives a payment to the next process at once when its process stops in order', async () => {
    const url = lab.remote.createPayment({ incomingAmount: 1_000n })
    const payment = await lab.create(node, url)
    let packets = 0
    let stopping: Promise<void> | undefined
    lab.remote.fate = () => {
      if (++packets === 5) stopping = node.stop()
      return 'answer'
    }
    await lab.fund(node, payment)
    await until(() => stopping !== undefined)
    await stopping
    expect(await lab.row(payment.id)).toMatchObject({ state: 'SENDING', leaseOwner: null })
    const next = lab.createNode()
    await next.start()
    expect(await lab.ended(payment.id)).toMatchObject({ state: 'COMPLETED', leaseEpoch: 2 })
    expect(lab.remote.received(url)).toBe(1_000n)
    expect(await lab.audit()).toEqual([])
  })
})
