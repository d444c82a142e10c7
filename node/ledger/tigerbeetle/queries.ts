import type { AccountFilter, QueryFilter, Transfer as WireTransfer } from 'tigerbeetle-node'
import type { TransferFilter } from '../model.ts'
import { ID_MAX } from '../model.ts'
import { TransferFlag } from '../transfer-rules.ts'

/** The most that TigerBeetle answers to one query, however it was started. */
export const PAGE_TRANSFERS = 8_189

const SIDE_DEBITS = 1
const SIDE_CREDITS = 2
const ACCOUNT_FILTER_REVERSED = 4
const QUERY_FILTER_REVERSED = 1
const MAX_TIMESTAMP = 2n ** 63n - 2n

/** A page that TigerBeetle can be asked for; undefined where nothing can match. */
export type PageRequest =
  { kind: 'ofAccount'; filter: AccountFilter } | { kind: 'ofAll'; filter: QueryFilter } | undefined

/** The request for at most `limit` transfers after `after`. What it can't say, `matchesHere` looks at. */
export function pageRequest(filter: TransferFilter, after: bigint | undefined, limit: number): PageRequest {
  const { accountId, side, userData128 = 0n, code, order } = filter
  const newestFirst = order === 'newestFirst'
  // TigerBeetle reads 0 as "any"; no transfer and no account is found under these.
  if (code === 0 || accountId === 0n || accountId === ID_MAX) return undefined
  if (after !== undefined && (newestFirst ? after <= 1n : after >= MAX_TIMESTAMP)) return undefined
  const shared = {
    user_data_128: userData128,
    user_data_64: 0n,
    user_data_32: 0,
    code: code ?? 0,
    timestamp_min: after !== undefined && !newestFirst ? after + 1n : 0n,
    timestamp_max: after !== undefined && newestFirst ? after - 1n : 0n,
    limit
  }
  if (accountId === undefined) {
    return {
      kind: 'ofAll',
      filter: { ...shared, ledger: 0, flags: newestFirst ? QUERY_FILTER_REVERSED : 0 }
    }
  }
  const sides = side === 'debit' ? SIDE_DEBITS : side === 'credit' ? SIDE_CREDITS : SIDE_DEBITS | SIDE_CREDITS
  return {
    kind: 'ofAccount',
    filter: { ...shared, account_id: accountId, flags: sides | (newestFirst ? ACCOUNT_FILTER_REVERSED : 0) }
  }
}

/** True when what TigerBeetle answers must be looked through, so that a page may hold less than was asked for. */
export function isFilteredHere({ userData128, pendingOnly }: TransferFilter): boolean {
  return userData128 === 0n || pendingOnly === true
}

/**
 * Those of a page that may be wanted. Of reservations, those that something in the same page ended are left out
 * already, which are nearly all of them: only the rest must be asked about.
 */
export function matchesHere(
  page: readonly WireTransfer[],
  { userData128, pendingOnly }: TransferFilter
): WireTransfer[] {
  let found = userData128 === 0n ? page.filter((transfer) => transfer.user_data_128 === 0n) : [...page]
  if (pendingOnly) {
    const ended = new Set(page.map(({ pending_id }) => pending_id))
    found = found.filter(({ id, flags }) => (flags & TransferFlag.PENDING) !== 0 && !ended.has(id))
  }
  return found
}
