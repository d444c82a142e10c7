import { AMOUNT_ALL, ID_MAX, MAX_AMOUNT, MAX_BATCH_EVENTS } from './model.ts'
import type { CreateAccountResult, CreateTransferResult, NewAccount, NewTransfer, Transfer } from './model.ts'

/** Rules that need no store, shared by every implementation. */

/** Bits of transfer flags as TigerBeetle has them: what a store keeps. */
export const TransferFlag = {
  LINKED: 1,
  PENDING: 2,
  POST_PENDING: 4,
  VOID_PENDING: 8,
  BALANCING_DEBIT: 16
} as const

/** Bits of account flags as TigerBeetle has them. */
export const AccountFlag = {
  LINKED: 1,
  DEBITS_MUST_NOT_EXCEED_CREDITS: 2,
  CREDITS_MUST_NOT_EXCEED_DEBITS: 4,
  HISTORY: 8
} as const

/** The most transfers that one query answers. */
export const MAX_QUERY_TRANSFERS = 10_000

export function transferFlagBits({ flags }: Pick<NewTransfer, 'flags'>): number {
  return (
    (flags?.linked ? TransferFlag.LINKED : 0) |
    (flags?.pending ? TransferFlag.PENDING : 0) |
    (flags?.postPending ? TransferFlag.POST_PENDING : 0) |
    (flags?.voidPending ? TransferFlag.VOID_PENDING : 0) |
    (flags?.balancingDebit ? TransferFlag.BALANCING_DEBIT : 0)
  )
}

export function transferFlagsOf(bits: number): Transfer['flags'] {
  return {
    linked: (bits & TransferFlag.LINKED) !== 0,
    pending: (bits & TransferFlag.PENDING) !== 0,
    postPending: (bits & TransferFlag.POST_PENDING) !== 0,
    voidPending: (bits & TransferFlag.VOID_PENDING) !== 0,
    balancingDebit: (bits & TransferFlag.BALANCING_DEBIT) !== 0
  }
}

export function accountFlagBits({ flags }: Pick<NewAccount, 'flags'>): number {
  return (
    (flags?.linked ? AccountFlag.LINKED : 0) |
    (flags?.debitsMustNotExceedCredits ? AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS : 0) |
    (flags?.creditsMustNotExceedDebits ? AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS : 0) |
    (flags?.history ? AccountFlag.HISTORY : 0)
  )
}

export function accountFlagsOf(bits: number): Required<NonNullable<NewAccount['flags']>> {
  return {
    linked: (bits & AccountFlag.LINKED) !== 0,
    debitsMustNotExceedCredits: (bits & AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS) !== 0,
    creditsMustNotExceedDebits: (bits & AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS) !== 0,
    history: (bits & AccountFlag.HISTORY) !== 0
  }
}

/** True for a transfer that ends a pending one. */
export function endsPending({ flags }: Pick<NewTransfer, 'flags'>): boolean {
  return flags?.postPending === true || flags?.voidPending === true
}

/** What `amount` asks a balancing transfer to move at most. */
export function balancingLimit(amount: bigint): bigint {
  return amount > MAX_AMOUNT ? MAX_AMOUNT : amount
}

/**
 * What is wrong with a transfer whatever the store holds. Where a transfer of this id exists, that comes first
 * (an id that is refused here never exists).
 */
export function staticRefusal(transfer: NewTransfer): CreateTransferResult | undefined {
  const { id, flags, debitAccountId, creditAccountId, pendingId = 0n, timeoutS = 0 } = transfer
  if (id === 0n) return 'id_must_not_be_zero'
  if (id === ID_MAX) return 'id_must_not_be_int_max'
  if (endsPending(transfer)) {
    if (flags?.postPending && flags.voidPending) return 'flags_are_mutually_exclusive'
    if (flags?.pending || flags?.balancingDebit) return 'flags_are_mutually_exclusive'
    if (pendingId === 0n) return 'pending_id_must_not_be_zero'
    if (pendingId === ID_MAX) return 'pending_id_must_not_be_int_max'
    if (pendingId === id) return 'pending_id_must_be_different'
    if (timeoutS !== 0) return 'timeout_reserved_for_pending_transfer'
    return undefined
  }
  if (debitAccountId === 0n) return 'debit_account_id_must_not_be_zero'
  if (debitAccountId === ID_MAX) return 'debit_account_id_must_not_be_int_max'
  if (creditAccountId === 0n) return 'credit_account_id_must_not_be_zero'
  if (creditAccountId === ID_MAX) return 'credit_account_id_must_not_be_int_max'
  if (debitAccountId === creditAccountId) return 'accounts_must_be_different'
  if (pendingId !== 0n) return 'pending_id_must_be_zero'
  if (timeoutS !== 0 && !flags?.pending) return 'timeout_reserved_for_pending_transfer'
  if (transfer.ledger === 0) return 'ledger_must_not_be_zero'
  if (transfer.code === 0) return 'code_must_not_be_zero'
  if (transfer.amount > MAX_AMOUNT && !flags?.balancingDebit) return 'amount_must_not_exceed_64_bits'
  return undefined
}

/** What is wrong with an account whatever the store holds; an account that exists comes first. */
export function staticAccountRefusal({
  id,
  flags,
  ledger,
  code
}: NewAccount): CreateAccountResult | undefined {
  if (id === 0n) return 'id_must_not_be_zero'
  if (id === ID_MAX) return 'id_must_not_be_int_max'
  if (flags?.debitsMustNotExceedCredits && flags.creditsMustNotExceedDebits) {
    return 'flags_are_mutually_exclusive'
  }
  if (ledger === 0) return 'ledger_must_not_be_zero'
  if (code === 0) return 'code_must_not_be_zero'
  return undefined
}

const MAX_UINT_64 = 2n ** 64n - 1n
const MAX_UINT_32 = 2 ** 32 - 1
const MAX_UINT_16 = 2 ** 16 - 1

/**
 * Refuses what no record can hold: a bug of the caller, not an answer of the ledger.
 *
 * @throws RangeError that names the field
 */
export function assertTransfers(transfers: readonly NewTransfer[]): void {
  assertBatchSize(transfers.length)
  for (let index = 0; index < transfers.length; index++) {
    const transfer = transfers[index]!
    const where = () => `transfer ${index} (id ${transfer.id})`
    assertBigint(where, 'id', transfer.id, ID_MAX)
    assertBigint(where, 'debitAccountId', transfer.debitAccountId, ID_MAX)
    assertBigint(where, 'creditAccountId', transfer.creditAccountId, ID_MAX)
    assertBigint(where, 'amount', transfer.amount, AMOUNT_ALL)
    assertBigint(where, 'pendingId', transfer.pendingId ?? 0n, ID_MAX)
    assertBigint(where, 'userData128', transfer.userData128 ?? 0n, ID_MAX)
    assertBigint(where, 'userData64', transfer.userData64 ?? 0n, MAX_UINT_64)
    assertNumber(where, 'userData32', transfer.userData32 ?? 0, MAX_UINT_32)
    assertNumber(where, 'timeoutS', transfer.timeoutS ?? 0, MAX_UINT_32)
    assertNumber(where, 'ledger', transfer.ledger, MAX_UINT_32)
    assertNumber(where, 'code', transfer.code, MAX_UINT_16)
  }
}

/** @throws RangeError that names the field */
export function assertAccounts(accounts: readonly NewAccount[]): void {
  assertBatchSize(accounts.length)
  for (const [index, account] of accounts.entries()) {
    const where = () => `account ${index} (id ${account.id})`
    assertBigint(where, 'id', account.id, ID_MAX)
    assertBigint(where, 'userData128', account.userData128 ?? 0n, ID_MAX)
    assertNumber(where, 'ledger', account.ledger, MAX_UINT_32)
    assertNumber(where, 'code', account.code, MAX_UINT_16)
  }
}

/** @throws RangeError for a limit that is no number of rows */
export function assertQueryLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_QUERY_TRANSFERS) return
  throw new RangeError(`limit is ${limit}; a query answers 1 to ${MAX_QUERY_TRANSFERS} transfers`)
}

function assertBatchSize(events: number): void {
  if (events <= MAX_BATCH_EVENTS) return
  throw new RangeError(`a batch of ${events} events; at most ${MAX_BATCH_EVENTS} fit`)
}

function assertBigint(where: () => string, field: string, value: bigint, max: bigint): void {
  if (typeof value === 'bigint' && value >= 0n && value <= max) return
  throw new RangeError(`${where()}: ${field} is ${String(value)}; a bigint from 0 to ${max} is needed`)
}

function assertNumber(where: () => string, field: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return
  throw new RangeError(`${where()}: ${field} is ${String(value)}; a whole number from 0 to ${max} is needed`)
}
