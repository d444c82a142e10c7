import { AMOUNT_ALL } from '../model.ts'
import type { Account, NewAccount, NewTransfer, PendingState, Transfer } from '../model.ts'
import {
  accountFlagBits,
  accountFlagsOf,
  balancingLimit,
  endsPending,
  transferFlagBits,
  transferFlagsOf
} from '../transfer-rules.ts'

/** How far a pending transfer got. Its balances are held while this is `pending`. */
export interface PendingRecord {
  transfer: Transfer
  state: PendingState
  /** Wall clock from which it can no longer be posted; undefined: never. */
  expiresAtMs: number | undefined
}

export function newAccountRecord(account: NewAccount): Account {
  return {
    id: account.id,
    ledger: account.ledger,
    code: account.code,
    flags: accountFlagsOf(accountFlagBits(account)),
    userData128: account.userData128 ?? 0n,
    debitsPending: 0n,
    debitsPosted: 0n,
    creditsPending: 0n,
    creditsPosted: 0n
  }
}

export function isSameAccount(request: NewAccount, existing: Account): boolean {
  return (
    accountFlagBits(request) === accountFlagBits(existing) &&
    (request.userData128 ?? 0n) === existing.userData128 &&
    request.ledger === existing.ledger &&
    request.code === existing.code
  )
}

/**
 * The record of a transfer that is booked. One that ends a pending transfer takes over whatever it leaves 0:
 * accounts, ledger, code and user data.
 */
export function newTransferRecord(
  request: NewTransfer,
  pending: Transfer | undefined,
  booked: { amount: bigint; timestamp: bigint; createdAtMs: number }
): Transfer {
  return {
    id: request.id,
    debitAccountId: pending?.debitAccountId ?? request.debitAccountId,
    creditAccountId: pending?.creditAccountId ?? request.creditAccountId,
    amount: booked.amount,
    ledger: pending?.ledger ?? request.ledger,
    code: pending?.code ?? request.code,
    flags: transferFlagsOf(transferFlagBits(request)),
    pendingId: request.pendingId ?? 0n,
    timeoutS: request.timeoutS ?? 0,
    userData128: request.userData128 || (pending?.userData128 ?? 0n),
    userData64: request.userData64 || (pending?.userData64 ?? 0n),
    userData32: request.userData32 || (pending?.userData32 ?? 0),
    timestamp: booked.timestamp,
    createdAtMs: booked.createdAtMs
  }
}

/** Whether a repeat asks for what was booked. `pending` is what `existing` ended, if it ended something. */
export function isSameTransfer(
  request: NewTransfer,
  existing: Transfer,
  pending: Transfer | undefined
): boolean {
  if (transferFlagBits(request) !== transferFlagBits(existing)) return false
  if ((request.pendingId ?? 0n) !== existing.pendingId) return false
  if ((request.timeoutS ?? 0) !== existing.timeoutS) return false
  if (endsPending(request) && pending) {
    const asked = askedOfPending(request, pending)
    return (
      asked === existing.amount &&
      (request.debitAccountId === 0n || request.debitAccountId === existing.debitAccountId) &&
      (request.creditAccountId === 0n || request.creditAccountId === existing.creditAccountId) &&
      (request.ledger === 0 || request.ledger === existing.ledger) &&
      (request.code === 0 || request.code === existing.code) &&
      (request.userData128 || pending.userData128) === existing.userData128 &&
      (request.userData64 || pending.userData64) === existing.userData64 &&
      (request.userData32 || pending.userData32) === existing.userData32
    )
  }
  return (
    (request.flags?.balancingDebit
      ? balancingLimit(request.amount) >= existing.amount
      : request.amount === existing.amount) &&
    request.debitAccountId === existing.debitAccountId &&
    request.creditAccountId === existing.creditAccountId &&
    request.ledger === existing.ledger &&
    request.code === existing.code &&
    (request.userData128 ?? 0n) === existing.userData128 &&
    (request.userData64 ?? 0n) === existing.userData64 &&
    (request.userData32 ?? 0) === existing.userData32
  )
}

/** The amount that a post or void asks for: the whole reservation where it does not say. */
export function askedOfPending({ amount, flags }: NewTransfer, pending: Transfer): bigint {
  const whole = flags?.voidPending ? amount === 0n : amount === AMOUNT_ALL
  return whole ? pending.amount : amount
}
