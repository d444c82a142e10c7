import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { isFailure } from '../model.ts'
import type { Amount } from '../model.ts'
import type { OutgoingPaymentFailure, PaymentGrant } from './model.ts'
import { TENANT_ID } from './payments-ground.test-support.ts'
import { createPaymentsLab } from './payments-lab.test-support.ts'
import type { TestNode } from './node-process.test-support.ts'
import type { PaymentsLab } from './payments-lab.test-support.ts'

const usd = (value: bigint): Amount => ({ value, assetCode: 'USD', assetScale: 2 })
const eur = (value: bigint): Amount => ({ value, assetCode: 'EUR', assetScale: 2 })

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
    const quote = await lab.quote(node, url)
    return node.outgoingPayments.create({
      tenantId: TENANT_ID,
      walletAddressId: lab.payer.id,
      quoteId: quote.id,
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
