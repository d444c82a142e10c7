import {
  AccountCode,
  chainFailure,
  chainIsDone,
  LedgerBusyError,
  LedgerUnavailableError,
  MAX_AMOUNT,
  TransferCode
} from '../../ledger/index.ts'
import type {
  Account,
  Ledger,
  LedgerWriter,
  NewAccount,
  NewTransfer,
  SubmissionResult,
  Transfer
} from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import type { Clock, Logger, Random } from '../../runtime/index.ts'
import { packetTransferIds } from '../connector/transfer-ids.ts'
import type { Quote } from '../quotes/model.ts'
import { budgetTransferId, epochAccountId, paymentAccountId } from './accounts.ts'

/** Pauses between repeats of a booking whose outcome is unknown. */
export const LEDGER_REPEAT_MS = 50
export const MAX_LEDGER_REPEAT_MS = 5_000
/** How long a deposit is repeated whose outcome the ledger leaves unknown. */
export const FUND_PATIENCE_MS = 2_000
/** Payments that a process funded and has not begun to send, as far as it remembers them. */
export const MAX_OPENED_PAYMENTS = 10_000
/** Transfers that are read at once. */
export const TRANSFER_PAGE = 1_000

/** A payment as the ledger knows it: its id, its asset and amounts. */
export type PaymentMoney = Pick<Quote, 'id' | 'asset' | 'debitAmount' | 'debitAmountMinusFees'>

/** What the packets of an epoch have moved, and what they may still move. */
export interface EpochBooks {
  epoch: number
  /** Source units posted. */
  sent: bigint
  /** Destination units, from the posts' tags. */
  delivered: bigint
  /** Reservations whose packets have no known outcome, oldest first. */
  inDoubt: Transfer[]
}

/**
 * A payment's money. Its own account is funded by the wallet; one transfer hands what may be sent, without the
 * fee, to sending, and from then on it moves from epoch to epoch, always upwards:
 *
 *   wallet ──deposit──▶ payment ──budget, once──▶ epoch 1 ──takeover──▶ epoch 2 ──▶ …
 *                          ▲                         └──packets──▶ peers    │
 *                          └────────────── at the end: what is left ────────┘
 *
 * The budget's transfer has one id for the payment, so it happens once, whichever epoch gets it; whatever a
 * former owner does when it wakes up, no epoch's account ever holds more than debitAmount − fee altogether.
 */
export interface PaymentLedger {
  /**
   * Books the wallet's deposit, and for a payment over ILP the budget of its first epoch with it, in one batch:
   * whoever takes that epoch finds it open. Repeating it changes nothing.
   *
   * @param depositId the id of the payment's created event
   * @returns false where that id is another transfer's, or spent: nothing was booked, nor ever will be
   */
  fund(payment: PaymentMoney & Pick<Quote, 'method'>, depositId: string): Promise<boolean>
  /** Whether this process funded the payment a moment ago; false says nothing. */
  wasFundedHere(paymentId: string): boolean
  /**
   * Makes the epoch's account hold all that may still be sent: the budget, and what is free on former epochs'.
   * Afterwards a former owner can reserve nothing (but with what its own packets free again).
   */
  openEpoch(payment: PaymentMoney, epoch: number, signal: AbortSignal): Promise<void>
  /** Moves what former epochs' accounts have free to this epoch's. */
  sweepFormerEpochs(payment: PaymentMoney, epoch: number, signal: AbortSignal): Promise<void>
  /** Moves what is left on all epochs' accounts up to this one back to the payment's account. */
  returnLeftover(payment: PaymentMoney, epoch: number, signal: AbortSignal): Promise<void>
  /** The accounts of epochs 1 … epoch that have reservations or posts, with them. Oldest epoch first. */
  epochBooks(paymentId: string, epoch: number): Promise<EpochBooks[]>
  /** Source units sent so far, without the fee, of payments and the epochs they are in. */
  sentAmounts(payments: readonly { money: PaymentMoney; epoch: number }[]): Promise<bigint[]>
  /** Posts a reservation as delivered, or voids it. False when the other outcome stands already. */
  settle(reservation: Transfer, delivered: bigint | undefined, signal: AbortSignal): Promise<boolean>
  /** Submits until the outcome is known. @throws the signal's reason when it aborts first */
  submitUntilKnown(transfers: readonly NewTransfer[], signal: AbortSignal): Promise<SubmissionResult[]>
}

export function createPaymentLedger({
  ledger,
  writer,
  clock,
  random,
  logger
}: {
  ledger: Ledger
  writer: LedgerWriter
  clock: Clock
  random: Random
  logger: Logger
}): PaymentLedger {
  async function submitUntilKnown(
    transfers: readonly NewTransfer[],
    signal: AbortSignal
  ): Promise<SubmissionResult[]> {
    for (let delayMs = LEDGER_REPEAT_MS; ; delayMs = Math.min(delayMs * 2, MAX_LEDGER_REPEAT_MS)) {
      signal.throwIfAborted()
      try {
        return await writer.submit(transfers)
      } catch (error) {
        if (!(error instanceof LedgerUnavailableError || error instanceof LedgerBusyError)) throw error
        logger.warn({ err: error, delayMs }, 'the ledger did not answer; repeating')
        await clock.sleep(delayMs, signal)
      }
    }
  }

  /** For a caller who waits for the answer: later the worker does it. @throws LedgerUnavailableError */
  async function submitPatiently(transfers: readonly NewTransfer[]): Promise<SubmissionResult[]> {
    const patience = new AbortController()
    const timer = clock.setTimer(FUND_PATIENCE_MS, () =>
      patience.abort(new LedgerUnavailableError(`the ledger did not answer within ${FUND_PATIENCE_MS} ms`))
    )
    try {
      return await submitUntilKnown(transfers, patience.signal)
    } finally {
      timer.cancel()
    }
  }

  /** Payments whose first epoch this process opened when it funded them, the oldest first. */
  const opened = new Set<string>()

  function newAccount({ asset }: PaymentMoney, id: bigint, code: number): NewAccount {
    return {
      id,
      ledger: asset.ledger,
      code,
      userData128: uuidToId(asset.id),
      flags: { debitsMustNotExceedCredits: true }
    }
  }

  const epochAccount = (payment: PaymentMoney, epoch: number) =>
    newAccount(payment, epochAccountId(payment.id, epoch), AccountCode.SENDING_EPOCH)

  async function createAccounts({ id }: PaymentMoney, accounts: readonly NewAccount[]): Promise<void> {
    for (const result of await ledger.createAccounts(accounts)) {
      if (result === 'ok' || result === 'exists') continue
      throw new Error(`the ledger refused an account of payment ${id}: ${result}`)
    }
  }

  function budgetOf(payment: PaymentMoney, epoch: number): NewTransfer {
    return {
      id: budgetTransferId(payment.id),
      debitAccountId: paymentAccountId(payment.id),
      creditAccountId: epochAccountId(payment.id, epoch),
      amount: payment.debitAmountMinusFees,
      ledger: payment.asset.ledger,
      code: TransferCode.EPOCH_MOVE
    }
  }

  async function fund(payment: PaymentMoney & Pick<Quote, 'method'>, depositId: string): Promise<boolean> {
    const own = newAccount(payment, paymentAccountId(payment.id), AccountCode.LIQUIDITY_OUTGOING)
    const deposit: NewTransfer = {
      id: uuidToId(depositId),
      debitAccountId: BigInt(payment.asset.ledger),
      creditAccountId: own.id,
      amount: payment.debitAmount.value,
      ledger: payment.asset.ledger,
      code: TransferCode.DEPOSIT
    }
    const overIlp = payment.method === 'ILP'
    await createAccounts(payment, overIlp ? [own, epochAccount(payment, 1)] : [own])
    const transfers = overIlp ? [deposit, budgetOf(payment, 1)] : [deposit]
    const [deposited, budgeted] = await submitPatiently(transfers)
    if (deposited === 'exists_with_different_fields' || deposited === 'id_already_failed') return false
    if (deposited !== 'ok' && deposited !== 'exists') {
      throw new Error(`the deposit of payment ${payment.id} was refused: ${deposited}`)
    }
    if (budgeted !== undefined) checkBudget(payment, budgeted)
    // Told that it is new, nobody else can have moved the budget on: there was no epoch before.
    if (deposited !== 'ok') return true
    opened.add(payment.id)
    const [oldest] = opened
    if (opened.size > MAX_OPENED_PAYMENTS && oldest !== undefined) opened.delete(oldest)
    return true
  }

  async function bookBudget(payment: PaymentMoney, epoch: number, signal: AbortSignal): Promise<void> {
    const [result] = await submitUntilKnown([budgetOf(payment, epoch)], signal)
    checkBudget(payment, result)
  }

  function checkBudget(payment: PaymentMoney, result: SubmissionResult | undefined): void {
    // With different fields: a former epoch got it, and the sweep takes it from there.
    if (result === 'ok' || result === 'exists' || result === 'exists_with_different_fields') return
    throw new Error(`the ledger refused the budget of payment ${payment.id}: ${result}`)
  }

  /**
   * Until nothing is free: a former owner that is at its own sweep moves money upwards, where the next look
   * finds it. A balancing move takes what is there at that moment, which may be nothing.
   */
  async function sweep(
    payment: PaymentMoney,
    epochs: readonly number[],
    toAccountId: bigint,
    signal: AbortSignal
  ): Promise<void> {
    const ids = epochs.map((epoch) => epochAccountId(payment.id, epoch))
    for (;;) {
      const accounts = ids.length === 0 ? [] : await ledger.lookupAccounts(ids)
      const filled = accounts.filter((account) => account !== undefined).filter((one) => freeOf(one) > 0n)
      if (filled.length === 0) return
      const filledIds = filled.map((account) => account.id)
      await moveFree(payment, filledIds, toAccountId, signal)
    }
  }

  /** What is free on accounts at this moment, which may be nothing. */
  async function moveFree(
    payment: PaymentMoney,
    accountIds: readonly bigint[],
    toAccountId: bigint,
    signal: AbortSignal
  ): Promise<void> {
    const moves = accountIds.map((accountId): NewTransfer => ({
      id: random.orderedId(),
      debitAccountId: accountId,
      creditAccountId: toAccountId,
      amount: MAX_AMOUNT,
      ledger: payment.asset.ledger,
      code: TransferCode.EPOCH_MOVE,
      flags: { balancingDebit: true }
    }))
    const results = await submitUntilKnown(moves, signal)
    const refused = results.find((result) => result !== 'ok' && result !== 'exists')
    if (refused) throw new Error(`the ledger refused to move money of payment ${payment.id}: ${refused}`)
  }

  async function readEpoch(epoch: number, account: Account): Promise<EpochBooks> {
    const books: EpochBooks = { epoch, sent: 0n, delivered: 0n, inDoubt: [] }
    let after: bigint | undefined
    for (;;) {
      const page = await ledger.queryTransfers({
        accountId: account.id,
        side: 'debit',
        code: TransferCode.TRANSFER,
        order: 'oldestFirst',
        limit: TRANSFER_PAGE,
        ...(after !== undefined && { after })
      })
      for (const transfer of page) {
        if (!transfer.flags.postPending) continue
        books.sent += transfer.amount
        books.delivered += transfer.userData64
      }
      if (page.length < TRANSFER_PAGE) break
      after = page.at(-1)!.timestamp
    }
    if (account.debitsPending > 0n) books.inDoubt = await readInDoubt(account.id)
    return books
  }

  async function readInDoubt(accountId: bigint): Promise<Transfer[]> {
    const found: Transfer[] = []
    for (;;) {
      const after = found.at(-1)?.timestamp
      const page = await ledger.queryTransfers({
        accountId,
        side: 'debit',
        pendingOnly: true,
        order: 'oldestFirst',
        limit: TRANSFER_PAGE,
        ...(after !== undefined && { after })
      })
      found.push(...page)
      if (page.length < TRANSFER_PAGE) return found
    }
  }

  return {
    submitUntilKnown,
    fund,
    wasFundedHere: (paymentId) => opened.has(paymentId),
    async openEpoch(payment, epoch, signal) {
      if (epoch === 1 && opened.delete(payment.id)) return
      await createAccounts(payment, [epochAccount(payment, epoch)])
      await bookBudget(payment, epoch, signal)
      if (epoch > 1) await sweep(payment, upTo(epoch - 1), epochAccountId(payment.id, epoch), signal)
    },
    async sweepFormerEpochs(payment, epoch, signal) {
      await createAccounts(payment, [epochAccount(payment, epoch)])
      await sweep(payment, upTo(epoch - 1), epochAccountId(payment.id, epoch), signal)
    },
    async returnLeftover(payment, epoch, signal) {
      // Nobody was there before the first epoch, and its owner has nothing in flight: one move takes all.
      if (epoch === 1)
        await moveFree(payment, [epochAccountId(payment.id, 1)], paymentAccountId(payment.id), signal)
      else await sweep(payment, upTo(epoch), paymentAccountId(payment.id), signal)
    },
    async epochBooks(paymentId, epoch) {
      const accounts = await ledger.lookupAccounts(upTo(epoch).map((each) => epochAccountId(paymentId, each)))
      const books: EpochBooks[] = []
      for (const [index, account] of accounts.entries()) {
        if (account && (account.debitsPosted > 0n || account.debitsPending > 0n)) {
          books.push(await readEpoch(index + 1, account))
        }
      }
      return books
    },
    async sentAmounts(payments) {
      const ids = payments.flatMap(({ money, epoch }) => [
        paymentAccountId(money.id),
        ...upTo(epoch).map((each) => epochAccountId(money.id, each))
      ])
      const accounts = ids.length === 0 ? [] : await ledger.lookupAccounts(ids)
      let offset = 0
      return payments.map(({ money, epoch }) => {
        const [own, ...epochs] = accounts.slice(offset, (offset += epoch + 1))
        return sentOf(money, own, epochs)
      })
    },
    async settle(reservation, delivered, signal) {
      const ids = packetTransferIds(reservation.id)
      const [secondLeg] = await ledger.lookupTransfers([ids.reserve[1]])
      const isPost = delivered !== undefined
      const legs = secondLeg ? [reservation, secondLeg] : [reservation]
      const transfers = legs.map((leg, index): NewTransfer => {
        const isFirst = index === 0
        return {
          id: (isPost ? ids.post : ids.void)[isFirst ? 0 : 1],
          pendingId: leg.id,
          debitAccountId: leg.debitAccountId,
          creditAccountId: leg.creditAccountId,
          ledger: leg.ledger,
          code: leg.code,
          amount: isPost ? leg.amount : 0n,
          ...(isFirst && {
            userData128: reservation.userData128,
            userData64: delivered ?? reservation.userData64,
            userData32: reservation.userData32
          }),
          flags: {
            ...(isPost ? { postPending: true } : { voidPending: true }),
            linked: index < legs.length - 1
          }
        }
      })
      const results = await submitUntilKnown(transfers, signal)
      if (chainIsDone(results)) return true
      const refusal = chainFailure(results)
      switch (refusal) {
        case 'exists_with_different_fields':
          // The packet's own process ended it at last, the same way.
          return true
        case 'pending_transfer_already_posted':
          return isPost
        case 'pending_transfer_already_voided':
          return !isPost
        default:
          throw new Error(`the ledger refused to settle a packet of a payment: ${refusal}`)
      }
    }
  }
}

function upTo(epoch: number): number[] {
  return Array.from({ length: epoch }, (_, index) => index + 1)
}

function freeOf({ creditsPosted, debitsPosted, debitsPending }: Account): bigint {
  return creditsPosted - debitsPosted - debitsPending
}

/**
 * The budget, less what the epochs' accounts still hold, less what came back to the payment's account beyond
 * its deposit: right at every moment, withdrawals of the wallet left out.
 */
function sentOf(
  money: PaymentMoney,
  own: Account | undefined,
  epochs: readonly (Account | undefined)[]
): bigint {
  const isBudgeted = epochs.some((account) => account && account.creditsPosted > 0n)
  if (!own || !isBudgeted) return 0n
  const held = epochs.reduce(
    (sum, account) => sum + (account ? account.creditsPosted - account.debitsPosted : 0n),
    0n
  )
  return money.debitAmountMinusFees - held - (own.creditsPosted - money.debitAmount.value)
}
