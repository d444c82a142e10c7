import { createHash } from 'node:crypto'
import { AMOUNT_ALL, LedgerUnavailableError, MAX_AMOUNT, TransferCode } from '../../ledger/index.ts'
import type { Ledger, LedgerWriter, NewTransfer, SubmissionResult } from '../../ledger/index.ts'
import { idToUuid, uuidToId } from '../../runtime/index.ts'
import type { Clock, Database, Logger, Random } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import { failure } from '../model.ts'
import type { Failure, Transaction } from '../model.ts'
import { isUuid } from '../sql.ts'
import { createLiquidityAccounts } from './accounts.ts'
import { createAttemptStore } from './store.ts'
import type { Attempt, TransferKind } from './store.ts'
import type { Liquidity, LiquidityFailure } from './model.ts'

export interface LiquidityDependencies {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  ledger: Ledger
  writer: LedgerWriter
  assets: Pick<RunningAssetDirectory, 'find'>
}

interface Request {
  id: string
  kind: TransferKind
  accountId: string
  asset: Asset
  amount: bigint
  timeoutSeconds: number
}

type Refusal = Failure<LiquidityFailure>

/** A call whose outcome the ledger leaves unknown is repeated, identical, this often before it is given up. */
export const MAX_LEDGER_REPEATS = 4
export const LEDGER_REPEAT_DELAY_MS = 100
/** Attempts under one outer id within one call: another caller may spend one between our look and our claim. */
const MAX_ROUNDS = 5
/**
 * An attempt that its caller has not finished after this long is anybody's to finish: each repeat to the ledger ends
 * far earlier.
 */
export const ABANDONED_AFTER_MS = 60_000

export interface LiquidityService extends Liquidity {
  /** Claims a deposit within the transaction that makes it due; `deposit` with the same fields carries it out. */
  claimDeposit(
    trx: Transaction,
    deposit: { id: string; accountId: string; asset: Asset; amount: bigint }
  ): Promise<void>
  /** Carries out the deposits that were claimed for rows of `table` (under their ids) and never finished. */
  finishDeposits(table: 'peers' | 'btpSettlements'): Promise<void>
}

/**
 * Deposits and withdrawals under ids that callers chose (the events' ids: repeating is safe).
 *
 *   (ask) ──claim──▶ STARTED ──ledger booked──▶ POSTED               deposit, withdrawal at once
 *                      │  ╲
 *                      │   ──ledger reserved──▶ PENDING ──post──▶ POSTED
 *                      │                          │╲──void──▶ VOIDED
 *                      │                           ╲──its time passes, and it is asked again──▶ LAPSED
 *                      └──ledger refused──▶ REFUSED
 *
 *   REFUSED, VOIDED, LAPSED ──ask again──▶ (next attempt: STARTED)
 *
 * The claim is a row; the ledger's transfer follows under the row's ledger id, then the row's state. Whoever
 * dies in between leaves STARTED: asking again sends the identical record, whatever the new terms. Exactly one
 * caller moves a row out of STARTED and is told that it worked; everyone else gets TransferExists.
 */
export function createLiquidity(dependencies: LiquidityDependencies): LiquidityService {
  const { database, clock, random, logger, ledger, writer, assets } = dependencies
  const store = createAttemptStore({ clock })
  const accounts = createLiquidityAccounts({ ledger })

  async function transfer(request: Request): Promise<void | Refusal> {
    const refused = checkRequest(request)
    if (refused) return refused
    const first = newAttempt(request, 0, request.id)
    let isFirst = await store.insertFirst(database.knex, first)
    if (!isFirst && (await store.isEventOfAnother(database.knex, request.id, request.accountId)))
      return exists(request.id)
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const attempt = isFirst ? first : await claim(request)
      isFirst = false
      if (attempt === undefined) continue
      if (attempt === 'taken') return exists(request.id)
      const outcome = await book(attempt, request.asset)
      if (outcome === 'ok') return
      if (outcome === 'spent') continue
      return outcome
    }
    throw new Error(`transfer ${request.id} was contended ${MAX_ROUNDS} times`)
  }

  /** The attempt to carry out: ours or one that was left STARTED. Undefined: look again. */
  async function claim(request: Request): Promise<Attempt | 'taken' | undefined> {
    const first = newAttempt(request, 0, request.id)
    if (await store.insert(database.knex, first)) return first
    const latest = await store.latest(database.knex, request.id)
    if (latest === undefined) return undefined
    if (await mayAskAgain(latest, request)) {
      const next = newAttempt(request, latest.attempt + 1, idToUuid(random.orderedId()))
      return (await store.insert(database.knex, next)) ? next : undefined
    }
    if (latest.state !== 'STARTED') return 'taken'
    return isSame(latest, request) ? latest : carryOutOther(latest, request)
  }

  /**
   * An attempt that was begun on other terms for the same account, and whose caller may be dead: it is booked as it
   * was begun, so that it is true that it exists, or that it does not. Its caller, or who repeats it, is told that it
   * worked, unless it was abandoned long ago. Undefined: look again, its state tells now.
   */
  async function carryOutOther(attempt: Attempt, request: Request): Promise<'taken' | undefined> {
    if (attempt.kind !== request.kind || attempt.accountId !== request.accountId.toLowerCase()) return 'taken'
    const isAbandoned = clock.nowMs() - attempt.createdAt.getTime() >= ABANDONED_AFTER_MS
    const outcome = await book(attempt, request.asset, isAbandoned ? 'ours to tell' : 'told by another')
    return typeof outcome === 'object' && outcome.failure === 'TransferExists' ? 'taken' : undefined
  }

  /**
   * Whether the latest attempt left the money where it was, for good. What was voided or lapsed is given up for
   * this account alone: its id goes on naming that account's withdrawal.
   */
  async function mayAskAgain(latest: Attempt, request: Request): Promise<boolean> {
    if (latest.state === 'REFUSED') return true
    if (latest.kind !== request.kind || latest.accountId !== request.accountId.toLowerCase()) return false
    if (latest.state === 'PENDING') return hasLapsed(latest)
    return latest.state === 'VOIDED' || latest.state === 'LAPSED'
  }

  /**
   * Whether the ledger will never post a PENDING withdrawal, and writes that down. Its own word counts, for its
   * clock may differ from ours: after the sweep, which frees the money too, a void meets the end that stands.
   */
  async function hasLapsed(attempt: Attempt): Promise<boolean> {
    const [state] = await ledger.pendingStates([uuidToId(attempt.ledgerTransferId)])
    if (state !== 'expired' && state !== 'voided') return false
    await ledger.sweepExpired()
    const result = await submit(finishingTransfer(attempt, 'void'))
    switch (result) {
      case 'ok':
      case 'exists':
      case 'pending_transfer_already_voided':
        await store.finish(database.knex, attempt, 'VOIDED')
        return true
      case 'pending_transfer_expired':
        await store.finish(database.knex, attempt, 'LAPSED')
        return true
      case 'pending_transfer_already_posted':
        return false
      default:
        throw new Error(`the ledger refused to void withdrawal ${attempt.id}: ${result}`)
    }
  }

  function newAttempt(request: Request, attempt: number, ledgerTransferId: string): Attempt {
    const { id, kind, accountId, asset, amount, timeoutSeconds } = request
    const expiresAt = timeoutSeconds > 0 ? new Date(clock.nowMs() + timeoutSeconds * 1_000) : null
    return {
      id,
      attempt,
      ledgerTransferId,
      kind,
      accountId,
      assetId: asset.id,
      amount,
      timeoutSeconds,
      state: 'STARTED',
      expiresAt,
      createdAt: new Date(clock.nowMs())
    }
  }

  /**
   * Sends a STARTED attempt to the ledger and writes what became of it, but for success where another is to write and
   * tell it. `spent`: its ledger id was refused before.
   */
  async function book(
    attempt: Attempt,
    asset: Asset,
    success: 'ours to tell' | 'told by another' = 'ours to tell'
  ): Promise<'ok' | 'spent' | Refusal> {
    const result = await submit(ledgerTransfer(attempt, asset))
    switch (result) {
      case 'ok':
      case 'exists': {
        if (success === 'told by another') return exists(attempt.id)
        const done = await store.settle(
          database.knex,
          attempt,
          attempt.timeoutSeconds > 0 ? 'PENDING' : 'POSTED'
        )
        return done ? 'ok' : exists(attempt.id)
      }
      case 'exceeds_credits':
      case 'exceeds_debits':
        await store.settle(database.knex, attempt, 'REFUSED')
        return failure(
          'InsufficientBalance',
          `account ${attempt.accountId} holds less than ${attempt.amount}`
        )
      case 'debit_account_not_found':
      case 'credit_account_not_found':
        await store.settle(database.knex, attempt, 'REFUSED')
        return failure('UnknownAccount', `there is no liquidity account ${attempt.accountId}`)
      case 'id_already_failed':
        await store.settle(database.knex, attempt, 'REFUSED')
        return 'spent'
      case 'exists_with_different_fields':
        return exists(attempt.id)
      default:
        throw new Error(`the ledger refused transfer ${attempt.id} of ${attempt.kind}: ${result}`)
    }
  }

  function ledgerTransfer(attempt: Attempt, asset: Asset): NewTransfer {
    const account = uuidToId(attempt.accountId)
    const settlement = BigInt(asset.ledger)
    const deposit = attempt.kind === 'DEPOSIT'
    return {
      id: uuidToId(attempt.ledgerTransferId),
      debitAccountId: deposit ? settlement : account,
      creditAccountId: deposit ? account : settlement,
      amount: attempt.amount,
      ledger: asset.ledger,
      code: deposit ? TransferCode.DEPOSIT : TransferCode.WITHDRAWAL,
      timeoutS: attempt.timeoutSeconds,
      flags: { pending: attempt.timeoutSeconds > 0 }
    }
  }

  async function submit(record: NewTransfer): Promise<SubmissionResult> {
    for (let repeat = 0; ; repeat++) {
      try {
        const [result] = await writer.submit([record])
        if (result === undefined) throw new Error('the ledger answered nothing')
        return result
      } catch (error) {
        if (!(error instanceof LedgerUnavailableError) || repeat >= MAX_LEDGER_REPEATS) throw error
        logger.warn(
          { err: error, transferId: idToUuid(record.id), repeat },
          'the ledger did not answer; repeating'
        )
        await clock.sleep(LEDGER_REPEAT_DELAY_MS * 2 ** repeat)
      }
    }
  }

  async function finishWithdrawal(
    id: string,
    step: 'post' | 'void',
    tenantId?: string
  ): Promise<void | Refusal> {
    if (!isUuid(id)) return failure('InvalidId', `"${id}" is not a UUID`)
    let attempt = await store.latest(database.knex, id)
    if (attempt && tenantId !== undefined) {
      const asset = await assets.find(attempt.assetId)
      if (asset?.tenantId !== tenantId) return failure('UnknownTransfer', `there is no withdrawal ${id}`)
    }
    if (attempt?.state === 'STARTED') {
      await finishStarted(attempt)
      attempt = await store.latest(database.knex, id)
    }
    if (attempt === undefined || attempt.state === 'REFUSED' || attempt.state === 'STARTED') {
      return failure('UnknownTransfer', `there is no withdrawal ${id}`)
    }
    if (attempt.state === 'POSTED') return posted(id)
    if (attempt.state === 'VOIDED') return voided(id)
    if (attempt.state === 'LAPSED') return lapsed(attempt)
    const result = await submit(finishingTransfer(attempt, step))
    switch (result) {
      case 'ok':
      case 'exists':
        // Who comes second is told of this attempt: the next one, if there is one already, is not its business.
        if (await store.finish(database.knex, attempt, step === 'post' ? 'POSTED' : 'VOIDED')) return
        return step === 'post' ? posted(id) : voided(id)
      case 'pending_transfer_already_posted':
        return posted(id)
      case 'pending_transfer_already_voided':
        return voided(id)
      case 'pending_transfer_expired':
        return lapsed(attempt)
      default:
        throw new Error(`the ledger refused to ${step} withdrawal ${id}: ${result}`)
    }
  }

  /** Carries out an attempt whose caller died. Its refusal is written down; nobody waits for it. */
  async function finishStarted(attempt: Attempt): Promise<void> {
    const asset = await assets.find(attempt.assetId)
    if (asset === undefined)
      throw new Error(`transfer ${attempt.id} has the unknown asset ${attempt.assetId}`)
    const outcome = await book(attempt, asset)
    if (typeof outcome === 'object' && outcome.failure !== 'TransferExists') {
      logger.warn(
        { transferId: attempt.id, refusal: outcome },
        'a transfer that was left unfinished is refused'
      )
    }
  }

  return {
    ...accounts,
    deposit: (deposit) => transfer({ ...deposit, kind: 'DEPOSIT', timeoutSeconds: 0 }),
    withdraw: (withdrawal) => transfer({ ...withdrawal, kind: 'WITHDRAWAL' }),
    async isTaken(id) {
      const latest = isUuid(id) ? await store.latest(database.knex, id) : undefined
      return latest !== undefined && !['REFUSED', 'VOIDED', 'LAPSED'].includes(latest.state)
    },
    postWithdrawal: (id, tenantId) => finishWithdrawal(id, 'post', tenantId),
    voidWithdrawal: (id, tenantId) => finishWithdrawal(id, 'void', tenantId),
    async claimDeposit(trx, deposit) {
      const request: Request = { ...deposit, kind: 'DEPOSIT', timeoutSeconds: 0 }
      const refused = checkRequest(request)
      if (refused) throw new Error(`deposit ${deposit.id} cannot be claimed: ${refused.message}`)
      await store.insert(trx, newAttempt(request, 0, request.id))
    },
    async finishDeposits(table) {
      for (const attempt of await store.startedDepositsOf(database.knex, table)) await finishStarted(attempt)
    }
  }
}

function checkRequest({ id, amount, timeoutSeconds }: Request): Refusal | undefined {
  if (!isUuid(id) || uuidToId(id) === 0n || uuidToId(id) === 2n ** 128n - 1n) {
    return failure('InvalidId', `"${id}" is not a UUID that can name a transfer`)
  }
  if (amount === 0n) return failure('AmountZero', 'the amount is zero')
  if (amount < 0n || amount > MAX_AMOUNT) throw new RangeError(`${amount} is no amount of a transfer`)
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 0) {
    throw new RangeError(`a timeout of ${timeoutSeconds} s is not a whole number of seconds`)
  }
  return undefined
}

/** Whether a request repeats an attempt, or merely uses its id. */
function isSame(attempt: Attempt, request: Request): boolean {
  return (
    attempt.kind === request.kind &&
    attempt.accountId === request.accountId.toLowerCase() &&
    attempt.amount === request.amount &&
    attempt.timeoutSeconds === request.timeoutSeconds
  )
}

function exists(id: string): Refusal {
  return failure('TransferExists', `a transfer ${id} exists already`)
}

function posted(id: string): Refusal {
  return failure('AlreadyPosted', `transfer ${id} is posted already`)
}

function voided(id: string): Refusal {
  return failure('AlreadyVoided', `transfer ${id} is voided already`)
}

function lapsed({ id, timeoutSeconds }: Attempt): Refusal {
  return failure('TransferExpired', `withdrawal ${id} lapsed after ${timeoutSeconds} s`)
}

function finishingTransfer({ ledgerTransferId }: Attempt, step: 'post' | 'void'): NewTransfer {
  return {
    id: finishingId(ledgerTransferId, step),
    debitAccountId: 0n,
    creditAccountId: 0n,
    ledger: 0,
    code: 0,
    pendingId: uuidToId(ledgerTransferId),
    amount: step === 'post' ? AMOUNT_ALL : 0n,
    flags: step === 'post' ? { postPending: true } : { voidPending: true }
  }
}

/** The id of the transfer that posts or voids another: derived, so that a repeat is the identical record. */
function finishingId(ledgerTransferId: string, step: 'post' | 'void'): bigint {
  const digest = createHash('sha256').update(`${step} ${ledgerTransferId}`).digest('hex')
  return BigInt(`0x${digest.slice(0, 32)}`)
}
