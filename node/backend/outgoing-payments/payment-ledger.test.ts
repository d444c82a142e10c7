import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AccountCode,
  createLedgerWriter,
  createMemoryLedger,
  LedgerUnavailableError,
  TransferCode
} from '../../ledger/index.ts'
import type { NewAccount } from '../../ledger/index.ts'
import { createLogger, createManualClock, createSystemRandom, uuidToId } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { packetTransferIds } from '../connector/transfer-ids.ts'
import type { Quote } from '../quotes/model.ts'
import { epochAccountId, paymentAccountId } from './accounts.ts'
import { createLocalPayments } from './local-payment.ts'
import { createPaymentLedger, FUND_PATIENCE_MS, LEDGER_REPEAT_MS } from './payment-ledger.ts'
import { reservedAtMs } from './settlement.ts'

const PEER = 77n
const SETTLEMENT = 1n
const BUDGET = 1_000n
const FEE = 25n
const signal = new AbortController().signal

async function createBooks({ funded = true } = {}) {
  const clock = createManualClock()
  const random = createSystemRandom(clock)
  const logger = createLogger({ name: 'test', level: 'silent' })
  const ledger = createMemoryLedger({ clock })
  const writer = createLedgerWriter({ ledger, clock, logger })
  const asset: Asset = {
    id: random.uuid(),
    tenantId: random.uuid(),
    code: 'USD',
    scale: 2,
    ledger: 1,
    createdAt: new Date(0)
  }
  const id = random.orderedUuid()
  const amount = (value: bigint) => ({ value, assetCode: 'USD', assetScale: 2 })
  const quote: Quote = {
    id,
    asset,
    tenantId: asset.tenantId,
    walletAddressId: random.uuid(),
    receiver: 'https://baobab.example/incoming-payments/1',
    method: 'LOCAL',
    debitAmount: amount(BUDGET + FEE),
    debitAmountMinusFees: BUDGET,
    receiveAmount: amount(BUDGET),
    expiresAt: new Date(0),
    createdAt: new Date(0)
  }
  const limited = { debitsMustNotExceedCredits: true }
  const accounts: NewAccount[] = [
    { id: SETTLEMENT, ledger: 1, code: AccountCode.SETTLEMENT, flags: { creditsMustNotExceedDebits: true } },
    { id: PEER, ledger: 1, code: AccountCode.LIQUIDITY_PEER, flags: limited },
    { id: uuidToId(asset.id), ledger: 1, code: AccountCode.LIQUIDITY_ASSET, flags: limited },
    { id: paymentAccountId(id), ledger: 1, code: AccountCode.LIQUIDITY_OUTGOING, flags: limited }
  ]
  await ledger.createAccounts(funded ? accounts : accounts.slice(0, -1))
  const deposit = {
    id: random.orderedId(),
    debitAccountId: SETTLEMENT,
    creditAccountId: paymentAccountId(id),
    amount: BUDGET + FEE,
    ledger: 1,
    code: TransferCode.DEPOSIT
  }
  if (funded) await writer.submit([deposit])
  const paymentLedger = createPaymentLedger({ ledger, writer, clock, random, logger })

  /** What the connector does with a packet of an epoch's sender. */
  async function reserve(epoch: number, value: bigint, minimum = 0n) {
    const transferId = random.orderedId()
    const [result] = await writer.submit([
      {
        id: packetTransferIds(transferId).reserve[0],
        debitAccountId: epochAccountId(id, epoch),
        creditAccountId: PEER,
        amount: value,
        ledger: 1,
        code: TransferCode.TRANSFER,
        userData128: uuidToId(id),
        userData64: minimum,
        userData32: epoch,
        flags: { pending: true }
      }
    ])
    return { result, transferId }
  }

  async function freeOf(accountId: bigint): Promise<bigint> {
    const [account] = await ledger.lookupAccounts([accountId])
    return account ? account.creditsPosted - account.debitsPosted - account.debitsPending : 0n
  }

  return { clock, random, logger, ledger, writer, paymentLedger, quote, reserve, freeOf }
}

describe('the money of a payment', () => {
  it('leaves a former owner nothing to spend, whatever it does when it wakes up', async () => {
    const { paymentLedger, quote, reserve, freeOf } = await createBooks()
    await paymentLedger.openEpoch(quote, 1, signal)
    const inFlight = await reserve(1, 300n)
    await paymentLedger.openEpoch(quote, 2, signal)
    expect(await freeOf(epochAccountId(quote.id, 2))).toBe(700n)

    expect((await reserve(1, 1n)).result).toBe('exceeds_credits')
    await paymentLedger.openEpoch(quote, 1, signal)
    expect((await reserve(1, 1n)).result).toBe('exceeds_credits')
    expect(await freeOf(paymentAccountId(quote.id))).toBe(FEE)

    const [books] = await paymentLedger.epochBooks(quote.id, 1)
    expect(books?.inDoubt.map(({ amount }) => amount)).toEqual([300n])
    expect(await paymentLedger.settle(books!.inDoubt[0]!, undefined, signal)).toBe(true)
    await paymentLedger.sweepFormerEpochs(quote, 2, signal)
    expect(await freeOf(epochAccountId(quote.id, 2))).toBe(BUDGET)
    expect(inFlight.result).toBe('ok')
  })

  it('is deposited with the budget of the first epoch in one batch, once', async () => {
    const books = await createBooks({ funded: false })
    const { paymentLedger, random, freeOf, ledger } = books
    const quote: Quote = { ...books.quote, method: 'ILP' }
    const depositId = random.orderedUuid()
    expect(paymentLedger.wasFundedHere(quote.id)).toBe(false)
    await paymentLedger.fund(quote, depositId)
    expect(paymentLedger.wasFundedHere(quote.id)).toBe(true)
    const balances = async () => [
      await freeOf(paymentAccountId(quote.id)),
      await freeOf(epochAccountId(quote.id, 1))
    ]
    expect(await balances()).toEqual([FEE, BUDGET])
    await paymentLedger.fund(quote, depositId)
    await paymentLedger.openEpoch(quote, 1, signal)
    await paymentLedger.openEpoch(quote, 1, signal)
    expect(await balances()).toEqual([FEE, BUDGET])
    const [deposit] = await ledger.lookupTransfers([uuidToId(depositId)])
    expect(deposit).toMatchObject({ amount: BUDGET + FEE, code: TransferCode.DEPOSIT })
  })

  it('that one process deposited is found by another, which takes over from there', async () => {
    const books = await createBooks({ funded: false })
    const quote: Quote = { ...books.quote, method: 'ILP' }
    await books.paymentLedger.fund(quote, books.random.orderedUuid())
    const other = createPaymentLedger(books)
    expect(other.wasFundedHere(quote.id)).toBe(false)
    await other.openEpoch(quote, 1, signal)
    await other.openEpoch(quote, 2, signal)
    expect(await books.freeOf(epochAccountId(quote.id, 2))).toBe(BUDGET)
    await books.paymentLedger.openEpoch(quote, 1, signal)
    expect((await books.reserve(1, 1n)).result).toBe('exceeds_credits')
    await other.returnLeftover(quote, 2, signal)
    expect(await books.freeOf(paymentAccountId(quote.id))).toBe(BUDGET + FEE)
  })

  it('of a payment within this node stays on its own account', async () => {
    const { paymentLedger, random, freeOf, quote } = await createBooks({ funded: false })
    await paymentLedger.fund(quote, random.orderedUuid())
    expect(await freeOf(paymentAccountId(quote.id))).toBe(BUDGET + FEE)
  })

  it('is not deposited by a call that waits longer than its patience', async () => {
    const books = await createBooks({ funded: false })
    const silent = {
      ...books.writer,
      submit: () => Promise.reject(new LedgerUnavailableError('no answer'))
    }
    const paymentLedger = createPaymentLedger({ ...books, writer: silent })
    const funding = paymentLedger.fund(books.quote, books.random.orderedUuid())
    const outcome = expect(funding).rejects.toThrow(LedgerUnavailableError)
    await books.clock.advance(FUND_PATIENCE_MS)
    await outcome
    expect(paymentLedger.wasFundedHere(books.quote.id)).toBe(false)
  })

  it('counts what was posted, with what was delivered, and agrees with a process that was first', async () => {
    const { paymentLedger, quote, reserve, writer } = await createBooks()
    await paymentLedger.openEpoch(quote, 1, signal)
    const { transferId } = await reserve(1, 100n, 90n)
    await reserve(1, 50n, 40n)
    const [books] = await paymentLedger.epochBooks(quote.id, 1)
    const [first, second] = books!.inDoubt
    expect(await paymentLedger.settle(first!, 95n, signal)).toBe(true)
    expect(await paymentLedger.settle(first!, 93n, signal)).toBe(true)
    expect(await paymentLedger.settle(first!, undefined, signal)).toBe(false)
    expect(await paymentLedger.settle(second!, undefined, signal)).toBe(true)
    expect(await paymentLedger.settle(second!, 45n, signal)).toBe(false)
    expect(await paymentLedger.epochBooks(quote.id, 1)).toMatchObject([
      { epoch: 1, sent: 100n, delivered: 95n, inDoubt: [] }
    ])
    expect(await paymentLedger.sentAmounts([{ money: quote, epoch: 1 }])).toEqual([100n])
    await paymentLedger.returnLeftover(quote, 1, signal)
    expect(await paymentLedger.sentAmounts([{ money: quote, epoch: 1 }])).toEqual([100n])
    // The connector's own post comes late, and finds its packet posted.
    const ids = packetTransferIds(transferId)
    const [late] = await writer.submit([
      {
        id: ids.post[0],
        pendingId: ids.reserve[0],
        debitAccountId: 0n,
        creditAccountId: 0n,
        amount: 100n,
        ledger: 0,
        code: 0,
        flags: { postPending: true }
      }
    ])
    expect(late).toBe('exists_with_different_fields')
  })

  const epochs = fc.integer({ min: 1, max: 4 })
  const action = fc.oneof(
    fc.record({ kind: fc.constant('open' as const), epoch: epochs }),
    fc.record({ kind: fc.constant('sweep' as const), epoch: epochs }),
    fc.record({ kind: fc.constant('return' as const), epoch: epochs }),
    fc.record({ kind: fc.constant('reserve' as const), epoch: epochs, amount: fc.bigInt(1n, 600n) }),
    fc.record({ kind: fc.constant('end' as const), index: fc.nat(20), isPost: fc.boolean() })
  )

  it('never spends more than debitAmount − fee, and loses nothing, whoever does what when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), { maxLength: 12 }),
        async (steps) => {
          const { paymentLedger, quote, reserve, ledger } = await createBooks()
          await paymentLedger.openEpoch(quote, 1, signal)
          for (const concurrent of steps) {
            await Promise.all(
              concurrent.map(async (step) => {
                switch (step.kind) {
                  case 'open':
                    return paymentLedger.openEpoch(quote, step.epoch, signal)
                  case 'sweep':
                    return paymentLedger.sweepFormerEpochs(quote, step.epoch, signal)
                  case 'return':
                    return paymentLedger.returnLeftover(quote, step.epoch, signal)
                  case 'reserve':
                    return reserve(step.epoch, step.amount)
                  case 'end': {
                    const books = await paymentLedger.epochBooks(quote.id, 4)
                    const open = books.flatMap(({ inDoubt }) => inDoubt)
                    const one = open[step.index % Math.max(1, open.length)]
                    if (one) await paymentLedger.settle(one, step.isPost ? 1n : undefined, signal)
                  }
                }
              })
            )
            const ids = [1, 2, 3, 4].map((epoch) => epochAccountId(quote.id, epoch))
            const [own, ...held] = await ledger.lookupAccounts([paymentAccountId(quote.id), ...ids])
            const [peer] = await ledger.lookupAccounts([PEER])
            const atStake = peer!.creditsPosted + peer!.creditsPending
            expect(atStake <= BUDGET).toBe(true)
            const rest = [own, ...held].reduce(
              (sum, account) => sum + (account ? account.creditsPosted - account.debitsPosted : 0n),
              0n
            )
            expect(rest + peer!.creditsPosted).toBe(BUDGET + FEE)
            expect(own!.creditsPosted - own!.debitsPosted >= FEE).toBe(true)
            const [sent] = await paymentLedger.sentAmounts([{ money: quote, epoch: 4 }])
            expect(sent).toBe(peer!.creditsPosted)
          }
        }
      ),
      { numRuns: 150 }
    )
  })
})

describe('a payment within the node', () => {
  async function createLocal({ hasReceiver = true } = {}) {
    const books = await createBooks()
    const receiverId = books.random.orderedUuid()
    if (hasReceiver) {
      await books.ledger.createAccounts([
        { id: uuidToId(receiverId), ledger: 1, code: AccountCode.LIQUIDITY_INCOMING }
      ])
    }
    /** The next answers of the ledger are lost: it did what it was asked to. */
    let lostAnswers = 0
    const loseAnswers = (count: number) => void (lostAnswers = count)
    const paymentLedger = createPaymentLedger({
      ...books,
      logger: createLogger({ name: 'test', level: 'silent' }),
      writer: {
        ...books.writer,
        async submit(transfers, options) {
          const results = await books.writer.submit(transfers, options)
          if (lostAnswers-- > 0) throw new LedgerUnavailableError('the answer was lost')
          return results
        }
      }
    })
    const credited: bigint[] = []
    const target = {
      kind: 'incomingPayment' as const,
      id: receiverId,
      tenantId: books.quote.tenantId,
      asset: books.quote.asset,
      accountId: uuidToId(receiverId),
      isClosed: false,
      admit: () => 'admitted' as const,
      posted: (amount: bigint) => void credited.push(amount),
      released: () => undefined,
      learned: () => undefined,
      received: 0n,
      receiveMax: undefined
    }
    const localPayments = createLocalPayments({
      ledger: books.ledger,
      paymentLedger,
      targets: { resolve: async () => target, recount: async () => undefined }
    })
    const received = async () => (await books.ledger.lookupAccounts([uuidToId(receiverId)]))[0]!.creditsPosted
    return { ...books, receiverId, localPayments, credited, received, loseAnswers }
  }

  /** Pays while the first answer is lost. */
  async function payWithLostAnswer(local: Awaited<ReturnType<typeof createLocal>>, quote = local.quote) {
    local.loseAnswers(1)
    const outcome = local.localPayments.pay(quote, local.receiverId, signal)
    outcome.catch(() => undefined)
    for (let turn = 0; turn < 20; turn++) await local.clock.advance(LEDGER_REPEAT_MS)
    return outcome
  }

  it('happens once, however many holders submit it', async () => {
    const { localPayments, quote, receiverId, received, credited, freeOf } = await createLocal()
    const outcomes = await Promise.all([1, 2, 3].map(() => localPayments.pay(quote, receiverId, signal)))
    expect(outcomes).toEqual([{ kind: 'paid' }, { kind: 'paid' }, { kind: 'paid' }])
    expect(await received()).toBe(BUDGET)
    expect(credited).toEqual([BUDGET])
    expect(await freeOf(paymentAccountId(quote.id))).toBe(FEE)
    expect(await localPayments.fence(quote, signal)).toBe(false)
  })

  it('is paid when the answer that said so was lost', async () => {
    const local = await createLocal()
    expect(await payWithLostAnswer(local)).toEqual({ kind: 'paid' })
    expect(await local.received()).toBe(BUDGET)
  })

  it('ends with InsufficientBalance when the refusal that said so was lost, or its process died', async () => {
    const local = await createLocal()
    const poor = { ...local.quote, debitAmountMinusFees: BUDGET + FEE + 1n }
    const refused = { kind: 'failed', error: { code: 'InsufficientBalance', retryable: false } }
    expect(await payWithLostAnswer(local, poor)).toMatchObject(refused)
    // Another holder repeats it.
    expect(await local.localPayments.pay(poor, local.receiverId, signal)).toMatchObject(refused)
    expect(await local.received()).toBe(0n)
  })

  it('ends with InsufficientLiquidity when the refusal that said so was lost', async () => {
    const local = await createLocal()
    const value = BUDGET + 7n
    const rich = { ...local.quote, receiveAmount: { ...local.quote.receiveAmount, value } }
    expect(await payWithLostAnswer(local, rich)).toMatchObject({
      kind: 'failed',
      error: { code: 'InsufficientLiquidity', retryable: false }
    })
    expect(await local.received()).toBe(0n)
  })

  it('calls a missing account no want of money, also when the refusal was lost', async () => {
    const local = await createLocal({ hasReceiver: false })
    await expect(payWithLostAnswer(local)).rejects.toThrow('refused a local payment: id_already_failed')
  })

  it('never happens once it is fenced', async () => {
    const { localPayments, quote, receiverId, received, clock, freeOf } = await createLocal()
    expect(await localPayments.fence(quote, signal)).toBe(true)
    expect(await localPayments.fence(quote, signal)).toBe(true)
    await expect(localPayments.pay(quote, receiverId, signal)).rejects.toThrow('refused a local payment')
    await clock.advance(10_000)
    expect(await received()).toBe(0n)
    expect(await freeOf(paymentAccountId(quote.id))).toBe(BUDGET + FEE)
  })
})

describe('the age of a reservation', () => {
  it('is told by an id that random.orderedId gave, and by no other', () => {
    const clock = createManualClock()
    const id = createSystemRandom(clock).orderedId()
    expect(reservedAtMs(id, clock.nowMs())).toBe(clock.nowMs())
    expect(reservedAtMs(id, clock.nowMs() - 60_000)).toBeUndefined()
    expect(reservedAtMs(packetTransferIds(id).post[0], clock.nowMs())).toBeUndefined()
  })
})
