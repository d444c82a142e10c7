import type { Clock } from '../../runtime/index.ts'
import type {
  Account,
  AuditableLedger,
  CreateAccountResult,
  LedgerTotals,
  NewAccount,
  PendingState,
  Transfer,
  TransferFilter
} from '../model.ts'
import { createTotals } from '../totals.ts'
import { assertAccounts, assertQueryLimit, assertTransfers, staticAccountRefusal } from '../transfer-rules.ts'
import { applyBatch, emptyBooks, hasExpired, release } from './books.ts'
import type { Books } from './books.ts'
import { isSameAccount, newAccountRecord } from './records.ts'

/**
 * The ledger as a model in memory: exact, and gone with the process. Every other store is held to it.
 */
export function createMemoryLedger({ clock }: { clock: Pick<Clock, 'nowMs'> }): MemoryLedger {
  return openMemoryLedger(clock, emptyBooks())
}

/** A ledger that can be tried out: what is booked on a fork leaves the ledger itself as it was. */
export interface MemoryLedger extends AuditableLedger {
  fork(): MemoryLedger
}

function openMemoryLedger(clock: Pick<Clock, 'nowMs'>, books: Books): MemoryLedger {
  let closed = false

  function assertOpen(): void {
    if (closed) throw new Error('the ledger is closed')
  }

  return {
    async createAccounts(accounts) {
      assertOpen()
      assertAccounts(accounts)
      return createAccounts(books, accounts)
    },
    async createTransfers(transfers) {
      assertOpen()
      assertTransfers(transfers)
      return applyBatch(books, transfers, clock.nowMs())
    },
    async lookupAccounts(ids) {
      assertOpen()
      return ids.map((id) => copyAccount(books.accounts.get(id)))
    },
    async lookupTransfers(ids) {
      assertOpen()
      return ids.map((id) => copyTransfer(books.transfers.get(id)))
    },
    async pendingStates(ids) {
      assertOpen()
      return ids.map((id) => pendingState(books, id, clock.nowMs()))
    },
    async queryTransfers(filter) {
      assertOpen()
      assertQueryLimit(filter.limit)
      return query(books, filter, clock.nowMs()).map((transfer) => copyTransfer(transfer)!)
    },
    async sweepExpired() {
      assertOpen()
      const nowMs = clock.nowMs()
      let nextMs: number | undefined
      for (const pending of books.pending.values()) {
        if (pending.state !== 'pending') continue
        const { expiresAtMs } = pending
        if (hasExpired(pending, nowMs)) {
          release(books, pending, 0n)
          pending.state = 'expired'
        } else if (expiresAtMs !== undefined && expiresAtMs < (nextMs ?? Infinity)) nextMs = expiresAtMs
      }
      return nextMs
    },
    async totals() {
      assertOpen()
      return totals(books)
    },
    async close() {
      closed = true
    },
    fork: () => openMemoryLedger(clock, structuredClone(books))
  }
}

function createAccounts(books: Books, accounts: readonly NewAccount[]): CreateAccountResult[] {
  const results: CreateAccountResult[] = []
  let chainStart: number | undefined
  let isBroken = false
  for (const [index, account] of accounts.entries()) {
    const isLinked = account.flags?.linked === true
    const isOpen = isLinked && index === accounts.length - 1
    if (isLinked) chainStart ??= index
    const result = isOpen
      ? 'linked_event_chain_open'
      : isBroken
        ? 'linked_event_failed'
        : createAccount(books, account)
    if (result !== 'ok' && chainStart !== undefined && !isBroken) {
      isBroken = true
      for (let undone = chainStart; undone < index; undone += 1) {
        books.accounts.delete(accounts[undone]!.id)
        results[undone] = 'linked_event_failed'
      }
    }
    results.push(result)
    if (isLinked) continue
    chainStart = undefined
    isBroken = false
  }
  return results
}

function createAccount(books: Books, account: NewAccount): CreateAccountResult {
  const existing = books.accounts.get(account.id)
  if (existing) return isSameAccount(account, existing) ? 'exists' : 'exists_with_different_fields'
  const refusal = staticAccountRefusal(account)
  if (refusal) return refusal
  books.accounts.set(account.id, newAccountRecord(account))
  return 'ok'
}

function pendingState(books: Books, id: bigint, nowMs: number): PendingState | undefined {
  const pending = books.pending.get(id)
  return pending && hasExpired(pending, nowMs) ? 'expired' : pending?.state
}

function query(books: Books, filter: TransferFilter, nowMs: number): Transfer[] {
  const { accountId, side, userData128, code, pendingOnly, after, limit } = filter
  const newestFirst = filter.order === 'newestFirst'
  const list =
    accountId !== undefined
      ? (books.byAccount.get(accountId) ?? [])
      : userData128 !== undefined && userData128 !== 0n
        ? (books.byUserData128.get(userData128) ?? [])
        : books.all
  const found: Transfer[] = []
  const start = newestFirst ? list.length - 1 : 0
  for (
    let index = start;
    index >= 0 && index < list.length && found.length < limit;
    index += newestFirst ? -1 : 1
  ) {
    const transfer = list[index]!
    if (accountId !== undefined && side === 'debit' && transfer.debitAccountId !== accountId) continue
    if (accountId !== undefined && side === 'credit' && transfer.creditAccountId !== accountId) continue
    if (userData128 !== undefined && transfer.userData128 !== userData128) continue
    if (code !== undefined && transfer.code !== code) continue
    if (after !== undefined && (newestFirst ? transfer.timestamp >= after : transfer.timestamp <= after))
      continue
    if (pendingOnly && pendingState(books, transfer.id, nowMs) !== 'pending') continue
    found.push(transfer)
  }
  return found
}

function totals({ accounts }: Books): LedgerTotals[] {
  const sums = createTotals()
  for (const account of accounts.values()) sums.add(account)
  return sums.all()
}

function copyAccount(account: Account | undefined): Account | undefined {
  return account && { ...account, flags: { ...account.flags } }
}

function copyTransfer(transfer: Transfer | undefined): Transfer | undefined {
  return transfer && { ...transfer, flags: { ...transfer.flags } }
}
