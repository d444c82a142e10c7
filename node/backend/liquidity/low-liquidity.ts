import { TransferCode } from '../../ledger/index.ts'
import type { Account, Ledger, LedgerWriter, NewTransfer, SubmissionResult } from '../../ledger/index.ts'
import { idToUuid, uuidToId } from '../../runtime/index.ts'
import type { Clock, Database, Logger } from '../../runtime/index.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import { createDueWorker } from '../due-worker.ts'
import type { RunningPeerDirectory } from '../peers/directory.ts'
import type { NewWebhookEvent, Outbox } from '../webhooks/model.ts'

export interface LowLiquidityDependencies {
  database: Database
  clock: Clock
  logger: Logger
  ledger: Pick<Ledger, 'lookupAccounts'>
  assets: Pick<RunningAssetDirectory, 'get' | 'all' | 'onChange'>
  peers: Pick<RunningPeerDirectory, 'get' | 'all' | 'onChange'>
  outbox: Outbox
  /** Where not given: CHECK_INTERVAL_MS. */
  checkIntervalMs?: number
}

/** Tells the wallet when the liquidity of an asset or a peer falls to its threshold. */
export interface LowLiquidity {
  /** The writer, noticing which watched accounts its bookings touch. Costs nothing where no threshold is set. */
  watch(writer: LedgerWriter): LedgerWriter
  /** Starts with a look at every account that has a threshold: a process may have died before its look. */
  start(): void
  stop(): Promise<void>
}

/** Balances of what was touched are looked up this often at most, however many packets pass. */
export const CHECK_INTERVAL_MS = 100
/** Accounts of one look-up; the others follow with the next. */
export const MAX_ACCOUNTS_PER_CHECK = 1_000

interface Watched {
  kind: 'asset' | 'peer'
  id: string
  tenantId: string
  threshold: bigint
  asset: { id: string; code: string; scale: number }
}

/**
 * One event per crossing, whichever process books it:
 *
 *              balance ≤ threshold: a row and the event, in one transaction
 *   ENOUGH ───────────────────────────────────────────────────────────────▶ LOW (a row of "lowLiquidity")
 *      ▲                                                                     │
 *      └──────────── balance > threshold, or no threshold: no row ───────────┘
 *
 * A booking that touches a watched account makes it due for a look; what is seen is compared with the row. After
 * a change of the row the account is looked at again: of two processes with different balances in their hands
 * the one that wrote last finds out if its own was the older.
 */
export function createLowLiquidity(dependencies: LowLiquidityDependencies): LowLiquidity {
  const { database, clock, logger, ledger, assets, peers, outbox } = dependencies
  const { checkIntervalMs = CHECK_INTERVAL_MS } = dependencies
  const watched = new Set<bigint>()
  const due = new Set<bigint>()
  let nextCheckMs = 0
  const worker = createDueWorker({ clock, logger, name: 'low liquidity', round })

  function describe(id: string): Watched | undefined {
    const peer = peers.get(id)
    if (peer?.liquidityThreshold !== undefined) {
      const { tenantId, liquidityThreshold: threshold, asset } = peer
      return { kind: 'peer', id, tenantId, threshold, asset }
    }
    const asset = assets.get(id)
    if (asset?.liquidityThreshold === undefined || asset.deletedAt) return undefined
    return { kind: 'asset', id, tenantId: asset.tenantId, threshold: asset.liquidityThreshold, asset }
  }

  /** Follows the thresholds: one that was raised may be crossed by that alone, one that is gone is forgotten. */
  function follow(id: string): void {
    const accountId = uuidToId(id)
    const isWatched = describe(id) !== undefined
    if (!isWatched && !watched.has(accountId)) return
    if (isWatched) watched.add(accountId)
    else watched.delete(accountId)
    touch(accountId)
  }
  assets.onChange(follow)
  peers.onChange(follow)

  function touch(accountId: bigint): void {
    if (due.has(accountId)) return
    due.add(accountId)
    worker.wakeAt(Math.max(clock.nowMs(), nextCheckMs))
  }

  function notice(transfers: readonly NewTransfer[], results: readonly SubmissionResult[]): void {
    // A repeated chain answers `exists` for its first leg only; a look too many does no harm.
    if (!results.some((result) => result === 'ok' || result === 'exists')) return
    for (const { flags, code, debitAccountId, creditAccountId } of transfers) {
      // The operator knows what he withdraws himself.
      if (flags?.pending || code === TransferCode.WITHDRAWAL) continue
      if (watched.has(debitAccountId)) touch(debitAccountId)
      if (watched.has(creditAccountId)) touch(creditAccountId)
    }
  }

  async function round(): Promise<number | undefined> {
    if (due.size === 0) return undefined
    nextCheckMs = clock.nowMs() + checkIntervalMs
    const batch = [...due].slice(0, MAX_ACCOUNTS_PER_CHECK)
    // Touched while we look: looked at once more.
    for (const accountId of batch) due.delete(accountId)
    try {
      await check(batch)
    } catch (error) {
      for (const accountId of batch) due.add(accountId)
      throw error
    }
    return due.size > 0 ? nextCheckMs : undefined
  }

  async function check(accountIds: bigint[]): Promise<void> {
    const ids = accountIds.map(idToUuid)
    const found = await ledger.lookupAccounts(accountIds)
    const rows = await database.knex<{ accountId: string }>('lowLiquidity').whereIn('accountId', ids)
    const told = new Set(rows.map(({ accountId }) => accountId))
    for (const [index, id] of ids.entries()) {
      const subject = describe(id)
      const balance = balanceAfterUse(found[index])
      if (subject !== undefined && balance !== undefined && balance <= subject.threshold) {
        if (!told.has(id) && (await tell(subject, balance))) due.add(accountIds[index]!)
      } else if (told.has(id) && (await rearm(id))) {
        due.add(accountIds[index]!)
      }
    }
  }

  async function tell(subject: Watched, balance: bigint): Promise<boolean> {
    const { kind, id, tenantId, threshold, asset } = subject
    const event: NewWebhookEvent = {
      type: `${kind}.liquidity_low`,
      tenantId,
      data: {
        id,
        asset: { id: asset.id, code: asset.code, scale: asset.scale },
        liquidityThreshold: threshold.toString(),
        balance: balance.toString()
      },
      resource: { kind, id }
    }
    return database.transaction(async (trx) => {
      const inserted = await trx('lowLiquidity')
        .insert({ accountId: id, createdAt: new Date(clock.nowMs()) })
        .onConflict('accountId')
        .ignore()
        .returning('accountId')
      if (inserted.length === 0) return false
      await outbox.add(trx, event)
      return true
    })
  }

  async function rearm(id: string): Promise<boolean> {
    return (await database.knex('lowLiquidity').where({ accountId: id }).delete()) === 1
  }

  return {
    watch: (writer) => ({
      ...writer,
      submit(transfers, options) {
        const submitted = writer.submit(transfers, options)
        if (watched.size === 0) return submitted
        return submitted.then((results) => {
          notice(transfers, results)
          return results
        })
      }
    }),
    start() {
      for (const { id } of [...assets.all(), ...peers.all()]) follow(id)
      worker.start()
    },
    stop: () => worker.stop()
  }
}

/** As the contract counts it; undefined for an account that never paid: it was filled or not, it did not fall. */
function balanceAfterUse(account: Account | undefined): bigint | undefined {
  if (account === undefined || account.debitsPosted === 0n) return undefined
  return account.creditsPosted - account.debitsPosted - account.debitsPending
}
