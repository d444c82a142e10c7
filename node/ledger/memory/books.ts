import type { Account, CreateTransferResult, NewTransfer, Transfer } from '../model.ts'
import { TRANSIENT_RESULTS } from '../model.ts'
import { balancingLimit, endsPending, staticRefusal } from '../transfer-rules.ts'
import { askedOfPending, isSameTransfer, newTransferRecord } from './records.ts'
import type { PendingRecord } from './records.ts'

/** All that a ledger in memory knows. */
export interface Books {
  accounts: Map<bigint, Account>
  transfers: Map<bigint, Transfer>
  pending: Map<bigint, PendingRecord>
  /** Ids spent by a refusal that depended on the moment. */
  refusedIds: Set<bigint>
  /** In the order of booking: what queries walk. */
  byAccount: Map<bigint, Transfer[]>
  byUserData128: Map<bigint, Transfer[]>
  all: Transfer[]
  lastTimestamp: bigint
}

export function emptyBooks(): Books {
  return {
    accounts: new Map(),
    transfers: new Map(),
    pending: new Map(),
    refusedIds: new Set(),
    byAccount: new Map(),
    byUserData128: new Map(),
    all: [],
    lastTimestamp: 0n
  }
}

/**
 * Applies a batch in order. A chain of linked events is applied event by event and undone as a whole when one
 * of them fails; the event that failed keeps its reason, the others get `linked_event_failed`.
 */
export function applyBatch(
  books: Books,
  transfers: readonly NewTransfer[],
  nowMs: number
): CreateTransferResult[] {
  const results: CreateTransferResult[] = []
  let chainStart: number | undefined
  let chainBroken = false
  let undo: (() => void)[] = []

  for (const [index, transfer] of transfers.entries()) {
    const linked = transfer.flags?.linked === true
    if (linked) chainStart ??= index
    const open = linked && index === transfers.length - 1
    let result: CreateTransferResult
    if (open) result = 'linked_event_chain_open'
    else if (chainBroken) result = 'linked_event_failed'
    else result = apply(books, transfer, nowMs, undo)

    if (result !== 'ok') {
      if (chainStart !== undefined && !chainBroken) {
        chainBroken = true
        for (const step of undo.reverse()) step()
        results.fill('linked_event_failed', chainStart)
      }
      // After the chain was undone: the id stays spent although the chain left no other trace.
      if (TRANSIENT_RESULTS.has(result)) books.refusedIds.add(transfer.id)
    }
    results.push(result)
    if (!linked || open) {
      chainStart = undefined
      chainBroken = false
      undo = []
    }
  }
  return results
}

function apply(
  books: Books,
  transfer: NewTransfer,
  nowMs: number,
  undo: (() => void)[]
): CreateTransferResult {
  const existing = books.transfers.get(transfer.id)
  if (existing) {
    const ended = books.pending.get(existing.pendingId)?.transfer
    return isSameTransfer(transfer, existing, ended) ? 'exists' : 'exists_with_different_fields'
  }
  if (books.refusedIds.has(transfer.id)) return 'id_already_failed'
  const refusal = staticRefusal(transfer)
  if (refusal) return refusal
  return endsPending(transfer)
    ? applyEnd(books, transfer, nowMs, undo)
    : applyMove(books, transfer, nowMs, undo)
}

/** A transfer that moves or reserves. */
function applyMove(
  books: Books,
  transfer: NewTransfer,
  nowMs: number,
  undo: (() => void)[]
): CreateTransferResult {
  const debit = books.accounts.get(transfer.debitAccountId)
  if (!debit) return 'debit_account_not_found'
  const credit = books.accounts.get(transfer.creditAccountId)
  if (!credit) return 'credit_account_not_found'
  if (debit.ledger !== credit.ledger) return 'accounts_must_have_the_same_ledger'
  if (transfer.ledger !== debit.ledger) return 'transfer_must_have_the_same_ledger_as_accounts'

  const debits = debit.debitsPending + debit.debitsPosted
  let amount = transfer.amount
  if (transfer.flags?.balancingDebit) {
    const free = debit.creditsPosted > debits ? debit.creditsPosted - debits : 0n
    const limit = balancingLimit(amount)
    amount = limit < free ? limit : free
  }
  if (debit.flags.debitsMustNotExceedCredits && debits + amount > debit.creditsPosted) {
    return 'exceeds_credits'
  }
  const credits = credit.creditsPending + credit.creditsPosted
  if (credit.flags.creditsMustNotExceedDebits && credits + amount > credit.debitsPosted) {
    return 'exceeds_debits'
  }

  const record = newTransferRecord(transfer, undefined, { amount, ...stamp(books, nowMs) })
  const pending = record.flags.pending
  move(debit, credit, pending ? { pending: amount } : { posted: amount }, undo)
  addTransfer(books, record, undo)
  if (pending) {
    const expiresAtMs = record.timeoutS === 0 ? undefined : nowMs + record.timeoutS * 1000
    books.pending.set(record.id, { transfer: record, state: 'pending', expiresAtMs })
    undo.push(() => books.pending.delete(record.id))
  }
  return 'ok'
}

/** A post or void. */
function applyEnd(
  books: Books,
  transfer: NewTransfer,
  nowMs: number,
  undo: (() => void)[]
): CreateTransferResult {
  const reserved = books.transfers.get(transfer.pendingId!)
  if (!reserved) return 'pending_transfer_not_found'
  const pending = books.pending.get(reserved.id)
  if (!pending) return 'pending_transfer_not_pending'

  const differs = (given: bigint | number, of: bigint | number) => given !== of && given !== 0n && given !== 0
  if (differs(transfer.debitAccountId, reserved.debitAccountId)) {
    return 'pending_transfer_has_different_debit_account_id'
  }
  if (differs(transfer.creditAccountId, reserved.creditAccountId)) {
    return 'pending_transfer_has_different_credit_account_id'
  }
  if (differs(transfer.ledger, reserved.ledger)) return 'pending_transfer_has_different_ledger'
  if (differs(transfer.code, reserved.code)) return 'pending_transfer_has_different_code'

  const amount = askedOfPending(transfer, reserved)
  if (amount > reserved.amount) return 'exceeds_pending_transfer_amount'
  if (transfer.flags?.voidPending && amount < reserved.amount) return 'pending_transfer_has_different_amount'

  if (pending.state === 'posted') return 'pending_transfer_already_posted'
  if (pending.state === 'voided') return 'pending_transfer_already_voided'
  if (hasExpired(pending, nowMs)) return 'pending_transfer_expired'

  const posting = transfer.flags?.postPending === true
  const record = newTransferRecord(transfer, reserved, { amount, ...stamp(books, nowMs) })
  release(books, pending, posting ? amount : 0n, undo)
  pending.state = posting ? 'posted' : 'voided'
  undo.push(() => {
    pending.state = 'pending'
  })
  addTransfer(books, record, undo)
  return 'ok'
}

/** True when a reservation can no longer be posted, whether or not its balances were freed yet. */
export function hasExpired({ state, expiresAtMs }: PendingRecord, nowMs: number): boolean {
  return state === 'expired' || (state === 'pending' && expiresAtMs !== undefined && expiresAtMs <= nowMs)
}

/** Takes a reservation off both accounts' pending balances and adds what is posted of it. */
export function release(
  books: Books,
  { transfer }: PendingRecord,
  posted: bigint,
  undo: (() => void)[] = []
): void {
  const debit = books.accounts.get(transfer.debitAccountId)!
  const credit = books.accounts.get(transfer.creditAccountId)!
  move(debit, credit, { pending: -transfer.amount, posted }, undo)
}

function move(
  debit: Account,
  credit: Account,
  { pending = 0n, posted = 0n }: { pending?: bigint; posted?: bigint },
  undo: (() => void)[]
): void {
  const add = (factor: bigint) => {
    debit.debitsPending += pending * factor
    debit.debitsPosted += posted * factor
    credit.creditsPending += pending * factor
    credit.creditsPosted += posted * factor
  }
  add(1n)
  undo.push(() => add(-1n))
}

function stamp(books: Books, nowMs: number): { timestamp: bigint; createdAtMs: number } {
  books.lastTimestamp += 1n
  return { timestamp: books.lastTimestamp, createdAtMs: nowMs }
}

function addTransfer(books: Books, transfer: Transfer, undo: (() => void)[]): void {
  const lists = [
    books.all,
    listOf(books.byAccount, transfer.debitAccountId),
    listOf(books.byAccount, transfer.creditAccountId)
  ]
  if (transfer.userData128 !== 0n) lists.push(listOf(books.byUserData128, transfer.userData128))
  books.transfers.set(transfer.id, transfer)
  for (const list of lists) list.push(transfer)
  undo.push(() => {
    books.transfers.delete(transfer.id)
    for (const list of lists) list.pop()
  })
}

function listOf(lists: Map<bigint, Transfer[]>, key: bigint): Transfer[] {
  let list = lists.get(key)
  if (!list) lists.set(key, (list = []))
  return list
}
