import type { NewAccount, NewTransfer } from '../model.ts'
import { accountFlagBits, staticAccountRefusal, staticRefusal, transferFlagBits } from '../transfer-rules.ts'
import type { PlainBatch } from './plain-batch.ts'

/** The arguments of the SQL functions: one array per field, written as PostgreSQL's array literals. */

const NULL = 'NULL'

/** PostgreSQL reads a UUID without its hyphens too. */
function uuid(id: bigint): string {
  return id.toString(16).padStart(32, '0')
}

function uuidOrNull(id: bigint | undefined): string {
  return id ? uuid(id) : NULL
}

function literal(items: readonly (string | number | bigint)[]): string {
  return `{${items.join(',')}}`
}

/** Arguments of `ledger_create_transfers` after the time, in its order: a plain batch. */
export function plainBatchArguments({ transfers, accounts, ended, reserved }: PlainBatch): string[] {
  const events = eventColumns(transfers)
  return [
    literal(accounts.map(({ id }) => uuid(id))),
    literal(accounts.map(({ ledger }) => ledger)),
    literal(accounts.map(({ debitsPending }) => debitsPending)),
    literal(accounts.map(({ debitsPosted }) => debitsPosted)),
    literal(accounts.map(({ creditsPending }) => creditsPending)),
    literal(accounts.map(({ creditsPosted }) => creditsPosted)),
    literal(accounts.map(({ newDebits }) => newDebits)),
    literal(accounts.map(({ newCredits }) => newCredits)),
    idArguments(ended),
    literal(reserved.map(({ id }) => uuid(id))),
    literal(reserved.map(({ timeoutS }) => timeoutS ?? 0)),
    ...events.map(literalOrEmpty),
    EMPTY,
    EMPTY
  ]
}

/** The same: a batch for the ordered way. */
export function orderedBatchArguments(transfers: readonly NewTransfer[]): string[] {
  const firstPositions = new Map<bigint, number>()
  for (const [index, { id }] of transfers.entries()) {
    if (!firstPositions.has(id)) firstPositions.set(id, index + 1)
  }
  return [
    ...Array<string>(11).fill(EMPTY),
    ...eventColumns(transfers).map(literal),
    literal(transfers.map((transfer) => staticRefusal(transfer) ?? NULL)),
    literal(transfers.map(({ id }) => firstPositions.get(id)!))
  ]
}

/** The fields of the events, one array per field. */
function eventColumns(transfers: readonly NewTransfer[]): (string | number | bigint)[][] {
  return [
    transfers.map(({ id }) => uuid(id)),
    transfers.map(({ debitAccountId }) => uuidOrNull(debitAccountId)),
    transfers.map(({ creditAccountId }) => uuidOrNull(creditAccountId)),
    transfers.map(({ amount }) => amount),
    transfers.map(({ ledger }) => ledger),
    transfers.map(({ code }) => code),
    transfers.map(transferFlagBits),
    transfers.map(({ timeoutS }) => timeoutS ?? 0),
    // A move that names a pending transfer is refused; a repeat of one that exists must differ from it.
    transfers.map(({ pendingId }) => uuidOrNull(pendingId)),
    transfers.map(({ userData128 }) => uuidOrNull(userData128)),
    transfers.map(({ userData64 }) => userData64 || NULL),
    transfers.map(({ userData32 }) => userData32 || NULL)
  ]
}

const EMPTY = '{}'

/** Nothing to read where all are NULL. */
function literalOrEmpty(items: readonly (string | number | bigint)[]): string {
  return items.every((item) => item === NULL) ? EMPTY : literal(items)
}

/** Arguments of `ledger_create_accounts`, in its order. */
export function accountArguments(accounts: readonly NewAccount[]): string[] {
  return [
    literal(accounts.map(({ id }) => uuid(id))),
    literal(accounts.map(({ ledger }) => ledger)),
    literal(accounts.map(({ code }) => code)),
    literal(accounts.map(accountFlagBits)),
    literal(accounts.map(({ userData128 }) => uuidOrNull(userData128))),
    literal(accounts.map((account) => staticAccountRefusal(account) ?? NULL))
  ]
}

/** Ids as an argument of type uuid[]. */
export function idArguments(ids: readonly bigint[]): string {
  return literal(ids.map(uuid))
}
