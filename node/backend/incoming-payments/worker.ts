import type { Clock, Database, Logger } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { createDueWorker } from '../due-worker.ts'
import type { DueWorker } from '../due-worker.ts'
import type { Liquidity } from '../liquidity/model.ts'
import type { Outbox } from '../webhooks/model.ts'
import type { PaymentTargets } from './delivery-targets.ts'
import { closedEvent } from './events.ts'
import { SETTLE_DELAY_MS } from './progress.ts'
import type { Progress } from './progress.ts'
import {
  close,
  isOpen,
  OPEN_STATES,
  postponeEvent,
  readDue,
  settling,
  TABLE,
  toIncomingPayment
} from './store.ts'
import type { IncomingPaymentRow } from './store.ts'

/** Due payments that are read at once. */
export const DUE_BATCH = 100
/** Open payments whose balances are compared at once, at start. */
export const HEAL_BATCH = 1_000

export interface IncomingPaymentWorkerDependencies {
  database: Database
  clock: Clock
  logger: Logger
  assets: { find(id: string): Promise<Asset | undefined> }
  liquidity: Pick<Liquidity, 'accounts'>
  outbox: Outbox
  targets: Pick<PaymentTargets, 'booking' | 'closed'>
  progress: Progress
}

/**
 * Ends incoming payments at their time. `processAt` says when a row is due, and for what:
 *
 *   PENDING, PROCESSING ──expiresAt──▶ EXPIRED      closed; its event is due SETTLE_DELAY_MS later
 *   COMPLETED, EXPIRED  ──received > 0──▶ event with what may be withdrawn; processAt = null
 *                       ──nothing──▶ processAt = null (EXPIRED: deleted as well)
 *
 * The event is written once, so its total must be final: it is read from the ledger after the closing, when
 * this process books nothing for the payment any more and SETTLE_DELAY_MS have passed for the others. Every
 * process runs this; a guarded statement lets one of them win, so no lease is needed.
 */
export function createIncomingPaymentWorker(dependencies: IncomingPaymentWorkerDependencies): DueWorker {
  const { database, clock, logger, assets, liquidity, outbox, targets, progress } = dependencies
  const now = () => new Date(clock.nowMs())
  let healed = false

  async function round(): Promise<number | undefined> {
    if (!healed) await healOpenPayments()
    healed = true
    for (let laterMs = Infinity; ;) {
      const { due, nextDueMs } = await readDue(database.knex, now(), DUE_BATCH)
      laterMs = Math.min(laterMs, await processAll(due))
      if (due.length === DUE_BATCH) continue
      const earliestMs = Math.min(laterMs, nextDueMs)
      return earliestMs === Infinity ? undefined : earliestMs
    }
  }

  /** Returns when what it put off is due; Infinity where it put nothing off. */
  async function processAll(due: readonly IncomingPaymentRow[]): Promise<number> {
    const closed: IncomingPaymentRow[] = []
    let laterMs = Infinity
    for (const row of due) {
      if (!isOpen(row.state) && targets.booking(row.id) === 0n) {
        closed.push(row)
        continue
      }
      const settleAt = new Date(clock.nowMs() + SETTLE_DELAY_MS)
      laterMs = Math.min(laterMs, settleAt.getTime())
      if (isOpen(row.state)) await expire(row, settleAt)
      else await postponeEvent(database.knex, row.id, settleAt)
    }
    // What is closed and not being booked is final: one look at the ledger tells the totals of all.
    const accounts = await liquidity.accounts(closed.map((row) => row.id))
    for (const [index, row] of closed.entries()) {
      await settleClosed(row, accounts[index]?.creditsPosted ?? 0n)
    }
    return laterMs
  }

  async function expire({ id }: IncomingPaymentRow, settleAt: Date): Promise<void> {
    const change = { id, state: 'EXPIRED', now: now(), settleAt, dueBy: now() } as const
    const expired = await close(database.knex, change)
    if (expired) targets.closed(id, 'EXPIRED')
  }

  async function settleClosed(row: IncomingPaymentRow, received: bigint): Promise<void> {
    const asset = await assets.find(row.assetId)
    if (asset === undefined)
      throw new Error(`incoming payment ${row.id} has the unknown asset ${row.assetId}`)
    const isDeleted = row.state === 'EXPIRED' && received === 0n
    const change = settling(database.knex, { id: row.id, now: now(), isDeleted })
    if (received > 0n)
      await outbox.addWith(database, change, closedEvent(toIncomingPayment(row, asset), received))
    else await change
  }

  /** A process that died between a credit and the payment's change of state left it behind. */
  async function healOpenPayments(): Promise<void> {
    let after: string | undefined
    for (;;) {
      const rows: IncomingPaymentRow[] = await database
        .knex<IncomingPaymentRow>(TABLE)
        .whereIn('state', OPEN_STATES)
        .whereNull('deletedAt')
        .modify((query) => after !== undefined && query.where('id', '>', after))
        .orderBy('id')
        .limit(HEAL_BATCH)
      const accounts = await liquidity.accounts(rows.map((row) => row.id))
      for (const [index, row] of rows.entries()) {
        const total = accounts[index]?.creditsPosted ?? 0n
        await progress.moveOn({ ...row, incomingAmount: row.incomingAmountValue ?? undefined }, total)
      }
      if (rows.length < HEAL_BATCH) return
      after = rows.at(-1)?.id
    }
  }

  return createDueWorker({ clock, logger, name: 'incoming payments', round })
}
