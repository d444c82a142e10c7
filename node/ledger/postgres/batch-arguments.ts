import { idToUuid } from '../../runtime/index.ts'
import { AMOUNT_ALL } from '../model.ts'
import type { NewAccount, NewTransfer } from '../model.ts'
import {
  accountFlagBits,
  endsPending,
  staticAccountRefusal,
  staticRefusal,
  transferFlagBits
} from '../transfer-rules.ts'
import { LARGEST_PLAIN_AMOUNT } from './plain-batch-sql.ts'

/** The arguments of the SQL functions: one array per field, written as PostgreSQL's array literals. */

const NULL = 'NULL'

function uuidOrNull(id: bigint | undefined): string {
  return id ? idToUuid(id) : NULL
}

function literal(items: readonly (string | number | bigint)[]): string {
  return `{${items.join(',')}}`
}

/** Arguments of `ledger_create_transfers`, in its order. */
export function transferArguments(
  transfers: readonly NewTransfer[],
  nowMs: number
): (string | number | boolean)[] {
  const columns: (string | number | bigint)[][] = Array.from({ length: 14 }, () => [])
  const firstPositions = new Map<bigint, number>()
  let refused = false
  for (const [index, transfer] of transfers.entries()) {
    const ends = endsPending(transfer)
    const refusal = staticRefusal(transfer)
    refused ||= refusal !== undefined
    let firstPosition = firstPositions.get(transfer.id)
    if (firstPosition === undefined) firstPositions.set(transfer.id, (firstPosition = index + 1))
    const row: (string | number | bigint)[] = [
      idToUuid(transfer.id),
      uuidOrNull(transfer.debitAccountId),
      uuidOrNull(transfer.creditAccountId),
      transfer.amount,
      transfer.ledger,
      transfer.code,
      transferFlagBits(transfer),
      transfer.timeoutS ?? 0,
      // A move that names a pending transfer is refused; a repeat of one that exists must differ from it.
      ends || transfer.pendingId ? uuidOrNull(transfer.pendingId) : NULL,
      uuidOrNull(transfer.userData128),
      transfer.userData64 || NULL,
      transfer.userData32 || NULL,
      refusal ?? NULL,
      firstPosition
    ]
    for (const [column, value] of row.entries()) columns[column]!.push(value)
  }
  const plain = !refused && firstPositions.size === transfers.length && isPlain(transfers, firstPositions)
  return [nowMs, plain, ...columns.map(literal)]
}

/** Whether no event depends on another of the batch (see plain-batch-sql.ts). */
function isPlain(transfers: readonly NewTransfer[], ids: ReadonlyMap<bigint, unknown>): boolean {
  if (transfers.at(-1)?.flags?.linked) return false
  const ended = new Set<bigint>()
  for (const transfer of transfers) {
    if (transfer.flags?.balancingDebit) return false
    if (transfer.amount > LARGEST_PLAIN_AMOUNT && transfer.amount !== AMOUNT_ALL) return false
    if (!endsPending(transfer)) continue
    const pendingId = transfer.pendingId!
    if (ended.has(pendingId) || ids.has(pendingId)) return false
    ended.add(pendingId)
  }
  return true
}

/** Arguments of `ledger_create_accounts`, in its order. */
export function accountArguments(accounts: readonly NewAccount[]): string[] {
  return [
    literal(accounts.map(({ id }) => idToUuid(id))),
    literal(accounts.map(({ ledger }) => ledger)),
    literal(accounts.map(({ code }) => code)),
    literal(accounts.map(accountFlagBits)),
    literal(accounts.map(({ userData128 }) => uuidOrNull(userData128))),
    literal(accounts.map((account) => staticAccountRefusal(account) ?? NULL))
  ]
}

/** Ids as an argument of type uuid[]. */
export function idArguments(ids: readonly bigint[]): string {
  return literal(ids.map(idToUuid))
}
