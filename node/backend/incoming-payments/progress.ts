import type { Clock, Database, Logger } from '../../runtime/index.ts'
import type { IncomingPaymentState } from './model.ts'
import { announcedAmount, close, isOpen, markProcessing, reopenEvent, TABLE } from './store.ts'
import type { IncomingPaymentRow } from './store.ts'

/**
 * Between a payment's closing and its event, so that other processes, which hear of the closing by
 * notification, have booked what they had admitted before (a process that is still booking puts it off again).
 */
export const SETTLE_DELAY_MS = 500

/** Moves payments on to where their credits in the ledger put them. */
export interface Progress {
  /**
   * PENDING → PROCESSING on the first credit, → COMPLETED once `total`, as the ledger has it, reaches the
   * incoming amount. For a closed payment: money that came after its event. Returns the state it is in now.
   */
  moveOn(
    payment: { id: string; state: IncomingPaymentState; incomingAmount: bigint | undefined },
    total: bigint
  ): Promise<IncomingPaymentState>
}

/**
 * @param onClosed is told that this process closed a payment
 * @param onDueAt is told when the event of a payment becomes due
 */
export function createProgress({
  database,
  clock,
  logger,
  onClosed,
  onDueAt
}: {
  database: Database
  clock: Clock
  logger: Logger
  onClosed(id: string): void
  onDueAt(atMs: number): void
}): Progress {
  const now = () => new Date(clock.nowMs())

  async function complete(id: string): Promise<IncomingPaymentState> {
    const settleAt = new Date(clock.nowMs() + SETTLE_DELAY_MS)
    const row = await close(database.knex, { id, state: 'COMPLETED', now: now(), settleAt })
    if (row === undefined) return currentState(id)
    onClosed(id)
    onDueAt(settleAt.getTime())
    return row.state
  }

  async function currentState(id: string): Promise<IncomingPaymentState> {
    const row = await database.knex<IncomingPaymentRow>(TABLE).where({ id }).first()
    if (row === undefined) throw new Error(`incoming payment ${id} is gone`)
    return row.state
  }

  /**
   * A credit after the closing is either told by the event that is still to come, or makes one due where the
   * payment was settled as unpaid. After an event it can only be reported: a second event would make wallets
   * credit the first amount twice.
   */
  async function lateCredit(id: string, total: bigint): Promise<void> {
    if (total === 0n) return
    const reopened = await database.transaction((trx) => reopenEvent(trx, id, now()))
    if (reopened) return onDueAt(clock.nowMs())
    const announced = await announcedAmount(database.knex, id)
    if (announced === undefined || announced >= total) return
    logger.error(
      {
        event: 'late_credit',
        incomingPaymentId: id,
        received: total.toString(),
        announced: announced.toString()
      },
      'money was credited after the payment’s final event: withdraw the difference by hand'
    )
  }

  return {
    async moveOn({ id, state, incomingAmount }, total) {
      if (!isOpen(state)) {
        await lateCredit(id, total)
        return state
      }
      if (incomingAmount !== undefined && total >= incomingAmount) return complete(id)
      if (state === 'PENDING' && total > 0n) {
        return (await markProcessing(database.knex, id, now())) ? 'PROCESSING' : currentState(id)
      }
      return state
    }
  }
}
