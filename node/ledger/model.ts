/**
 * The ledger's port: TigerBeetle's data model and semantics, batch first. Amounts are unsigned 64-bit minor
 * units, balances are wider. Ids are chosen by the caller and 128 bits wide, which makes repeats safe.
 *
 * A transfer's life:
 *
 *   posted at once:   (none) ──create──▶ POSTED
 *   in two phases:    (none) ──create {pending}──▶ PENDING ──post (in part or whole)──▶ POSTED
 *                                                     │ ╲
 *                                                     │  ──void──▶ VOIDED
 *                                                     └──timeout──▶ EXPIRED
 *
 * A post or void is a transfer of its own (`pendingId` names what it ends), with an id of its own.
 */

/** Account codes as Rafiki has them (docs/architecture.md, Ledger), and ours from 200 on. */
export const AccountCode = {
  LIQUIDITY_WEB_MONETIZATION: 1,
  LIQUIDITY_ASSET: 2,
  LIQUIDITY_PEER: 3,
  LIQUIDITY_INCOMING: 4,
  LIQUIDITY_OUTGOING: 5,
  SETTLEMENT: 101,
  /** What one epoch of an outgoing payment's lease may spend (docs/architecture.md). */
  SENDING_EPOCH: 200,
  /** Marks a TigerBeetle cluster as one database's (node/backend/ledger-choice.ts). */
  BOOKS_OWNER: 201
} as const
export type AccountCode = (typeof AccountCode)[keyof typeof AccountCode]

/** Transfer codes as Rafiki has them, and ours from 200 on. */
export const TransferCode = {
  TRANSFER: 1,
  DEPOSIT: 2,
  WITHDRAWAL: 3,
  /** Moves a payment's money between its own accounts: to an epoch of its lease and back. */
  EPOCH_MOVE: 200
} as const
export type TransferCode = (typeof TransferCode)[keyof typeof TransferCode]

export interface AccountFlags {
  /** Created together with the next account of the same call, or neither is. Stays on the record. */
  linked?: boolean
  debitsMustNotExceedCredits?: boolean
  creditsMustNotExceedDebits?: boolean
  /** TigerBeetle keeps the balance after every transfer, for whoever asks it there. Elsewhere only the flag is kept. */
  history?: boolean
}

export interface NewAccount {
  id: bigint
  /** The asset's ledger number: transfers stay within one ledger. */
  ledger: number
  code: number
  flags?: AccountFlags
  /** Free for the caller (Rafiki: the asset's id). */
  userData128?: bigint
}

export interface Account extends Required<Omit<NewAccount, 'flags'>> {
  flags: Required<AccountFlags>
  debitsPending: bigint
  debitsPosted: bigint
  creditsPending: bigint
  creditsPosted: bigint
}

export interface TransferFlags {
  /** Succeeds or fails together with the next transfer of the same submission. */
  linked?: boolean
  pending?: boolean
  postPending?: boolean
  voidPending?: boolean
  /** Moves at most `amount`: what the debit account has free, which may be 0. */
  balancingDebit?: boolean
}

export interface NewTransfer {
  id: bigint
  debitAccountId: bigint
  creditAccountId: bigint
  /**
   * Minor units, at most MAX_AMOUNT. Posting: at most what was reserved, `AMOUNT_ALL` for all of it. Voiding: 0,
   * or what was reserved. Balancing: what may be moved at most, `AMOUNT_ALL` for no limit but MAX_AMOUNT.
   */
  amount: bigint
  ledger: number
  code: number
  flags?: TransferFlags
  /** The pending transfer that this one posts or voids. Its accounts, ledger and code may then be left 0. */
  pendingId?: bigint
  /** Whole seconds until a pending transfer expires; 0: never. */
  timeoutS?: number
  userData128?: bigint
  userData64?: bigint
  userData32?: number
}

export interface Transfer extends Required<Omit<NewTransfer, 'flags'>> {
  flags: Required<TransferFlags>
  /**
   * Rises strictly with every transfer of a store (nanoseconds in TigerBeetle), and among the transfers of one
   * account in the order of their commits, so that paging an account by it misses none.
   */
  timestamp: bigint
  /** Wall clock when it was booked; a pending transfer expires `timeoutS` after it. */
  createdAtMs: number
}

/** Posts the whole of a pending transfer. */
export const AMOUNT_ALL = 2n ** 128n - 1n
/** An id may be neither 0 nor this. */
export const ID_MAX = 2n ** 128n - 1n
export const MAX_AMOUNT = 2n ** 64n - 1n
/** Events that one batch holds at most; a linked chain is never split over batches. */
export const MAX_BATCH_EVENTS = 8_189

export type CreateAccountResult =
  | 'ok'
  | 'linked_event_failed'
  | 'linked_event_chain_open'
  | 'exists'
  | 'exists_with_different_fields'
  | 'id_must_not_be_zero'
  | 'id_must_not_be_int_max'
  | 'ledger_must_not_be_zero'
  | 'code_must_not_be_zero'
  | 'flags_are_mutually_exclusive'

/**
 * In the order of their checks (https://docs.tigerbeetle.com/reference/requests/create_transfers/), after
 * `linked_event_failed`, which is what the other events of a failed chain get. TigerBeetle's
 * `exists_with_different_…` are one here.
 */
export type CreateTransferResult =
  | 'ok'
  | 'linked_event_failed'
  | 'linked_event_chain_open'
  | 'id_must_not_be_zero'
  | 'id_must_not_be_int_max'
  | 'exists_with_different_fields'
  | 'exists'
  | 'id_already_failed'
  | 'flags_are_mutually_exclusive'
  | 'debit_account_id_must_not_be_zero'
  | 'debit_account_id_must_not_be_int_max'
  | 'credit_account_id_must_not_be_zero'
  | 'credit_account_id_must_not_be_int_max'
  | 'accounts_must_be_different'
  | 'pending_id_must_be_zero'
  | 'pending_id_must_not_be_zero'
  | 'pending_id_must_not_be_int_max'
  | 'pending_id_must_be_different'
  | 'timeout_reserved_for_pending_transfer'
  | 'ledger_must_not_be_zero'
  | 'code_must_not_be_zero'
  | 'amount_must_not_exceed_64_bits'
  | 'debit_account_not_found'
  | 'credit_account_not_found'
  | 'accounts_must_have_the_same_ledger'
  | 'transfer_must_have_the_same_ledger_as_accounts'
  | 'pending_transfer_not_found'
  | 'pending_transfer_not_pending'
  | 'pending_transfer_has_different_debit_account_id'
  | 'pending_transfer_has_different_credit_account_id'
  | 'pending_transfer_has_different_ledger'
  | 'pending_transfer_has_different_code'
  | 'exceeds_pending_transfer_amount'
  | 'pending_transfer_has_different_amount'
  | 'pending_transfer_already_posted'
  | 'pending_transfer_already_voided'
  | 'pending_transfer_expired'
  | 'exceeds_credits'
  | 'exceeds_debits'

/**
 * Refusals that depend on the moment: they spend the transfer's id, so that a repeat never succeeds after its
 * caller was told no. A later transfer with that id gets `id_already_failed`.
 */
export const TRANSIENT_RESULTS: ReadonlySet<CreateTransferResult> = new Set<CreateTransferResult>([
  'debit_account_not_found',
  'credit_account_not_found',
  'pending_transfer_not_found',
  'exceeds_credits',
  'exceeds_debits'
])

/** Which transfers of an account, or with a tag, and in which order. All given fields must match. */
export interface TransferFilter {
  /** Transfers that debit or credit this account. */
  accountId?: bigint
  /** With `accountId`: only its debits, or only its credits. */
  side?: 'debit' | 'credit'
  userData128?: bigint
  code?: number
  /** Only pending transfers that were neither posted nor voided, and whose time has not passed. */
  pendingOnly?: boolean
  /** Only transfers with a timestamp above this one (below it, when newest come first): for pages. */
  after?: bigint
  order?: 'oldestFirst' | 'newestFirst'
  limit: number
}

export type PendingState = 'pending' | 'posted' | 'voided' | 'expired'

/**
 * A store of accounts and transfers. Implementations: memory/ (the model), postgres/, tigerbeetle/.
 * A rejected promise means that the outcome is unknown: repeat the identical call.
 */
export interface Ledger {
  /** Results in order. Linked ones are created together or not at all, as linked transfers are booked. */
  createAccounts(accounts: readonly NewAccount[]): Promise<CreateAccountResult[]>
  /**
   * One batch, durable when it answers. Events apply in order, later ones see earlier ones; a linked chain
   * applies wholly or not at all. Results in order. At most MAX_BATCH_EVENTS.
   */
  createTransfers(transfers: readonly NewTransfer[]): Promise<CreateTransferResult[]>
  /** Where a store can do part of a batch's work ahead: see LedgerBatch. */
  newBatch?(): LedgerBatch
  /**
   * How many batches may be under way at once, where the store runs them one after the other in the order in which
   * they were sent, and does not wait for this process in between. Absent: 1.
   */
  readonly maxBatchesUnderWay?: number
  /** In the order of `ids`; undefined where there is none. */
  lookupAccounts(ids: readonly bigint[]): Promise<(Account | undefined)[]>
  lookupTransfers(ids: readonly bigint[]): Promise<(Transfer | undefined)[]>
  /**
   * What became of pending transfers, in the order of `ids`; undefined for those that are not pending ones. One
   * whose time has passed is `expired`, whether or not its balances were freed yet.
   */
  pendingStates(ids: readonly bigint[]): Promise<(PendingState | undefined)[]>
  queryTransfers(filter: TransferFilter): Promise<Transfer[]>
  /**
   * Frees what expired. A store may also do so by itself; between expiry and sweep both outcomes are lawful. Answers
   * when the next one of those reserved expires, if one does and the store knows: milliseconds since the epoch.
   */
  sweepExpired(): Promise<number | undefined>
  close(): Promise<void>
}

/**
 * A batch that is put together while an earlier one is under way: `send` then answers as `createTransfers` would
 * for all that was added, in order. Sent once.
 */
export interface LedgerBatch {
  /** Transfers that `assertTransfers` accepts. At most MAX_BATCH_EVENTS in all. */
  add(transfers: readonly NewTransfer[]): void
  send(): Promise<CreateTransferResult[]>
}

/** Σ debits and Σ credits per ledger number, for audits: each pair must be equal. */
export interface LedgerTotals {
  ledger: number
  debitsPosted: bigint
  creditsPosted: bigint
  debitsPending: bigint
  creditsPending: bigint
  /** Accounts whose flag forbids what their balance shows. */
  overdrawnAccountIds: bigint[]
}

/** A ledger that can be audited as a whole. */
export interface AuditableLedger extends Ledger {
  totals(): Promise<LedgerTotals[]>
}

/** What the group-commit writer says of one submission. */
export type SubmissionResult = CreateTransferResult | 'not_started_in_time'

/**
 * The group-commit writer: callers await the results of their own submission, while all submissions that
 * arrive during one flush form the next batch. Accounts and queries pass through unbatched.
 */
export interface LedgerWriter {
  /**
   * One transfer, or several that are applied in order within one batch (a linked chain, for example).
   * With `startBeforeMs` (wall clock) a submission whose batch would start later is dropped unsent: every
   * result is then `not_started_in_time`, and nothing was booked.
   *
   * @throws LedgerUnavailableError when the outcome is unknown: repeat with identical transfers
   * @throws LedgerBusyError when the queue is full: nothing was booked
   */
  submit(transfers: readonly NewTransfer[], options?: { startBeforeMs?: number }): Promise<SubmissionResult[]>
  /** Flushes what is queued, then refuses. */
  close(): Promise<void>
}

/** The outcome of a submission is unknown. Repeat it, identical, until it is known. */
export class LedgerUnavailableError extends Error {
  override name = 'LedgerUnavailableError'
}

/** The writer's queue is full; nothing was booked. */
export class LedgerBusyError extends Error {
  override name = 'LedgerBusyError'
}

/** True when every transfer of a chain is done, now or before (a repeat answers `exists` for its first leg). */
export function chainIsDone(results: readonly SubmissionResult[]): boolean {
  if (results.every((result) => result === 'ok')) return true
  return (
    results[0] === 'exists' &&
    results.slice(1).every((result) => result === 'linked_event_failed' || result === 'exists')
  )
}

/** The result that explains why a chain failed: the first that is not `linked_event_failed`. */
export function chainFailure(results: readonly SubmissionResult[]): SubmissionResult | undefined {
  if (chainIsDone(results)) return undefined
  return results.find((result) => result !== 'linked_event_failed' && result !== 'ok')
}
