import { inspect, isDeepStrictEqual as isSame } from 'node:util'
import { expect } from 'vitest'
import type { ManualClock } from '../runtime/index.ts'
import { createMemoryLedger } from './memory/ledger.ts'
import { ACCOUNT_IDS, ACCOUNTS, transfersOf } from './model-based/histories.ts'
import type { LedgerCommand } from './model-based/histories.ts'
import type {
  AuditableLedger,
  CreateTransferResult,
  LedgerTotals,
  NewTransfer,
  Transfer,
  TransferFilter
} from './model.ts'
import { MAX_QUERY_TRANSFERS } from './transfer-rules.ts'

export { ledgerHistory, withoutTime } from './model-based/histories.ts'
export type { LedgerCommand } from './model-based/histories.ts'

/** An empty store, as two processes see it. */
export interface StoreBesideModel {
  processes: readonly [AuditableLedger, AuditableLedger]
  /** The model's, and the store's where it is given its time. */
  clock: Pick<ManualClock, 'nowMs' | 'advance'>
  /** Hears of each batch and what was answered. */
  onBatch?(transfers: readonly NewTransfer[], results: readonly CreateTransferResult[]): void
}

/**
 * Runs a history on a store and on the model (`money.md` 6). After every command: the same answers and balances,
 * each ledger zero-sum, no account overdrawn; at the end the same transfers in the same order.
 *
 * What is sent at once may be booked in any order, and the store decides which: there must be one in which the
 * model gives every answer that was heard, and ends with the same balances. The model goes on from there.
 */
export async function runBesideModel(
  history: readonly LedgerCommand[],
  { processes, clock, onBatch = () => undefined }: StoreBesideModel
): Promise<void> {
  const [store, other] = processes
  let model = createMemoryLedger({ clock })
  let wasConcurrent = false
  await model.createAccounts(ACCOUNTS)
  await store.createAccounts(ACCOUNTS)
  for (const each of history) {
    await runCommand(each)
    expect(await store.lookupAccounts(ACCOUNT_IDS)).toEqual(await model.lookupAccounts(ACCOUNT_IDS))
    // What holds for the model's balances holds for the store's, which are the same.
    for (const totals of await model.totals()) expectSound(totals)
  }
  for (const totals of await store.totals()) expectSound(totals)
  const ids = transfersOf(history).map(({ id }) => id)
  expect(await other.pendingStates(ids)).toEqual(await model.pendingStates(ids))
  expect(withoutTimes(await other.lookupTransfers(ids))).toEqual(
    withoutTimes(await model.lookupTransfers(ids))
  )
  await runCommand({ kind: 'query', filter: { limit: 10_000 } })

  async function runCommand(each: LedgerCommand): Promise<void> {
    switch (each.kind) {
      case 'createTransfers': {
        const expected = await model.createTransfers(each.transfers)
        expect(await store.createTransfers(each.transfers)).toEqual(expected)
        return onBatch(each.transfers, expected)
      }
      case 'concurrently': {
        const answers = await Promise.all(
          each.batches.map((transfers, index) => processes[index % 2]!.createTransfers(transfers))
        )
        return explain(each.batches, answers)
      }
      case 'lostAnswer': {
        // The first one's answer is heard by nobody, and its batch may be booked before or after the repeat.
        const [, answer] = await Promise.all([
          other.createTransfers(each.transfers),
          store.createTransfers(each.transfers)
        ])
        return explain([each.transfers, each.transfers], [undefined, answer])
      }
      case 'createAccounts':
        expect(await store.createAccounts(each.accounts)).toEqual(await model.createAccounts(each.accounts))
        return
      case 'advance':
        return clock.advance(each.byMs)
      case 'sweep':
        await model.sweepExpired()
        await store.sweepExpired()
        return undefined
      case 'query':
        return compareQueries(each.filter)
    }
  }

  /** Timestamps of what was booked at once order the transfers of one account; across accounts they may interleave. */
  async function compareQueries(filter: TransferFilter): Promise<void> {
    const isOrdered = !wasConcurrent || filter.accountId !== undefined
    const asked = isOrdered ? filter : { ...filter, limit: MAX_QUERY_TRANSFERS }
    const [answer, expected] = [await store.queryTransfers(asked), await model.queryTransfers(asked)]
    if (!isOrdered) for (const found of [answer, expected]) found.sort(byId)
    expect(withoutTimes(answer)).toEqual(withoutTimes(expected))
  }

  /** Goes on with the model in the order that explains the answers and the balances. */
  async function explain(
    batches: readonly NewTransfer[][],
    answers: readonly (CreateTransferResult[] | undefined)[]
  ): Promise<void> {
    wasConcurrent = true
    const ids = batches.flat().map(({ id }) => id)
    const balances = await store.lookupAccounts(ACCOUNT_IDS)
    const orders = ordersByAccount(await store.lookupTransfers(ids))
    for (const order of ordersOf(batches.length)) {
      const fork = model.fork()
      const results: CreateTransferResult[][] = []
      for (const index of order) results[index] = await fork.createTransfers(batches[index]!)
      const isHeard = answers.every((answer, index) => answer === undefined || isSame(answer, results[index]))
      if (!isHeard || !isSame(await fork.lookupAccounts(ACCOUNT_IDS), balances)) continue
      if (!isSame(ordersByAccount(await fork.lookupTransfers(ids)), orders)) continue
      model = fork
      for (const [index, transfers] of batches.entries()) onBatch(transfers, results[index]!)
      return
    }
    expect.fail(
      `no order of these batches explains the answers: ${inspect({ batches, answers, balances }, { depth: 9 })}`
    )
  }
}

function ordersOf(count: number): number[][] {
  if (count === 0) return [[]]
  return ordersOf(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, place) => order.toSpliced(count - 1 - place, 0, count - 1))
  )
}

/** The ids of each account's transfers as they were booked. */
function ordersByAccount(transfers: readonly (Transfer | undefined)[]): Map<bigint, bigint[]> {
  const orders = new Map<bigint, bigint[]>()
  const booked = transfers.filter((transfer) => transfer !== undefined)
  for (const { id, debitAccountId, creditAccountId } of booked.sort((a, b) =>
    a.timestamp < b.timestamp ? -1 : 1
  )) {
    for (const account of [debitAccountId, creditAccountId]) {
      const order = orders.get(account) ?? []
      if (!order.includes(id)) orders.set(account, [...order, id])
    }
  }
  return orders
}

function byId(a: Transfer, b: Transfer): number {
  return a.id < b.id ? -1 : 1
}

function expectSound(totals: LedgerTotals): void {
  expect(totals.debitsPosted).toBe(totals.creditsPosted)
  expect(totals.debitsPending).toBe(totals.creditsPending)
  expect(totals.overdrawnAccountIds).toEqual([])
}

/** Only the order of timestamps is the same everywhere; the wall clock is the store's own. */
function withoutTimes(transfers: readonly (object | undefined)[]): unknown[] {
  return transfers.map(
    (transfer) => transfer && { ...transfer, timestamp: undefined, createdAtMs: undefined }
  )
}
