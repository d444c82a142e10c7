import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { uuidToId } from '../../runtime/index.ts'
import { isFailure } from '../model.ts'
import type { Amount } from '../model.ts'
import { spentRows } from './grant-limits.ts'
import type { OutgoingPaymentFailure, PaymentGrant } from './model.ts'
import { GRANT_LOCK_ATTEMPTS } from './service.ts'
import { TENANT_ID } from './payments-ground.test-support.ts'
import { createPaymentsLab } from './payments-lab.test-support.ts'
import type { TestNode } from './node-process.test-support.ts'
import type { PaymentsLab } from './payments-lab.test-support.ts'

const usd = (value: bigint): Amount => ({ value, assetCode: 'USD', assetScale: 2 })
const eur = (value: bigint): Amount => ({ value, assetCode: 'EUR', assetScale: 2 })

interface Plan {
  'Actual Rows': number
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

/** Rows that the leaves of a plan read from a table, those that they threw away included. */
function rowsTouched({ Plans, ...plan }: Plan): number {
  if (Plans) return Plans.reduce((sum, below) => sum + rowsTouched(below), 0)
  return plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)
}

describe('limits of grants', () => {
  let lab: PaymentsLab
  let node: TestNode
  let grants = 0

  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
    node = lab.createNode()
    await node.start()
  })
  afterAll(() => lab.close())

  function createGrant(limits: NonNullable<PaymentGrant['limits']>): PaymentGrant {
    return { id: `grant-${++grants}`, limits }
  }

  /** A payment of 550 USD cents that delivers 500 EUR cents, within the node. */
  async function createPayment(grant: PaymentGrant) {
    const incoming = await lab.createLocalPayment(node, 500n)
    return createPaymentTo(grant, node.incomingPayments.url(incoming))
  }

  async function createPaymentTo(grant: PaymentGrant, url: string) {
    return createFor(grant, (await lab.quote(node, url)).id)
  }

  function createFor(grant: PaymentGrant, quoteId: string) {
    return node.outgoingPayments.create({
      tenantId: TENANT_ID,
      walletAddressId: lab.payer.id,
      quoteId,
      grant,
      client: 'https://client.example',
      initiatedBy: 'OPEN_PAYMENTS'
    })
  }

  async function payment(grant: PaymentGrant) {
    const created = await createPayment(grant)
    if (isFailure(created)) throw new Error(`${created.failure}: ${created.message}`)
    return created
  }

  it('never lets racing payments exceed it', async () => {
    const grant = createGrant({ debitAmount: usd(550n * 37n + 549n) })
    const results = await Promise.all(Array.from({ length: 100 }, () => createPayment(grant)))
    const refused = results.filter((result) => isFailure<OutgoingPaymentFailure>(result))
    expect(refused.length).toBe(63)
    expect(new Set(refused.map((result) => isFailure(result) && result.failure))).toEqual(
      new Set(['InsufficientGrant'])
    )
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toEqual({
      debitAmount: usd(550n * 37n),
      receiveAmount: eur(500n * 37n)
    })
    // Each saw what those before it had taken.
    const before = results.flatMap((result) => (isFailure(result) ? [] : [result.spent?.debitAmount?.value]))
    expect(new Set(before)).toEqual(new Set(Array.from({ length: 37 }, (_, index) => BigInt(index) * 550n)))
  })

  it('refuses none that fits, whatever amounts race', async () => {
    const incoming = await lab.createLocalPayment(node)
    const url = node.incomingPayments.url(incoming)
    const limit = 60_000n
    const grant = createGrant({ debitAmount: usd(limit) })
    const amounts = Array.from({ length: 100 }, (_, index) => BigInt(100 + ((index * 7_919) % 1_901)))
    const quotes = await Promise.all(amounts.map((debit) => lab.quote(node, url, { debit })))
    const results = await Promise.all(quotes.map((quote) => createFor(grant, quote.id)))

    // Payments that were admitted stand in one order: each began where the one before ended.
    const admitted = results
      .flatMap((result, index) =>
        isFailure(result) ? [] : [{ before: result.spent!.debitAmount!.value, amount: amounts[index]! }]
      )
      .sort((one, other) => Number(one.before - other.before))
    const ends = [0n]
    for (const { before, amount } of admitted) {
      expect(before).toBe(ends.at(-1))
      ends.push(before + amount)
    }
    const spent = ends.at(-1)!
    expect(spent <= limit).toBe(true)
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toMatchObject({ debitAmount: usd(spent) })
    // One that was refused did not fit what was left at that moment, which is the end of one that was admitted.
    const refused = results.flatMap((result, index) =>
      isFailure(result) ? [{ left: /^\d+/.exec(result.message!)![0], amount: amounts[index]! }] : []
    )
    expect(refused.length).toBeGreaterThan(10)
    expect(admitted.length).toBeGreaterThan(10)
    for (const { left, amount } of refused) {
      expect(ends.map((end) => String(limit - end))).toContain(left)
      expect(BigInt(left) < amount).toBe(true)
    }
  })

  it('counts exactly what is left while payments race with cancellations', async () => {
    const grant = createGrant({ debitAmount: usd(550n * 40n) })
    const first = await Promise.all(Array.from({ length: 40 }, () => payment(grant)))
    const cancelled = first.slice(0, 20)
    const [later] = await Promise.all([
      Promise.all(Array.from({ length: 40 }, () => createPayment(grant))),
      ...cancelled.map(({ payment: { id } }) =>
        node.outgoingPayments.cancel({ id, tenantId: TENANT_ID, reason: 'no money' })
      )
    ])
    const admitted = later.filter((result) => !isFailure(result)).length
    expect(admitted).toBeLessThanOrEqual(20)
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toMatchObject({
      debitAmount: usd(550n * BigInt(20 + admitted))
    })
    for (let left = 20 - admitted; left > 0; left--) await payment(grant)
    expect(await createPayment(grant)).toMatchObject({ failure: 'InsufficientGrant' })
  })

  it('reads three sums at most, however many intervals the grant was used in', async () => {
    const hour = (n: number) => new Date(Date.UTC(2020, 0, 1, n))
    await lab.database.knex('outgoingPaymentGrants').insert({ id: 'often', createdAt: hour(0) })
    const sums = (start: Date | '-infinity') => ({
      grantId: 'often',
      walletAddressId: lab.payer.id,
      createdAt: hour(0),
      intervalStart: start,
      debitAmountCode: 'USD',
      debitAmountScale: 2,
      receiveAmountCode: 'EUR',
      receiveAmountScale: 2
    })
    const rows = [sums('-infinity'), ...Array.from({ length: 10_000 }, (_, n) => sums(hour(n)))]
    await lab.database.knex.batchInsert('outgoingPaymentGrantSpentAmounts', rows as never, 2_000)
    await lab.database.knex.raw('ANALYZE "outgoingPaymentGrantSpentAmounts"')
    for (const [start, found] of [
      [undefined, 1],
      [hour(9_999), 2],
      [hour(10_000), 1],
      [hour(5_000), 3]
    ] as const) {
      const query = spentRows(lab.database.knex, { grantId: 'often', walletAddressId: lab.payer.id }, start)
      expect((await query).length).toBe(found)
      const { sql, bindings } = query.toSQL()
      const explained = await lab.database.knex.raw<{ rows: { 'QUERY PLAN': [{ Plan: Plan }] }[] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
        bindings as never
      )
      expect(rowsTouched(explained.rows[0]!['QUERY PLAN'][0].Plan)).toBeLessThanOrEqual(3)
    }
  })

  it('gives a cancelled payment back, and keeps a completed one', async () => {
    const grant = createGrant({ receiveAmount: eur(1_000n) })
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toEqual({})
    const first = await payment(grant)
    const second = await payment(grant)
    expect(await createPayment(grant)).toMatchObject({ failure: 'InsufficientGrant' })
    await node.outgoingPayments.cancel({ id: first.payment.id, tenantId: TENANT_ID, reason: 'no money' })
    await lab.fund(node, second.payment)
    expect(await lab.ended(second.payment.id)).toMatchObject({ state: 'COMPLETED' })
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toEqual({
      debitAmount: usd(550n),
      receiveAmount: eur(500n)
    })
    expect(isFailure(await createPayment(grant))).toBe(false)
    expect(await createPayment(grant)).toMatchObject({ failure: 'InsufficientGrant' })
  })

  it('gives back what a failed payment did not send, and only that', async () => {
    const grant = createGrant({ debitAmount: usd(2_000n) })
    const url = lab.remote.createPayment({ incomingAmount: 1_000n })
    lab.remote.maxPacketAmount = 10n
    const created = await createPaymentTo(grant, url)
    if (isFailure(created)) throw new Error(created.failure)
    const carried = lab.remote.packets.length
    lab.remote.fate = () => {
      // Below the minimum rate after some packets, for good.
      if (lab.remote.packets.length > carried) lab.remote.rate = { numerator: 1n, denominator: 2n }
      return 'answer'
    }
    await lab.fund(node, created.payment)
    const ended = await lab.ended(created.payment.id, { advance: true })
    lab.remote.rate = { numerator: 1n, denominator: 1n }
    lab.remote.maxPacketAmount = undefined
    lab.remote.fate = () => 'answer'
    expect(ended).toMatchObject({ state: 'FAILED', error: 'InsufficientExchangeRate' })
    expect(ended.deliveredAmountValue).toBe(lab.remote.received(url))

    expect(ended.sentAmountValue! > 0n).toBe(true)
    expect(ended.sentAmountValue! < created.payment.quote.debitAmountMinusFees).toBe(true)
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toEqual({
      debitAmount: usd(ended.sentAmountValue!),
      receiveAmount: eur(ended.deliveredAmountValue!)
    })
    expect(await lab.audit()).toEqual([])
  })

  it('sends nothing to a receiver that its wallet cancelled meanwhile: what it receives is given back, the debit is kept', async () => {
    const grant = createGrant({ debitAmount: usd(1_000n) })
    const incoming = await lab.createLocalPayment(node, 500n)
    const url = node.incomingPayments.url(incoming)
    const unused = await lab.quote(node, url)
    const created = await createPaymentTo(grant, url)
    if (isFailure(created)) throw new Error(created.failure)
    const cancelled = await node.incomingPayments.cancel(incoming.id, TENANT_ID)
    expect(cancelled).toMatchObject({ state: 'PENDING', cancelledAt: expect.any(Date) as Date })

    expect(await createFor(grant, unused.id)).toMatchObject({ failure: 'InvalidReceiver' })
    await lab.fund(node, created.payment)
    const ended = await lab.ended(created.payment.id)
    expect(ended).toMatchObject({ state: 'COMPLETED', sentAmountValue: 0n, deliveredAmountValue: 0n })
    const [account] = await lab.ledger.lookupAccounts([uuidToId(incoming.id)])
    expect([account?.creditsPosted ?? 0n, account?.creditsPending ?? 0n]).toEqual([0n, 0n])
    // The contract: it ends COMPLETED, and a completed payment's debit stays counted.
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toEqual({
      debitAmount: usd(550n),
      receiveAmount: eur(0n)
    })
    expect(await lab.audit()).toEqual([])
  })

  describe('that others hold for longer than a payment waits', () => {
    /** Lets the look at a grant's row run into PostgreSQL's lock_timeout so many times. */
    async function holdGrant(grantId: string, times: number): Promise<void> {
      await lab.database.knex.raw('CREATE SEQUENCE held')
      await lab.database.knex.raw(`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('held') <= ${times} THEN
          RAISE EXCEPTION 'canceling statement due to lock timeout' USING ERRCODE = '55P03';
        END IF;
        RETURN NEW;
      END $$`)
      await lab.database.knex.raw(`CREATE TRIGGER hold BEFORE INSERT ON "outgoingPaymentGrants"
        FOR EACH ROW WHEN (NEW.id = '${grantId}') EXECUTE FUNCTION hold()`)
    }
    afterEach(async () => {
      await lab.database.knex.raw('DROP TRIGGER hold ON "outgoingPaymentGrants"')
      await lab.database.knex.raw('DROP FUNCTION hold')
      await lab.database.knex.raw('DROP SEQUENCE held')
    })

    it('a payment waits once more for', async () => {
      const grant = createGrant({ debitAmount: usd(1_000n) })
      await holdGrant(grant.id, GRANT_LOCK_ATTEMPTS - 1)
      expect(isFailure(await createPayment(grant))).toBe(false)
      expect(await node.outgoingPayments.grantSpentAmounts(grant)).toMatchObject({ debitAmount: usd(550n) })
    })

    it('a payment and a cancellation are refused for, and nothing is counted', async () => {
      const grant = createGrant({ debitAmount: usd(1_000n) })
      const first = await payment(grant)
      await holdGrant(grant.id, 2 * GRANT_LOCK_ATTEMPTS)
      expect(await createPayment(grant)).toMatchObject({ failure: 'GrantBusy' })
      const cancel = () =>
        node.outgoingPayments.cancel({ id: first.payment.id, tenantId: TENANT_ID, reason: 'no money' })
      expect(await cancel()).toMatchObject({ failure: 'GrantBusy' })
      expect(await lab.row(first.payment.id)).toMatchObject({ state: 'FUNDING' })
      expect(await node.outgoingPayments.grantSpentAmounts(grant)).toMatchObject({ debitAmount: usd(550n) })
      expect(await cancel()).toMatchObject({ state: 'CANCELLED' })
    })

    it('the end of a payment that is counted in an interval waits for, without that counting as an attempt', async () => {
      const interval = `R/${new Date(lab.clock.nowMs()).toISOString()}/PT1H`
      const grant = createGrant({ debitAmount: usd(1_000n), interval })
      const incoming = await lab.createLocalPayment(node, 500n)
      const created = await createPaymentTo(grant, node.incomingPayments.url(incoming))
      if (isFailure(created)) throw new Error(created.failure)
      // So that something is given back.
      await node.incomingPayments.cancel(incoming.id, TENANT_ID)
      await holdGrant(grant.id, 3)
      await lab.fund(node, created.payment)
      expect(await lab.ended(created.payment.id, { advance: true })).toMatchObject({
        state: 'COMPLETED',
        stateAttempts: 0
      })
      const { rows } = await lab.database.knex.raw<{ rows: unknown[] }>(
        'SELECT last_value::int AS looks FROM held'
      )
      expect(rows).toEqual([{ looks: 4 }])
      expect(await node.outgoingPayments.grantSpentAmounts(grant)).toMatchObject({ receiveAmount: eur(0n) })
    })
  })

  it('an end that gives back to one sum waits for nobody who holds the grant', async () => {
    const grant = createGrant({ debitAmount: usd(1_000n) })
    const incoming = await lab.createLocalPayment(node, 500n)
    const created = await createPaymentTo(grant, node.incomingPayments.url(incoming))
    if (isFailure(created)) throw new Error(created.failure)
    await node.incomingPayments.cancel(incoming.id, TENANT_ID)
    await lab.database.transaction(async (trx) => {
      await trx('outgoingPaymentGrants').where({ id: grant.id }).forUpdate().first('id')
      await lab.fund(node, created.payment)
      expect(await lab.ended(created.payment.id)).toMatchObject({ state: 'COMPLETED', stateAttempts: 0 })
    })
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toEqual({
      debitAmount: usd(550n),
      receiveAmount: eur(0n)
    })
  })

  it('counts anew in each interval', async () => {
    const start = new Date(lab.clock.nowMs()).toISOString()
    const grant = createGrant({ debitAmount: usd(1_000n), interval: `R/${start}/PT1H` })
    await payment(grant)
    expect(await createPayment(grant)).toMatchObject({ failure: 'InsufficientGrant' })
    await lab.clock.advance(3_600_000)
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toEqual({
      debitAmount: usd(0n),
      receiveAmount: eur(0n)
    })
    const { spent } = await payment(grant)
    expect(spent).toEqual({ debitAmount: usd(0n), receiveAmount: eur(0n) })
    expect(await createPayment(grant)).toMatchObject({ failure: 'InsufficientGrant' })
  })

  it('gives back to the interval too, and counts in none before one it was used in', async () => {
    const startMs = lab.clock.nowMs()
    const interval = `R/${new Date(startMs).toISOString()}/PT1H`
    const grant = { ...createGrant({ debitAmount: usd(600n), interval }), identifier: lab.payer.address }
    const first = await payment(grant)
    await node.outgoingPayments.cancel({ id: first.payment.id, tenantId: TENANT_ID, reason: 'no money' })
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toMatchObject({ debitAmount: usd(0n) })
    expect((await payment(grant)).spent).toMatchObject({ debitAmount: usd(0n) })
    // A process whose clock is ahead.
    await lab.database
      .knex('outgoingPaymentGrantSpentAmounts')
      .where({ grantId: grant.id, intervalStart: new Date(startMs) })
      .update({ intervalStart: new Date(startMs + 3_600_000) })
    expect(await createPayment(grant)).toMatchObject({ failure: 'InvalidInterval' })
    const elsewhere = { ...grant, identifier: 'https://wallet.example/nobody' }
    expect(await node.outgoingPayments.grantSpentAmounts(elsewhere)).toEqual({})
  })

  it('gives a cancelled payment back to the interval that it was counted in', async () => {
    const start = new Date(lab.clock.nowMs()).toISOString()
    const grant = createGrant({ debitAmount: usd(1_000n), interval: `R/${start}/PT1H` })
    const { payment: cancelled } = await payment(grant)
    expect(await createPayment(grant)).toMatchObject({ failure: 'InsufficientGrant' })
    await node.outgoingPayments.cancel({ id: cancelled.id, tenantId: TENANT_ID, reason: 'no money' })
    expect(await node.outgoingPayments.grantSpentAmounts(grant)).toEqual({
      debitAmount: usd(0n),
      receiveAmount: eur(0n)
    })
    await payment(grant)
    expect(await createPayment(grant)).toMatchObject({ failure: 'InsufficientGrant' })
  })

  it.each([
    ['another receiver', { receiver: 'https://elsewhere.example/incoming-payments/1' }, 'InsufficientGrant'],
    ['one payment above it', { debitAmount: usd(549n) }, 'InsufficientGrant'],
    ['another asset', { debitAmount: eur(10_000n) }, 'InsufficientGrant'],
    ['both amounts', { debitAmount: usd(1_000n), receiveAmount: eur(1_000n) }, 'OnlyOneGrantAmountAllowed'],
    ['no interval', { debitAmount: usd(1_000n), interval: 'monthly' }, 'InvalidInterval'],
    ['a past interval', { debitAmount: usd(1_000n), interval: 'R0/2020-01-01/P1D' }, 'InsufficientGrant']
  ] as const)('refuses %s', async (_what, limits, code) => {
    expect(await createPayment(createGrant(limits))).toMatchObject({ failure: code })
  })
})
