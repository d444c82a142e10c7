import type { NewAccount, NewTransfer } from '../model.ts'
import { accountFlagBits, staticAccountRefusal, staticRefusal, transferFlagBits } from '../transfer-rules.ts'
import type { PlainBatch } from './plain-batch.ts'

/** The arguments of the SQL functions: one array per field, written as PostgreSQL's array literals. */

const NULL = 'NULL'

/** PostgreSQL reads a UUID without its hyphens too. */
function uuid(id: bigint): string {
  return id.toString(16).padStart(32, '0')
}

/** Ids as text, remembered for a while: those of accounts come again and again, a reservation's when it ends. */
export type IdTexts = (id: bigint) => string

/** Texts kept at most, half of them since the last time that so many were new: some tenths of a second's worth. */
const DEFAULT_MAX_ID_TEXTS = 16_384

export function createIdTexts(maxKept = DEFAULT_MAX_ID_TEXTS): IdTexts {
  let young = new Map<bigint, string>()
  let old = young
  return (id) => {
    let text = young.get(id)
    if (text !== undefined) return text
    text = old.get(id) ?? uuid(id)
    if (young.size >= maxKept / 2) {
      old = young
      young = new Map()
    }
    young.set(id, text)
    return text
  }
}

function literal(items: readonly (string | number | bigint)[]): string {
  return `{${items.join(',')}}`
}

/** Arguments of `ledger_create_transfers` after the time, in its order: a plain batch. */
export function plainBatchArguments(
  { transfers, accounts, ended, reserved }: PlainBatch,
  texts: IdTexts
): string[] {
  return [
    literal(accounts.map(({ id }) => texts(id))),
    literal(accounts.map(({ ledger }) => ledger)),
    literal(accounts.map(({ debitsPending }) => debitsPending)),
    literal(accounts.map(({ debitsPosted }) => debitsPosted)),
    literal(accounts.map(({ creditsPending }) => creditsPending)),
    literal(accounts.map(({ creditsPosted }) => creditsPosted)),
    literal(accounts.map(({ newDebits }) => newDebits)),
    literal(accounts.map(({ newCredits }) => newCredits)),
    literal(ended.map(texts)),
    literal(reserved.map(({ id }) => texts(id))),
    literal(reserved.map(({ timeoutS }) => timeoutS ?? 0)),
    ...eventColumns(transfers, texts).map(literalOrEmpty),
    EMPTY,
    EMPTY
  ]
}

/** The same: a batch for the ordered way. */
export function orderedBatchArguments(transfers: readonly NewTransfer[], texts: IdTexts): string[] {
  const firstPositions = new Map<bigint, number>()
  for (const [index, { id }] of transfers.entries()) {
    if (!firstPositions.has(id)) firstPositions.set(id, index + 1)
  }
  return [
    ...Array<string>(11).fill(EMPTY),
    ...eventColumns(transfers, texts).map(literal),
    literal(transfers.map((transfer) => staticRefusal(transfer) ?? NULL)),
    literal(transfers.map(({ id }) => firstPositions.get(id)!))
  ]
}

/** The fields of the events, one array per field. Filled in one pass: it is done for every packet. */
function eventColumns(transfers: readonly NewTransfer[], texts: IdTexts): (string | number | bigint)[][] {
  const uuidOrNull = (id: bigint | undefined) => (id ? texts(id) : NULL)
  const ids: string[] = []
  const debits: string[] = []
  const credits: string[] = []
  const amounts: bigint[] = []
  const ledgers: number[] = []
  const codes: number[] = []
  const flags: number[] = []
  const timeouts: number[] = []
  const pendingIds: string[] = []
  const data128: string[] = []
  const data64: (bigint | string)[] = []
  const data32: (number | string)[] = []
  for (const transfer of transfers) {
    ids.push(texts(transfer.id))
    debits.push(uuidOrNull(transfer.debitAccountId))
    credits.push(uuidOrNull(transfer.creditAccountId))
    amounts.push(transfer.amount)
    ledgers.push(transfer.ledger)
    codes.push(transfer.code)
    flags.push(transferFlagBits(transfer))
    timeouts.push(transfer.timeoutS ?? 0)
    // A move that names a pending transfer is refused; a repeat of one that exists must differ from it.
    pendingIds.push(uuidOrNull(transfer.pendingId))
    data128.push(uuidOrNull(transfer.userData128))
    data64.push(transfer.userData64 || NULL)
    data32.push(transfer.userData32 || NULL)
  }
  return [
    ...[ids, debits, credits, amounts, ledgers, codes, flags, timeouts],
    ...[pendingIds, data128, data64, data32]
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
    literal(accounts.map(({ userData128 }) => (userData128 ? uuid(userData128) : NULL))),
    literal(accounts.map((account) => staticAccountRefusal(account) ?? NULL))
  ]
}

/** Ids as an argument of type uuid[]. */
export function idArguments(ids: readonly bigint[]): string {
  return literal(ids.map(uuid))
}
