import type { Knex } from 'knex'
import type { InitiatedBy } from '../incoming-payments/model.ts'
import type { Quote } from '../quotes/model.ts'
import type { GrantReservation } from './grant-limits.ts'
import type { CardDetails, OutgoingPayment, OutgoingPaymentState } from './model.ts'

export interface OutgoingPaymentRow {
  id: string
  walletAddressId: string
  tenantId: string
  receiver: string
  state: OutgoingPaymentState
  error: string | null
  stateAttempts: number
  client: string | null
  grantId: string | null
  grantIntervalStart: Date | null
  metadata: Record<string, unknown> | null
  initiatedBy: InitiatedBy
  cardDetails: StoredCardDetails | null
  dataToTransmit: string | null
  sentAmountValue: bigint | null
  deliveredAmountValue: bigint | null
  processAt: Date | null
  leaseOwner: string | null
  leaseEpoch: number
  leaseDeadline: Date | null
  firstPacketAt: Date | null
  createdAt: Date
  updatedAt: Date
}

/** Card details as JSON: their time in ISO 8601. */
export interface StoredCardDetails extends Omit<CardDetails, 'initiatedAt'> {
  initiatedAt: string
}

export const TABLE = 'outgoingPayments'

/** Restricts a query to payments of these receivers, by an index that takes URLs of any length. */
export function whereReceiver(query: Knex.QueryBuilder, receivers: readonly string[]): void {
  const values = receivers.map(() => '?').join()
  const hashes = receivers.map(() => 'md5(?)').join()
  if (receivers.length === 0) void query.whereRaw('false')
  else
    void query
      .whereRaw(`md5(receiver) IN (${hashes})`, [...receivers])
      .whereRaw(`receiver IN (${values})`, [...receivers])
}

/** @param sentAmount minor units, without the fee */
export function toOutgoingPayment(
  row: OutgoingPaymentRow,
  quote: Quote,
  sentAmount: bigint
): OutgoingPayment {
  return {
    id: row.id,
    tenantId: row.tenantId,
    walletAddressId: row.walletAddressId,
    quote,
    receiver: row.receiver,
    state: row.state,
    stateAttempts: row.stateAttempts,
    initiatedBy: row.initiatedBy,
    sentAmount,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    ...(row.error !== null && { error: row.error }),
    ...(row.client !== null && { client: row.client }),
    ...(row.grantId !== null && { grantId: row.grantId }),
    ...(row.metadata !== null && { metadata: row.metadata }),
    ...(row.cardDetails !== null && {
      cardDetails: { ...row.cardDetails, initiatedAt: new Date(row.cardDetails.initiatedAt) }
    })
  }
}

/** What the payment took from its grant; undefined without a grant. */
export function reservationOf(row: OutgoingPaymentRow, quote: Quote): GrantReservation | undefined {
  if (row.grantId === null) return undefined
  return {
    grantId: row.grantId,
    walletAddressId: row.walletAddressId,
    ...(row.grantIntervalStart !== null && { intervalStart: row.grantIntervalStart }),
    debitAmount: quote.debitAmount,
    receiveAmount: quote.receiveAmount
  }
}

/** A payment whose deposit was never booked, nor can be: it waits, and can be cancelled. */
export const BACK_TO_FUNDING = {
  state: 'FUNDING',
  error: null,
  processAt: null,
  leaseOwner: null,
  leaseDeadline: null
} as const satisfies Partial<OutgoingPaymentRow>

/** A query for the id of a payment's `outgoing_payment.created` event, which is also the id of its deposit. */
export function createdEventIdOf(knex: Knex, paymentId: string): Knex.QueryBuilder<object, { id: string }[]> {
  return knex('webhookEvents')
    .where({ outgoingPaymentId: paymentId, type: 'outgoing_payment.created' })
    .orderBy('sequence', 'desc')
    .limit(1)
    .select('id')
}

/**
 * Whether other payments of this database may have paid the same receiver since: those that ended since then and
 * sent something, and all that are SENDING, whose rows say nothing of when they last sent.
 */
export async function othersPaidReceiver(
  knex: Knex,
  payment: OutgoingPaymentRow,
  since: Date
): Promise<boolean> {
  const other = await knex(TABLE)
    .modify((query) => whereReceiver(query, [payment.receiver]))
    .whereNot({ id: payment.id })
    .where((query) =>
      query
        .where({ state: 'SENDING' })
        .orWhere((ended) => ended.where('updatedAt', '>=', since).where('sentAmountValue', '>', 0))
    )
    .first<{ id: string } | undefined>('id')
  return other !== undefined
}
