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

/** What the wallet was told last of an account. None: nothing yet. */
interface Row {
  accountId: string
  isLow: boolean
  /** Counts the changes of `isLow`. */
  generation: number
}

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
 *              balance ≤ threshold: the row's change and the event, in one transaction
 *   ENOUGH ──────────────────────────────────────────────────────────────────────────▶ LOW
 *      ▲                                                                                │
 *      └──────────────────── balance > threshold, or no threshold ──────────────────────┘
 *
 * A booking that touches a watched account makes it due for a look: the row first, then the balance. The row
 * changes only if it is still of the generation that was read, so the balance that decides is younger than the
 * state that it changes: a process with an old balance in its hands neither tells again nor rearms what another
 * told meanwhile. After a change the account is looked at once more, for the balance may have gone back while
 * another process, which saw the old state, had nothing to change.
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
    const rows = await database.knex<Row>('lowLiquidity').whereIn('accountId', ids)
    const known = new Map(rows.map((row) => [row.accountId, row]))
    const found = await ledger.lookupAccounts(accountIds)
    for (const [index, id] of ids.entries()) {
      const subject = describe(id)
      const balance = balanceAfterUse(found[index])
      const { isLow, generation } = known.get(id) ?? { isLow: false, generation: 0 }
      const falls = subject !== undefined && balance !== undefined && balance <= subject.threshold
      if (falls === isLow) continue
      if (falls) await tell(subject, balance, generation)
      else await rearm(id, generation)
      // Whether it changed or another was first.
      due.add(accountIds[index]!)
    }
  }

  async function tell(subject: Watched, balance: bigint, generation: number): Promise<void> {
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
    await database.transaction(async (trx) => {
      const { rows } = await trx.raw<{ rows: unknown[] }>(
        `INSERT INTO "lowLiquidity" AS low ("accountId", "isLow", generation, "createdAt") VALUES (?, true, 1, ?)
         ON CONFLICT ("accountId") DO UPDATE SET "isLow" = true, generation = low.generation + 1
           WHERE low.generation = ?
         RETURNING 1`,
        [id, new Date(clock.nowMs()), generation]
      )
      if (rows.length === 1) await outbox.add(trx, event)
    })
  }

  async function rearm(id: string, generation: number): Promise<void> {
    await database
      .knex<Row>('lowLiquidity')
      .where({ accountId: id, generation })
      .update({ isLow: false, generation: generation + 1 })
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
