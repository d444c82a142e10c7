import type { Clock, Database } from '../../runtime/index.ts'
import type { Quote } from '../quotes/model.ts'
import { IF_CHANGED } from '../webhooks/model.ts'
import type { Outbox } from '../webhooks/model.ts'
import { outgoingPaymentEvent } from './events.ts'
import { givingBack, lockGrant } from './grant-limits.ts'
import { leaseLost } from './lease.ts'
import type { Lease, Leases } from './lease.ts'
import type { PaymentLedger } from './payment-ledger.ts'
import { reservationOf, toOutgoingPayment } from './store.ts'
import type { OutgoingPaymentRow } from './store.ts'
import type { SettledTotals } from './settlement.ts'

export interface Ending {
  /** SENDING → COMPLETED. Nothing is in doubt. */
  complete(lease: Lease, quote: Quote, totals: SettledTotals): Promise<void>
  /** SENDING → FAILED with `error`. Nothing is in doubt. */
  fail(lease: Lease, quote: Quote, totals: SettledTotals, error: string): Promise<void>
}

/**
 * Ends payments: what is left goes back to the payment's account, then state, event and the grant's correction
 * change in one statement.
 *
 * The decision to fail is written before the money moves back (`error` on a payment that is SENDING): a holder
 * that takes over in between would find nothing left to send with, and has to know why. A completed payment
 * needs no such mark: what was delivered says so.
 */
export function createEnding({
  database,
  clock,
  outbox,
  leases,
  ledger
}: {
  database: Database
  clock: Clock
  outbox: Outbox
  leases: Pick<Leases, 'write' | 'writing' | 'forget'>
  ledger: Pick<PaymentLedger, 'returnLeftover'>
}): Ending {
  async function end(
    lease: Lease,
    quote: Quote,
    totals: SettledTotals,
    outcome: { state: 'COMPLETED' } | { state: 'FAILED'; error: string }
  ): Promise<void> {
    if (quote.method === 'ILP') await ledger.returnLeftover(quote, lease.epoch, lease.signal)
    const now = new Date(clock.nowMs())
    const values = {
      state: outcome.state,
      error: outcome.state === 'FAILED' ? outcome.error : null,
      sentAmountValue: totals.sent,
      deliveredAmountValue: totals.delivered,
      processAt: null,
      leaseOwner: null,
      leaseDeadline: null
    } satisfies Partial<OutgoingPaymentRow>
    const row: OutgoingPaymentRow = { ...lease.payment, ...values, updatedAt: now }
    const balance = quote.debitAmount.value - totals.sent
    const type = outcome.state === 'COMPLETED' ? 'outgoing_payment.completed' : 'outgoing_payment.failed'
    const event = outgoingPaymentEvent(type, toOutgoingPayment(row, quote, totals.sent), balance)
    const reservation = reservationOf(row, quote)
    const write = async ({ knex }: Pick<Database, 'knex'>) => {
      const unused = unusedOf(quote, totals, outcome.state)
      const shares = reservation === undefined ? [] : givingBack(knex, reservation, unused)
      const change = leases.writing(knex, lease, values)
      const alongside = shares.map((share) => share.whereRaw(IF_CHANGED))
      if ((await outbox.addWith({ knex }, change, event, alongside)) === undefined) throw leaseLost(lease)
    }
    if (reservation?.intervalStart === undefined) await write(database)
    else {
      await database.transaction(async (trx) => {
        await lockGrant(trx, reservation.grantId, now)
        await write({ knex: trx })
      })
    }
    leases.forget(lease)
  }

  return {
    complete: (lease, quote, totals) => end(lease, quote, totals, { state: 'COMPLETED' }),
    async fail(lease, quote, totals, error) {
      if (lease.payment.error === null && quote.method === 'ILP') await leases.write(lease, { error })
      await end(lease, quote, totals, { state: 'FAILED', error })
    }
  }
}

/**
 * What a finished payment gives back to its grant. A completed one keeps the debit it reserved, and counts what
 * it really delivered; a failed one keeps only what it really sent and delivered.
 */
function unusedOf(quote: Quote, { sent, delivered }: SettledTotals, state: 'COMPLETED' | 'FAILED') {
  return {
    debit: state === 'COMPLETED' ? 0n : quote.debitAmount.value - sent,
    receive: quote.receiveAmount.value - delivered
  }
}
