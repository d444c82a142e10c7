import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { uuidToId } from '../../runtime/index.ts'
import { MAX_AMOUNT, TransferCode } from '../../ledger/index.ts'
import { isFailure } from '../model.ts'
import { TENANT_ID } from '../outgoing-payments/payments-ground.test-support.ts'
import { createPaymentsLab } from '../outgoing-payments/payments-lab.test-support.ts'
import type { TestNode } from '../outgoing-payments/node-process.test-support.ts'
import type { PaymentsLab } from '../outgoing-payments/payments-lab.test-support.ts'
import { until } from '../testing.ts'
import type { DeliveryTarget } from './model.ts'
import { SETTLE_DELAY_MS } from './progress.ts'

const DAY_MS = 86_400_000

describe('incoming payments', () => {
  let lab: PaymentsLab
  let node: TestNode

  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
  })
  afterAll(() => lab.close())
  beforeEach(async () => {
    node = lab.createNode()
    await node.start()
  })
  afterEach(() => lab.stopNodes())

  async function stateOf(id: string): Promise<string | undefined> {
    return (await node.incomingPayments.get(id))?.state
  }

  /** When the event of a closed payment is written. */
  async function dueMsOf(id: string): Promise<number> {
    const { rows } = await lab.database.knex.raw<{ rows: { processAt: Date | null }[] }>(
      'SELECT "processAt" FROM "incomingPayments" WHERE id = ?',
      [id]
    )
    return rows[0]?.processAt?.getTime() ?? 0
  }

  async function targetOf(id: string, of = node): Promise<DeliveryTarget> {
    const target = await of.incomingPayments.targets.resolve(id)
    if (!target) throw new Error(`nothing is delivered to ${id}`)
    return target
  }

  async function book(id: string, amount: bigint): Promise<void> {
    const [result] = await lab.ledger.createTransfers([
      {
        id: lab.test.random.orderedId(),
        // The settlement account, which gives any amount.
        debitAccountId: BigInt(lab.eur.ledger),
        creditAccountId: uuidToId(id),
        amount,
        ledger: lab.eur.ledger,
        code: TransferCode.TRANSFER
      }
    ])
    expect(result).toBe('ok')
  }

  /** What the connector does with a packet. */
  async function deliver(target: DeliveryTarget, amount: bigint) {
    const admission = target.admit(amount)
    if (admission !== 'admitted') return admission
    await book(target.id, amount)
    target.posted(amount)
    return admission
  }

  /**
   * Lets half of the delay pass once the booking process has put the event off and sleeps until the next time.
   * Time that went on earlier would overtake that process: the event would be due before it is put off again.
   */
  async function passWhileEventIsPutOff(id: string): Promise<void> {
    await until(async () => {
      const nowMs = lab.clock.nowMs()
      const nextTimerMs = lab.clock.nextTimerMs() ?? Infinity
      return (await dueMsOf(id)) === nowMs + SETTLE_DELAY_MS && nextTimerMs <= nowMs + SETTLE_DELAY_MS / 2
    })
    await lab.clock.advance(SETTLE_DELAY_MS / 2)
  }

  async function untilEvents(id: string, count: number) {
    await until(async () => {
      await lab.passTime()
      return (await lab.events(id)).length >= count
    })
    return lab.events(id)
  }

  it('takes money until its amount is reached, and tells the wallet once', async () => {
    const { id } = await lab.createLocalPayment(node, 100n)
    const target = await targetOf(id)
    expect(await deliver(target, 60n)).toBe('admitted')
    await until(async () => (await stateOf(id)) === 'PROCESSING')
    expect(target.received).toBe(60n)
    expect(await deliver(target, 60n)).toBe('admitted')
    expect(await deliver(target, 1n)).not.toBe('admitted')
    await until(async () => (await stateOf(id)) === 'COMPLETED')
    const events = await untilEvents(id, 2)
    expect(events[1]).toMatchObject({
      type: 'incoming_payment.completed',
      withdrawalAmount: 120n,
      data: { completed: true, receivedAmount: { value: '120', assetCode: 'EUR', assetScale: 2 } }
    })
    await lab.clock.advance(60_000)
    expect((await lab.events(id)).length).toBe(2)
    expect(await node.incomingPayments.complete(id)).toMatchObject({ failure: 'WrongState' })
  })

  it('admits no more than one packet beyond its amount, however many are being booked', async () => {
    const { id } = await lab.createLocalPayment(node, 100n)
    const target = await targetOf(id)
    expect(target.admit(70n)).toBe('admitted')
    expect(target.admit(70n)).toBe('admitted')
    expect(target.admit(1n)).toBe('full')
    target.released(70n)
    expect(target.admit(40n)).toBe('admitted')
    expect(target.admit(1n)).toBe('full')
    target.released(70n)
    target.released(40n)
    expect(target.received).toBe(0n)
  })

  it('admits no more than its wallet can withdraw by one transfer', async () => {
    const { id } = await lab.createLocalPayment(node)
    const target = await targetOf(id)
    expect(target.admit(MAX_AMOUNT - 5n)).toBe('admitted')
    expect(target.admit(6n)).toBe('full')
    await book(id, MAX_AMOUNT - 5n)
    target.posted(MAX_AMOUNT - 5n)
    expect(target.admit(6n)).toBe('full')
    expect(await deliver(target, 5n)).toBe('admitted')
    await node.incomingPayments.complete(id, TENANT_ID)
    const events = await untilEvents(id, 2)
    expect(events[1]).toMatchObject({ withdrawalAmount: MAX_AMOUNT })
  })

  it('announces what one transfer moves, where processes together took more', async () => {
    const { id } = await lab.createLocalPayment(node)
    const target = await targetOf(id)
    await deliver(target, MAX_AMOUNT - 1n)
    await book(id, 3n)
    await node.incomingPayments.complete(id, TENANT_ID)
    const events = await untilEvents(id, 2)
    expect(events[1]).toMatchObject({
      withdrawalAmount: MAX_AMOUNT,
      data: { receivedAmount: { value: (MAX_AMOUNT + 2n).toString() } }
    })
  })

  it('waits with the event for what is still being booked when it is completed', async () => {
    const { id } = await lab.createLocalPayment(node)
    const target = await targetOf(id)
    await deliver(target, 5n)
    expect(target.admit(7n)).toBe('admitted')
    const completed = await node.incomingPayments.complete(id, TENANT_ID)
    expect(isFailure(completed)).toBe(false)
    expect(target.admit(1n)).toBe('closed')
    for (let step = 0; step < 10; step++) await passWhileEventIsPutOff(id)
    expect((await lab.events(id)).length).toBe(1)
    await book(id, 7n)
    target.posted(7n)
    const events = await untilEvents(id, 2)
    expect(events[1]).toMatchObject({ type: 'incoming_payment.completed', withdrawalAmount: 12n })
  })

  it('hears of a closing in another process, which waits for what is being booked here', async () => {
    const other = lab.createNode()
    await other.start()
    const { id } = await lab.createLocalPayment(node)
    const target = await targetOf(id, other)
    await deliver(target, 5n)
    expect(target.admit(7n)).toBe('admitted')
    await node.incomingPayments.complete(id)
    await until(() => target.admit(1n) === 'closed' || (target.released(1n), false))
    for (let step = 0; step < 10; step++) await passWhileEventIsPutOff(id)
    expect((await lab.events(id)).length).toBe(1)
    await book(id, 7n)
    target.posted(7n)
    expect((await untilEvents(id, 2))[1]).toMatchObject({ withdrawalAmount: 12n })
  })

  it('completes on what several processes received together', async () => {
    const other = lab.createNode()
    await other.start()
    const { id } = await lab.createLocalPayment(node, 100n)
    const targets = [await targetOf(id), await targetOf(id, other)] as const
    await deliver(targets[0], 50n)
    await until(async () => (await stateOf(id)) === 'PROCESSING')
    await deliver(targets[1], 50n)
    await until(async () => {
      await lab.passTime()
      return (await stateOf(id)) === 'COMPLETED'
    })
    expect((await untilEvents(id, 2))[1]).toMatchObject({ withdrawalAmount: 100n })
  })

  it('tell the wallet by an event that they were created, with nothing received', async () => {
    const expiresAt = new Date(lab.clock.nowMs() + 10_000)
    const payment = await node.incomingPayments.create({
      tenantId: TENANT_ID,
      walletAddressId: lab.payee.id,
      incomingAmount: { value: 120n, assetCode: 'EUR', assetScale: 2 },
      client: 'https://shop.example/key',
      metadata: { order: 7 },
      expiresAt,
      initiatedBy: 'ADMIN'
    })
    if (isFailure(payment)) throw new Error(payment.failure)
    expect(await lab.events(payment.id)).toEqual([
      {
        type: 'incoming_payment.created',
        data: {
          id: payment.id,
          walletAddressId: lab.payee.id,
          client: 'https://shop.example/key',
          createdAt: payment.createdAt.toISOString(),
          expiresAt: expiresAt.toISOString(),
          incomingAmount: { value: '120', assetCode: 'EUR', assetScale: 2 },
          receivedAmount: { value: '0', assetCode: 'EUR', assetScale: 2 },
          completed: false,
          metadata: { order: 7 }
        },
        withdrawalAmount: null
      }
    ])
  })

  it('expires: unpaid it disappears without an event, paid it tells the wallet', async () => {
    const create = async () => {
      const payment = await node.incomingPayments.create({
        tenantId: TENANT_ID,
        walletAddressId: lab.payee.id,
        expiresAt: new Date(lab.clock.nowMs() + 10_000),
        initiatedBy: 'ADMIN'
      })
      if (isFailure(payment)) throw new Error(payment.failure)
      return payment
    }
    const unpaid = await create()
    const paid = await create()
    const target = await targetOf(paid.id)
    await deliver(target, 9n)
    await until(async () => (await stateOf(paid.id)) === 'PROCESSING')
    await lab.clock.advance(10_000)
    expect(target.admit(1n)).toBe('closed')
    expect(node.incomingPayments.paymentMethods(paid)).toEqual([])
    const events = await untilEvents(paid.id, 2)
    expect(events[1]).toMatchObject({ type: 'incoming_payment.expired', withdrawalAmount: 9n })
    // Each is put off by its own settlement: what ended for one may be to come for the other.
    await until(async () => {
      await lab.passTime()
      return (await node.incomingPayments.get(unpaid.id)) === undefined
    })
    expect((await lab.events(unpaid.id)).map(({ type }) => type)).toEqual(['incoming_payment.created'])
  })

  it('brings back a payment that was settled as unpaid when money arrives late', async () => {
    const { id } = await lab.createLocalPayment(node)
    const target = await targetOf(id)
    expect(target.admit(3n)).toBe('admitted')
    target.released(3n)
    await node.incomingPayments.complete(id)
    for (let step = 0; step < 5; step++) await lab.passTime()
    await book(id, 3n)
    await node.incomingPayments.targets.recount(id)
    expect((await untilEvents(id, 2))[1]).toMatchObject({ withdrawalAmount: 3n })
  })

  it('heals what a process left behind that died after a credit', async () => {
    const { id } = await lab.createLocalPayment(node, 10n)
    const partly = await lab.createLocalPayment(node, 10n)
    await targetOf(id)
    await targetOf(partly.id)
    node.kill()
    await book(id, 10n)
    await book(partly.id, 4n)
    node = lab.createNode()
    await node.start()
    await until(async () => (await stateOf(id)) === 'COMPLETED')
    await until(async () => (await stateOf(partly.id)) === 'PROCESSING')
    expect((await targetOf(partly.id)).received).toBe(4n)
    expect((await untilEvents(id, 2))[1]).toMatchObject({ withdrawalAmount: 10n })
  })

  it('gives fresh credentials on every read, for this node’s address', async () => {
    const payment = await lab.createLocalPayment(node, 10n)
    const [first] = node.incomingPayments.paymentMethods(payment)
    const [second] = node.incomingPayments.paymentMethods(payment)
    expect(first?.ilpAddress.startsWith('test.acacia.')).toBe(true)
    expect(first?.ilpAddress).not.toBe(second?.ilpAddress)
    expect(first?.sharedSecret).not.toEqual(second?.sharedSecret)
  })

  it.each([
    ['a zero amount', { incomingAmount: { value: 0n, assetCode: 'EUR', assetScale: 2 } }, 'InvalidAmount'],
    ['another asset', { incomingAmount: { value: 1n, assetCode: 'USD', assetScale: 2 } }, 'InvalidAmount'],
    ['another scale', { incomingAmount: { value: 1n, assetCode: 'EUR', assetScale: 3 } }, 'InvalidAmount'],
    ['a past expiry', { expiresInMs: 0 }, 'InvalidExpiry'],
    ['an expiry too far away', { expiresInMs: 31 * DAY_MS }, 'InvalidExpiry'],
    ['an unknown wallet address', { walletAddressId: TENANT_ID }, 'UnknownWalletAddress']
  ] as const)('refuses %s', async (_what, fields, code) => {
    const { expiresInMs, ...rest } = { expiresInMs: undefined, ...fields }
    const refused = await node.incomingPayments.create({
      tenantId: TENANT_ID,
      walletAddressId: lab.payee.id,
      initiatedBy: 'ADMIN',
      ...(expiresInMs !== undefined && { expiresAt: new Date(lab.clock.nowMs() + expiresInMs) }),
      ...rest
    })
    expect(refused).toMatchObject({ failure: code })
  })

  it('pages, filters and updates', async () => {
    const first = await lab.createLocalPayment(node, 1n)
    const second = await lab.createLocalPayment(node, 2n)
    const updated = await node.incomingPayments.updateMetadata({
      id: first.id,
      tenantId: TENANT_ID,
      metadata: { note: 'nul \u0000 and ü' }
    })
    expect(updated).toMatchObject({ metadata: { note: 'nul \u0000 and ü' } })
    const page = await node.incomingPayments.page({ first: 2 }, { walletAddressId: lab.payee.id })
    expect(page.rows.map(({ id }) => id)).toEqual([second.id, first.id])
    expect(await node.incomingPayments.receivedAmounts([first.id, second.id])).toEqual([0n, 0n])
    expect(await node.incomingPayments.complete(TENANT_ID)).toMatchObject({ failure: 'UnknownPayment' })
    expect(node.incomingPayments.url(first)).toBe(
      `https://localhost:3003/${TENANT_ID}/incoming-payments/${first.id}`
    )
  })
})
