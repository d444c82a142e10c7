import type { Transfer as WireTransfer } from 'tigerbeetle-node'
import type { Clock, Logger, TigerBeetleClient } from '../../runtime/index.ts'
import { AMOUNT_ALL } from '../model.ts'
import type { AuditableLedger, NewTransfer, PendingState, TransferFilter } from '../model.ts'
import { createTotals } from '../totals.ts'
import { assertAccounts, assertQueryLimit, assertTransfers, TransferFlag } from '../transfer-rules.ts'
import { createBatches } from './batches.ts'
import { createCalls } from './calls.ts'
import { isFilteredHere, matchesHere, PAGE_TRANSFERS, pageRequest } from './queries.ts'
import {
  accountOf,
  accountResult,
  toWireAccount,
  toWireTransfer,
  transferOf,
  transferResult
} from './records.ts'

export interface TigerBeetleLedgerOptions {
  /** Makes a client of the cluster: `() => runtime.openTigerBeetle(…)`. Called again when a session was evicted. */
  open(): Promise<TigerBeetleClient>
  clock: Pick<Clock, 'setTimer'>
  logger?: Pick<Logger, 'warn'>
  /** Default 10 s. */
  requestTimeoutMs?: number
  /** Default 16. */
  maxUnansweredCalls?: number
}

/**
 * The ledger in a TigerBeetle cluster: durable on a quorum of its replicas when it answers. Time is the cluster's:
 * it stamps every transfer and frees by itself what expired. Several processes may use one cluster.
 *
 * A call that is not answered in time rejects with TigerBeetleUnavailableError (`code` says why): its outcome is
 * unknown, as the port says, and it is repeated with identical transfers.
 */
export function createTigerBeetleLedger(options: TigerBeetleLedgerOptions): AuditableLedger {
  const { call, close } = createCalls(options)
  const { inRequests } = createBatches()

  const lookupWireTransfers = async (ids: readonly bigint[]): Promise<Map<bigint, WireTransfer>> => {
    const found = await inRequests(distinct(ids), (part) =>
      call((client) => client.lookupTransfers([...part]))
    )
    return new Map(found.map((transfer) => [transfer.id, transfer]))
  }

  /**
   * What became of reservations that exist. TigerBeetle has no query for that, but refuses an end with the
   * reason: each is asked by a chain of a post and an event that never succeeds, which changes nothing.
   */
  async function statesOf(ids: readonly bigint[]): Promise<Map<bigint, PendingState>> {
    const chains = ids.flatMap((id) => probe(id))
    const results = await inRequests(
      chains,
      (part) => call((client) => client.createTransfers(part.map(toWireTransfer))),
      ({ flags }) => flags?.linked === true
    )
    return new Map(ids.map((id, index) => [id, probedState(id, results[index * 2]!.status)]))
  }

  async function readPage(filter: TransferFilter, after: bigint | undefined, limit: number) {
    const request = pageRequest(filter, after, limit)
    if (request === undefined) return []
    return call((client) =>
      request.kind === 'ofAccount'
        ? client.getAccountTransfers(request.filter)
        : client.queryTransfers(request.filter)
    )
  }

  async function stillPending(reservations: readonly WireTransfer[]): Promise<WireTransfer[]> {
    const states = await statesOf(reservations.map(({ id }) => id))
    return reservations.filter(({ id }) => states.get(id) === 'pending')
  }

  return {
    async createAccounts(accounts) {
      assertAccounts(accounts)
      const results = await inRequests(
        accounts,
        (part) => call((client) => client.createAccounts(part.map(toWireAccount))),
        ({ flags }) => flags?.linked === true
      )
      return results.map(({ status }) => accountResult(status))
    },
    async createTransfers(transfers) {
      assertTransfers(transfers)
      const results = await inRequests(
        transfers,
        (part) => call((client) => client.createTransfers(part.map(toWireTransfer))),
        ({ flags }) => flags?.linked === true
      )
      return results.map(({ status }, index) => transferResult(status, transfers[index]!))
    },
    async lookupAccounts(ids) {
      const found = await inRequests(distinct(ids), (part) =>
        call((client) => client.lookupAccounts([...part]))
      )
      const byId = new Map(found.map((account) => [account.id, account]))
      return ids.map((id) => {
        const account = byId.get(id)
        return account && accountOf(account)
      })
    },
    async lookupTransfers(ids) {
      const byId = await lookupWireTransfers(ids)
      return ids.map((id) => {
        const transfer = byId.get(id)
        return transfer && transferOf(transfer)
      })
    },
    async pendingStates(ids) {
      const byId = await lookupWireTransfers(ids)
      const reservations = [...byId.values()].filter(({ flags }) => (flags & TransferFlag.PENDING) !== 0)
      const states = await statesOf(reservations.map(({ id }) => id))
      return ids.map((id) => states.get(id))
    },
    async queryTransfers(filter) {
      assertQueryLimit(filter.limit)
      const found: WireTransfer[] = []
      for (let after = filter.after; ;) {
        const asked = isFilteredHere(filter)
          ? PAGE_TRANSFERS
          : Math.min(filter.limit - found.length, PAGE_TRANSFERS)
        const page = await readPage(filter, after, asked)
        const matching = matchesHere(page, filter)
        found.push(...(filter.pendingOnly ? await stillPending(matching) : matching))
        if (found.length >= filter.limit || page.length < asked) {
          return found.slice(0, filter.limit).map(transferOf)
        }
        after = page.at(-1)!.timestamp
      }
    },
    /**
     * TigerBeetle frees what expired by itself, in a round of its own that it begins after whatever it commits.
     * So: one request that makes it begin, and one that is answered behind it. A round frees up to 8,189.
     */
    async sweepExpired() {
      for (let request = 0; request < 2; request++) await call((client) => client.lookupAccounts([1n]))
      return undefined
    },
    async totals() {
      const totals = createTotals()
      for (let after = 0n; ;) {
        const page = await call((client) =>
          client.queryAccounts({
            user_data_128: 0n,
            user_data_64: 0n,
            user_data_32: 0,
            ledger: 0,
            code: 0,
            timestamp_min: after + 1n,
            timestamp_max: 0n,
            limit: PAGE_TRANSFERS,
            flags: 0
          })
        )
        for (const account of page) totals.add(accountOf(account))
        if (page.length < PAGE_TRANSFERS) return totals.all()
        after = page.at(-1)!.timestamp
      }
    },
    close
  }
}

/** No transfer has this id: chains that hold it never succeed. */
const PROBE_ID = 2n ** 128n - 2n

function probe(pendingId: bigint): NewTransfer[] {
  const accounts = { debitAccountId: 0n, creditAccountId: 0n, ledger: 0, code: 0 }
  return [
    {
      ...accounts,
      id: PROBE_ID,
      pendingId,
      amount: AMOUNT_ALL,
      flags: { postPending: true, linked: true }
    },
    // Refused whatever the ledger holds, and without spending an id.
    { ...accounts, id: 0n, amount: 0n }
  ]
}

function probedState(id: bigint, status: number): PendingState {
  switch (transferResult(status, probe(id)[0]!)) {
    case 'linked_event_failed': // the post itself would have succeeded
      return 'pending'
    case 'pending_transfer_already_posted':
      return 'posted'
    case 'pending_transfer_already_voided':
      return 'voided'
    case 'pending_transfer_expired':
      return 'expired'
    default:
      throw new Error(`TigerBeetle answered the status ${status} to the question about reservation ${id}`)
  }
}

function distinct(ids: readonly bigint[]): bigint[] {
  return [...new Set(ids)]
}
