import type { Knex } from 'knex'
import type { Asset } from '../assets/model.ts'
import { Channel } from '../model.ts'
import type { Transaction } from '../model.ts'
import type { IncomingPayment, IncomingPaymentState, InitiatedBy } from './model.ts'

export interface IncomingPaymentRow {
  id: string
  walletAddressId: string
  assetId: string
  tenantId: string
  state: IncomingPaymentState
  incomingAmountValue: bigint | null
  expiresAt: Date
  client: string | null
  metadata: Record<string, unknown> | null
  initiatedBy: InitiatedBy
  senderWalletAddress: string | null
  creatorTenantId: string | null
  processAt: Date | null
  /** Created while approval was asked for: it takes no money before it is approved. */
  needsApproval: boolean
  approvedAt: Date | null
  cancelledAt: Date | null
  cancellationReason: string | null
  createdAt: Date
  updatedAt: Date
  deletedAt: Date | null
}

export const TABLE = 'incomingPayments'
export const OPEN_STATES: readonly IncomingPaymentState[] = ['PENDING', 'PROCESSING']
const FINAL_STATES: readonly IncomingPaymentState[] = ['COMPLETED', 'EXPIRED']

export function isOpen(state: IncomingPaymentState): boolean {
  return OPEN_STATES.includes(state)
}

export function toIncomingPayment(row: IncomingPaymentRow, asset: Asset): IncomingPayment {
  return {
    id: row.id,
    tenantId: row.tenantId,
    walletAddressId: row.walletAddressId,
    asset,
    state: row.state,
    expiresAt: row.expiresAt,
    initiatedBy: row.initiatedBy,
    createdAt: row.createdAt,
    ...(row.incomingAmountValue !== null && { incomingAmount: row.incomingAmountValue }),
    ...(row.client !== null && { client: row.client }),
    ...(row.metadata !== null && { metadata: row.metadata }),
    ...(row.senderWalletAddress !== null && { senderWalletAddress: row.senderWalletAddress }),
    ...(row.creatorTenantId !== null && { creatorTenantId: row.creatorTenantId }),
    needsApproval: row.needsApproval,
    ...(row.approvedAt !== null && { approvedAt: row.approvedAt }),
    ...(row.cancelledAt !== null && { cancelledAt: row.cancelledAt }),
    ...(row.cancellationReason !== null && { cancellationReason: row.cancellationReason })
  }
}

/** PENDING → PROCESSING; false when it was not PENDING. */
export async function markProcessing(knex: Knex, id: string, now: Date): Promise<boolean> {
  const changed = await knex(TABLE)
    .where({ id, state: 'PENDING' })
    .update({ state: 'PROCESSING', updatedAt: now })
  return changed === 1
}

/**
 * PENDING, PROCESSING → COMPLETED or EXPIRED, and tells every process, in one statement. `settleAt` is when its event is due.
 * Undefined when it was not open (or, with `dueBy`, not due any more: its expiry was moved).
 */
export async function close(
  knex: Knex,
  change: {
    id: string
    tenantId?: string
    state: 'COMPLETED' | 'EXPIRED'
    now: Date
    settleAt: Date
    dueBy?: Date
  }
): Promise<IncomingPaymentRow | undefined> {
  const closing = knex(TABLE)
    .where({ id: change.id, ...(change.tenantId !== undefined && { tenantId: change.tenantId }) })
    .whereIn('state', OPEN_STATES)
    .whereNull('deletedAt')
    .modify((query) => change.dueBy && query.where('processAt', '<=', change.dueBy))
    .update({ state: change.state, processAt: change.settleAt, updatedAt: change.now })
    .returning('*')
    .toSQL()
  const { rows } = await knex.raw<{ rows: (IncomingPaymentRow & { notified: string })[] }>(
    `WITH closed AS (${closing.sql}) SELECT closed.*, pg_notify(?, id::text) AS notified FROM closed`,
    [...closing.bindings, Channel.INCOMING_PAYMENT_CHANGED] as never
  )
  return rows[0]
}

/** The wallet's word on a payment. */
export type Action = { kind: 'approve' } | { kind: 'cancel'; reason?: string }

/** Gives the word where the payment is PENDING and has none, and tells every process, in one statement. */
export async function act(
  knex: Knex,
  change: { id: string; tenantId: string; action: Action; now: Date }
): Promise<IncomingPaymentRow | undefined> {
  const { action, now } = change
  const acting = knex(TABLE)
    .where({ id: change.id, tenantId: change.tenantId, state: 'PENDING' })
    .whereNull('approvedAt')
    .whereNull('cancelledAt')
    .whereNull('deletedAt')
    .update({
      updatedAt: now,
      ...(action.kind === 'approve'
        ? { approvedAt: now }
        : { cancelledAt: now, cancellationReason: action.reason ?? null })
    })
    .returning('*')
    .toSQL()
  const { rows } = await knex.raw<{ rows: (IncomingPaymentRow & { notified: string })[] }>(
    `WITH acted AS (${acting.sql}) SELECT acted.*, pg_notify(?, id::text) AS notified FROM acted`,
    [...acting.bindings, Channel.INCOMING_PAYMENT_CHANGED] as never
  )
  return rows[0]
}

/** Payments that are due, the longest due first, and when the next one will be that is not: Infinity for none. */
export async function readDue(
  knex: Knex,
  now: Date,
  limit: number
): Promise<{ due: IncomingPaymentRow[]; nextDueMs: number }> {
  const { rows } = await knex.raw<{ rows: (IncomingPaymentRow & { nextDue: Date | null })[] }>(
    `SELECT due.*, next.due AS "nextDue"
     FROM (SELECT min("processAt") AS due FROM "${TABLE}" WHERE "processAt" > ?) AS next
     LEFT JOIN (
       SELECT * FROM "${TABLE}" WHERE "processAt" <= ? ORDER BY "processAt" LIMIT ?
     ) AS due ON true
     ORDER BY due."processAt"`,
    [now, now, limit]
  )
  return { due: rows.filter((row) => row.id !== null), nextDueMs: rows[0]?.nextDue?.getTime() ?? Infinity }
}

/** Puts off the event of a closed payment, while money is still being booked; false when it is written. */
export async function postponeEvent(knex: Knex, id: string, until: Date): Promise<boolean> {
  const changed = await knex(TABLE)
    .where({ id })
    .whereIn('state', FINAL_STATES)
    .whereNotNull('processAt')
    .update({ processAt: until })
  return changed === 1
}

/** Ends the processing of a closed payment: changes a row for the one caller who did it and writes the event. */
export function settling(
  knex: Knex,
  change: { id: string; now: Date; isDeleted: boolean }
): Knex.QueryBuilder<object, number> {
  return knex(TABLE)
    .where({ id: change.id })
    .whereIn('state', FINAL_STATES)
    .where('processAt', '<=', change.now)
    .update({
      processAt: null,
      updatedAt: change.now,
      ...(change.isDeleted && { deletedAt: change.now })
    })
}

/**
 * Money came in after a payment was settled as unpaid: its event becomes due after all (and it reappears).
 * False where an event was written already, or is still to come.
 */
export async function reopenEvent(trx: Transaction, id: string, now: Date): Promise<boolean> {
  const changed = await trx(TABLE)
    .where({ id })
    .whereIn('state', FINAL_STATES)
    .whereNull('processAt')
    .whereNotExists(
      trx('webhookEvents')
        .where({ incomingPaymentId: id })
        .whereIn('type', ['incoming_payment.completed', 'incoming_payment.expired'])
    )
    .update({ processAt: now, deletedAt: null, updatedAt: now })
  return changed === 1
}

/** What the wallet was told that it may withdraw; undefined before the event. */
export async function announcedAmount(knex: Knex, id: string): Promise<bigint | undefined> {
  const event = await knex('webhookEvents')
    .where({ incomingPaymentId: id })
    .whereIn('type', ['incoming_payment.completed', 'incoming_payment.expired'])
    .first<{ withdrawalAmount: bigint | null } | undefined>('withdrawalAmount')
  return event?.withdrawalAmount ?? undefined
}
