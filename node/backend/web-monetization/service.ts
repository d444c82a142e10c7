import { MAX_AMOUNT } from '../../ledger/index.ts'
import type { Clock, Database, Logger, Timer } from '../../runtime/index.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import type { BackendConfig } from '../config.ts'
import { createDueWorker } from '../due-worker.ts'
import type { DeliveryTargets } from '../incoming-payments/model.ts'
import type { Liquidity } from '../liquidity/model.ts'
import { Channel } from '../model.ts'
import type { WalletAddress, WalletAddresses } from '../wallet-addresses/model.ts'
import type { Outbox } from '../webhooks/model.ts'
import { createWalletAddressTargets } from './delivery-targets.ts'
import type { WalletAddressTargets } from './delivery-targets.ts'

/** Rows that are looked at together. */
export const DUE_BATCH = 100
/** Accounts whose totals are compared together, at start. */
export const HEAL_BATCH = 1_000
/** While money arrives, a wallet address is looked at this often at most. */
export const SCHEDULE_INTERVAL_MS = 1_000
/** What one call of `triggerWalletAddressEvents` does at most. */
export const MAX_TRIGGERED = 1_000

const TABLE = 'walletAddresses'

interface DueRow {
  id: string
  totalEventsAmount: bigint
}

export interface WebMonetizationDependencies {
  database: Database
  clock: Clock
  logger: Logger
  /** Thresholds are the assets'. */
  assets: Pick<RunningAssetDirectory, 'onChange'>
  walletAddresses: Pick<WalletAddresses, 'get'>
  liquidity: Pick<Liquidity, 'ensureAccount' | 'accounts'>
  outbox: Outbox
  config: Pick<BackendConfig, 'WALLET_ADDRESS_WORKERS' | 'WITHDRAWAL_THROTTLE_DELAY'>
}

/** What the Admin API asks for. */
export interface WebMonetization {
  /** Tells the wallets of at most `limit` due wallet addresses; how many were due. */
  triggerEvents(limit: number, tenantId?: string): Promise<number>
}

export interface RunningWebMonetization extends WebMonetization {
  readonly targets: WalletAddressTargets
  /** Listens for changes and starts the worker (unless WALLET_ADDRESS_WORKERS is 0). */
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Money that came to wallet addresses themselves, and the events that tell their wallets how much:
 *
 *   credit ──untold ≥ the asset's withdrawalThreshold──▶ processAt = now ──▶ event with what is untold;
 *      │                                                                    processAt = null
 *      └──else, with WITHDRAWAL_THROTTLE_DELAY──▶ processAt = now + delay (unless set) ──▶ the same
 *
 * `totalEventsAmount` is what events have told so far. Where neither is configured nothing becomes due. A guarded
 * statement lets one of several processes tell it, so no lease is needed; what was credited between a look at the
 * ledger and that statement is looked at afterwards.
 */
export function createWebMonetization(dependencies: WebMonetizationDependencies): RunningWebMonetization {
  const { database, clock, logger, walletAddresses, liquidity, outbox, config } = dependencies
  const { WITHDRAWAL_THROTTLE_DELAY: delayMs } = config
  const now = () => new Date(clock.nowMs())
  /** Wallet addresses that were looked at a moment ago, and whether they were credited since. */
  const resting = new Map<string, { timer: Timer | undefined; creditedAgain: boolean }>()
  const worker = createDueWorker({ clock, logger, name: 'web monetization', round })
  const targets = createWalletAddressTargets({ walletAddresses, liquidity, markPaid, onCredited })
  let unlisten: (() => Promise<void>) | undefined
  let isStarted = false
  let healed = false

  async function markPaid(id: string): Promise<void> {
    await database.knex(TABLE).where({ id, isPaidDirectly: false }).update({ isPaidDirectly: true })
  }

  function onCredited({ id, asset }: WalletAddress): void {
    if (asset.withdrawalThreshold === undefined && delayMs === undefined) return
    const rest = resting.get(id)
    if (rest) {
      rest.creditedAgain = true
      return
    }
    const entry = { timer: undefined as Timer | undefined, creditedAgain: false }
    resting.set(id, entry)
    void schedule(id)
      .catch((error: unknown) => {
        entry.creditedAgain = true
        logger.error({ err: error, walletAddressId: id }, 'a credited wallet address could not be scheduled')
      })
      .then(() => {
        if (!isStarted) return
        entry.timer = clock.setTimer(SCHEDULE_INTERVAL_MS, () => {
          resting.delete(id)
          if (entry.creditedAgain) onCredited({ id, asset } as WalletAddress)
        })
      })
  }

  /** Sets when its wallet is told, where there is something to tell. */
  async function schedule(id: string): Promise<void> {
    const walletAddress = await walletAddresses.get(id)
    const threshold = walletAddress?.asset.withdrawalThreshold
    const [account] = await liquidity.accounts([id])
    const later = delayMs === undefined ? null : new Date(clock.nowMs() + delayMs)
    const { rows } = await database.knex.raw<{ rows: { processAt: Date | null }[] }>(
      `UPDATE "walletAddresses"
       SET "processAt" = CASE
         WHEN ?::numeric - "totalEventsAmount" >= ?::numeric THEN least("processAt", ?::timestamptz)
         ELSE coalesce("processAt", ?::timestamptz)
       END
       WHERE id = ? AND ?::numeric > "totalEventsAmount"
       RETURNING "processAt"`,
      [
        (account?.creditsPosted ?? 0n).toString(),
        threshold?.toString() ?? null,
        now(),
        later,
        id,
        (account?.creditsPosted ?? 0n).toString()
      ]
    )
    const dueMs = rows[0]?.processAt?.getTime()
    if (dueMs !== undefined) worker.wakeAt(dueMs)
  }

  async function round(): Promise<number | undefined> {
    if (!healed) await heal()
    healed = true
    const nextMs = await nextDueMs()
    if (nextMs === undefined || nextMs > clock.nowMs()) return nextMs
    while ((await tellDue(DUE_BATCH)) === DUE_BATCH);
    return nextDueMs()
  }

  async function nextDueMs(): Promise<number | undefined> {
    const next = await database
      .knex(TABLE)
      .whereNotNull('processAt')
      .min<{ min: Date | null }>('processAt')
      .first()
    return next?.min?.getTime()
  }

  /** A process that died between a credit and its scheduling left it behind. */
  async function heal(): Promise<void> {
    let after: string | undefined
    for (;;) {
      const rows: DueRow[] = await database
        .knex(TABLE)
        .where({ isPaidDirectly: true })
        .whereNull('processAt')
        .modify((query) => after !== undefined && query.where('id', '>', after))
        .orderBy('id')
        .limit(HEAL_BATCH)
        .select('id', 'totalEventsAmount')
      const accounts = await liquidity.accounts(rows.map(({ id }) => id))
      for (const [index, { id, totalEventsAmount }] of rows.entries()) {
        if ((accounts[index]?.creditsPosted ?? 0n) > totalEventsAmount) await schedule(id)
      }
      if (rows.length < HEAL_BATCH) return
      after = rows.at(-1)?.id
    }
  }

  /** Tells the wallets of due wallet addresses; how many were due. */
  async function tellDue(limit: number, tenantId?: string): Promise<number> {
    const due: DueRow[] = await database
      .knex(TABLE)
      .where('processAt', '<=', now())
      .modify((query) => tenantId !== undefined && query.where({ tenantId }))
      .orderBy('processAt')
      .limit(limit)
      .select('id', 'totalEventsAmount')
    for (const row of due) await tell(row)
    return due.length
  }

  async function tell({ id, totalEventsAmount: toldBefore }: DueRow): Promise<void> {
    const walletAddress = await walletAddresses.get(id)
    if (walletAddress === undefined) throw new Error(`wallet address ${id} is due and cannot be read`)
    const [account] = await liquidity.accounts([id])
    const untold = (account?.creditsPosted ?? 0n) - toldBefore
    // An event is withdrawn by one transfer: what that cannot move is told by the next.
    const amount = untold > MAX_AMOUNT ? MAX_AMOUNT : untold
    const told = toldBefore + amount
    await database.transaction(async (trx) => {
      const changed = await trx(TABLE)
        .where({ id, totalEventsAmount: toldBefore.toString() })
        .where('processAt', '<=', now())
        .update({ processAt: null, totalEventsAmount: told.toString(), updatedAt: now() })
      if (changed === 1 && amount > 0n) await outbox.add(trx, eventOf(walletAddress, amount))
    })
    const [after] = await liquidity.accounts([id])
    if ((after?.creditsPosted ?? 0n) > told) await schedule(id)
  }

  return {
    targets,
    triggerEvents: (limit, tenantId) => tellDue(Math.min(limit, MAX_TRIGGERED), tenantId),
    async start() {
      isStarted = true
      dependencies.assets.onChange(targets.forgetAll)
      unlisten = await database.listen(Channel.WALLET_ADDRESS_CHANGED, targets.forget, targets.forgetAll)
      if (config.WALLET_ADDRESS_WORKERS > 0) worker.start()
    },
    async stop() {
      isStarted = false
      for (const { timer } of resting.values()) timer?.cancel()
      await unlisten?.()
      await worker.stop()
    }
  }
}

/** The targets of a node: payment tags are ids of incoming payments or of wallet addresses. */
export function createAllTargets(
  incomingPayments: DeliveryTargets,
  ofWalletAddresses: WalletAddressTargets
): DeliveryTargets {
  return {
    // Those that are at hand come first: a packet costs no query once its target is known.
    resolve: async (paymentTag) =>
      ofWalletAddresses.known(paymentTag) ??
      (await incomingPayments.resolve(paymentTag)) ??
      ofWalletAddresses.resolve(paymentTag)
  }
}

/** `wallet_address.web_monetization`, with what the wallet may withdraw. `amount` in minor units. */
function eventOf({ id, tenantId, asset, createdAt }: WalletAddress, amount: bigint) {
  return {
    type: 'wallet_address.web_monetization' as const,
    tenantId,
    data: {
      walletAddress: {
        id,
        createdAt: createdAt.toISOString(),
        receivedAmount: { value: amount.toString(), assetCode: asset.code, assetScale: asset.scale }
      }
    },
    resource: { kind: 'walletAddress' as const, id },
    withdrawal: { accountId: id, assetId: asset.id, amount }
  }
}
