import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { TENANT_ID } from '../outgoing-payments/payments-ground.test-support.ts'
import { createPaymentsLab } from '../outgoing-payments/payments-lab.test-support.ts'
import type { TestNode } from '../outgoing-payments/node-process.test-support.ts'
import type { PaymentsLab } from '../outgoing-payments/payments-lab.test-support.ts'
import type { Fee } from '../fees/model.ts'

const usd = (value: bigint) => ({ value, assetCode: 'USD', assetScale: 2 })
const eur = (value: bigint) => ({ value, assetCode: 'EUR', assetScale: 2 })

describe('quotes', () => {
  let lab: PaymentsLab
  let node: TestNode

  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
    node = lab.createNode()
    await node.start()
  })
  afterAll(() => lab.close())
  afterEach(() => {
    lab.fee.current = undefined
    lab.remote.maxPacketAmount = undefined
    lab.remote.fate = () => 'answer'
  })

  type Amounts = Pick<Parameters<TestNode['quotes']['create']>[0], 'debitAmount' | 'receiveAmount'>
  const create = (receiver: string, amounts: Amounts = {}, walletAddressId = lab.payer.id) =>
    node.quotes.create({ tenantId: TENANT_ID, walletAddressId, receiver, ...amounts })

  async function localUrl(incomingAmount?: bigint): Promise<string> {
    return node.incomingPayments.url(await lab.createLocalPayment(node, incomingAmount))
  }

  async function setFee(fixed: bigint, basisPoints: number): Promise<void> {
    const fee: Fee = {
      id: lab.test.random.uuid(),
      assetId: lab.usd.id,
      type: 'SENDING',
      fixed,
      basisPoints,
      createdAt: new Date(lab.clock.nowMs())
    }
    await lab.database.knex('fees').insert({
      id: fee.id,
      assetId: fee.assetId,
      type: fee.type,
      fixedFee: fixed,
      basisPointFee: basisPoints,
      createdAt: fee.createdAt
    })
    lab.fee.current = fee
  }

  it('quotes a delivery and a debit within the node, with the fee', async () => {
    await setFee(10n, 100)
    expect(await create(await localUrl(), { receiveAmount: eur(500n) })).toMatchObject({
      method: 'LOCAL',
      debitAmount: usd(566n),
      debitAmountMinusFees: 550n,
      receiveAmount: eur(500n),
      estimatedExchangeRate: 0.91
    })
    expect(await create(await localUrl(), { debitAmount: usd(1_000n) })).toMatchObject({
      debitAmount: usd(1_000n),
      debitAmountMinusFees: 980n,
      receiveAmount: eur(891n),
      feeId: lab.fee.current!.id
    })
  })

  it('quotes what is left of an incoming payment where no amount is given', async () => {
    const url = lab.remote.createPayment({ incomingAmount: 700n, received: 200n })
    const quote = await create(url)
    expect(quote).toMatchObject({ method: 'ILP', debitAmount: usd(556n), receiveAmount: eur(500n) })
    if ('failure' in quote) throw new Error(quote.failure)
    // What sending needs is kept, exactly.
    expect(await node.quotes.get(quote.id)).toEqual(quote)
    expect(await node.quotes.getMany([quote.id, TENANT_ID])).toEqual([quote, undefined])
    expect(quote.ilp?.conversion).toEqual({
      assetId: lab.eur.id,
      ratio: { numerator: 91n, denominator: 100n }
    })
    expect((await node.quotes.pages([lab.payer.id], { first: 1 }))[0]!.rows).toEqual([quote])
    expect(node.quotes.url(quote)).toBe(`https://localhost:3003/${TENANT_ID}/quotes/${quote.id}`)
  })

  it('learns the path’s packet limit, and reserves for the rounding of every packet', async () => {
    lab.remote.maxPacketAmount = 100n
    const quote = await create(lab.remote.createPayment({}), { receiveAmount: eur(10_000n) })
    if ('failure' in quote) throw new Error(quote.failure)
    // The path's limit is in the peer's asset: at most 109 USD cents fit into 100 EUR cents.
    expect(quote.ilp!.maxPacketAmount! <= 110n).toBe(true)
    expect(quote.debitAmount.value > 11_100n).toBe(true)
  })

  it('measures a path that it knows with three packets, for as long as it is the same', async () => {
    let packets = 0
    lab.remote.fate = () => {
      packets++
      return 'answer'
    }
    /** Packets that a quote takes, with what it promises. */
    const quoted = async (amounts: Amounts) => {
      packets = 0
      const quote = await create(lab.remote.createPayment({}), amounts)
      if ('failure' in quote) throw new Error(quote.failure)
      return { packets, debit: quote.debitAmount.value, receive: quote.receiveAmount.value }
    }
    await lab.clock.advance(60_000)
    const first = await quoted({ receiveAmount: eur(10_000n) })
    expect(first.packets).toBeGreaterThan(3)
    expect(await quoted({ receiveAmount: eur(10_000n) })).toEqual({ ...first, packets: 3 })
    // Another receiver at the same node, other amounts, the other way round.
    expect(await quoted({ receiveAmount: eur(500n) })).toEqual({ packets: 3, debit: 556n, receive: 500n })
    expect((await quoted({ debitAmount: usd(77_777n) })).packets).toBeLessThanOrEqual(3)

    // Of a path that became worse no more is promised than it brings now.
    lab.remote.rate = { numerator: 1n, denominator: 2n }
    const worse = await quoted({ debitAmount: usd(10_000n) })
    expect(worse.receive).toBeLessThanOrEqual(4_550n)
    expect(worse.receive).toBeGreaterThan(4_500n)
    lab.remote.rate = { numerator: 1n, denominator: 1n }

    expect((await quoted({ receiveAmount: eur(500n) })).packets).toBeLessThanOrEqual(8)
    await lab.clock.advance(15_000)
    expect((await quoted({ receiveAmount: eur(500n) })).packets).toBeGreaterThan(3)
  })

  it('says how much would be enough, where nothing would be delivered', async () => {
    await setFee(10n, 0)
    const refused = await create(lab.remote.createPayment({}), { debitAmount: usd(10n) })
    expect(refused).toMatchObject({ failure: 'NonPositiveReceiveAmount' })
    const details = 'details' in refused ? refused.details : undefined
    const least = (details as { minSendAmount: { value: bigint } }).minSendAmount.value
    expect(await create(lab.remote.createPayment({}), { debitAmount: usd(least) })).toMatchObject({
      receiveAmount: eur(1n)
    })
    expect(await create(await localUrl(), { debitAmount: usd(11n) })).toMatchObject({
      failure: 'NonPositiveReceiveAmount',
      details: { minSendAmount: usd(12n) }
    })
  })

  it('expires with the incoming payment, where that is earlier', async () => {
    const nowMs = lab.clock.nowMs()
    const long = await create(await localUrl(5n))
    expect(long).toMatchObject({ expiresAt: new Date(nowMs + 300_000) })
    const payment = await node.incomingPayments.create({
      tenantId: TENANT_ID,
      walletAddressId: lab.payee.id,
      incomingAmount: eur(5n),
      expiresAt: new Date(nowMs + 1_000),
      initiatedBy: 'ADMIN'
    })
    if ('failure' in payment) throw new Error(payment.failure)
    expect(await create(node.incomingPayments.url(payment))).toMatchObject({
      expiresAt: new Date(nowMs + 1_000)
    })
  })

  it('refuses what cannot be paid, by name', async () => {
    const url = lab.remote.createPayment({ incomingAmount: 100n })
    const closed = lab.remote.createPayment({ incomingAmount: 100n })
    lab.remote.close(closed)
    const open = lab.remote.createPayment({})
    const cases: [Promise<unknown>, string][] = [
      [create(url, { debitAmount: usd(1n), receiveAmount: eur(1n) }), 'InvalidAmount'],
      [create(url, { debitAmount: usd(0n) }), 'InvalidAmount'],
      [create(url, { debitAmount: eur(1n) }), 'InvalidAmount'],
      [create(url, { receiveAmount: usd(1n) }), 'InvalidAmount'],
      [create(url, { receiveAmount: eur(101n) }), 'InvalidAmount'],
      [create(url, { debitAmount: usd(1_000n) }), 'InvalidAmount'],
      [create(url, { debitAmount: usd(2n ** 64n) }), 'InvalidAmount'],
      [create(open), 'InvalidAmount'],
      [create(closed), 'InvalidReceiver'],
      [create('https://baobab.example/incoming-payments/none'), 'InvalidReceiver'],
      [create(url, {}, TENANT_ID), 'UnknownWalletAddress']
    ]
    for (const [result, code] of cases) expect(await result).toMatchObject({ failure: code })
  })

  it('says why a path cannot be measured', async () => {
    lab.remote.fate = () => 'unavailable'
    const quoting = create(lab.remote.createPayment({ incomingAmount: 5n }))
    let refused: unknown
    void quoting.then((result) => (refused = result))
    while (refused === undefined) await lab.passTime()
    expect(refused).toMatchObject({
      failure: 'InvalidReceiver',
      message: expect.stringContaining('RateProbeFailed')
    })
  })
})
