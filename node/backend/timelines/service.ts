import { TransferCode } from '../../ledger/index.ts'
import type { Ledger, Transfer } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import type { Database } from '../../runtime/index.ts'
import { TABLE as INCOMING_TABLE } from '../incoming-payments/store.ts'
import { epochAccountId, paymentAccountId } from '../outgoing-payments/accounts.ts'
import { TABLE as OUTGOING_TABLE } from '../outgoing-payments/store.ts'
import type { WebhookDeliveries, WebhookEvents } from '../webhooks/model.ts'
import { MAX_TIMELINE_EVENTS } from './model.ts'
import type { PaymentTimelines, TimelineEntry, TimelineKind } from './model.ts'
import { incomingStates, outgoingStates } from './states.ts'
import type { SendingAttempt } from './states.ts'
import { firstCredit, readTransfers, transferEntries } from './transfers.ts'
import { webhookEntry } from './webhooks.ts'

/** Attempts whose accounts are looked at, the newest. */
const MAX_ATTEMPTS = 10

/** Entries of one instant: what was decided, what was booked, what was told of it. */
const KINDS: readonly TimelineKind[] = ['STATE', 'TRANSFER', 'WEBHOOK']

/** Timelines of payments, read by few statements: they are for one payment at a time. */
export function createPaymentTimelines({
  database: { knex },
  ledger,
  webhookEvents,
  webhookDeliveries
}: {
  database: Pick<Database, 'knex'>
  ledger: Pick<Ledger, 'queryTransfers'>
  webhookEvents: Pick<WebhookEvents, 'page'>
  webhookDeliveries: Pick<WebhookDeliveries, 'ofEvents'>
}): PaymentTimelines {
  async function readWebhooks(payment: { id: string; tenantId: string }, tenantId: string | undefined) {
    const filter = { tenantId: payment.tenantId, resourceIds: [payment.id], types: { notIn: [] } }
    const { rows: events } = await webhookEvents.page({ first: MAX_TIMELINE_EVENTS }, filter)
    const ids = events.map(({ id }) => id)
    const deliveries = ids.length === 0 ? [] : await webhookDeliveries.ofEvents(ids, tenantId)
    return { events, entries: events.map((event, index) => webhookEntry(event, deliveries[index] ?? [])) }
  }

  return {
    async ofIncoming(payment, tenantId) {
      const own = uuidToId(payment.id)
      const [row, webhooks, transfers] = await Promise.all([
        knex(INCOMING_TABLE).where({ id: payment.id }).first<{ updatedAt: Date } | undefined>('updatedAt'),
        readWebhooks(payment, tenantId),
        readTransfers(ledger, [own])
      ])
      const updatedAt = row?.updatedAt ?? payment.createdAt
      const creditedAt = timeOf(await firstCredit(ledger, transfers, own, TransferCode.TRANSFER))
      return inOrder([
        ...incomingStates(payment, { updatedAt, events: webhooks.events, creditedAt }),
        ...webhooks.entries,
        ...transferEntries(transfers, payment.asset, { own, attempts: new Map() })
      ])
    },

    async ofOutgoing(payment, tenantId) {
      const [{ leaseEpoch, attempts }, webhooks] = await Promise.all([
        readAttempts(payment.id),
        readWebhooks(payment, tenantId)
      ])
      const own = paymentAccountId(payment.id)
      const epochs = Array.from(
        { length: Math.min(leaseEpoch, MAX_ATTEMPTS) },
        (_, back) => leaseEpoch - back
      )
      const accounts = new Map(epochs.map((epoch) => [epochAccountId(payment.id, epoch), epoch]))
      const overIlp = payment.quote.method === 'ILP'
      const transfers = await readTransfers(ledger, [own, ...(overIlp ? accounts.keys() : [])])
      const creditedAt = timeOf(await firstCredit(ledger, transfers, own, TransferCode.DEPOSIT))
      const { updatedAt } = payment
      return inOrder([
        ...outgoingStates(payment, { updatedAt, events: webhooks.events, creditedAt, attempts }),
        ...webhooks.entries,
        ...transferEntries(transfers, payment.quote.asset, { own, attempts: accounts })
      ])
    }
  }

  async function readAttempts(id: string): Promise<{ leaseEpoch: number; attempts: SendingAttempt[] }> {
    const rows = (await knex(OUTGOING_TABLE)
      .leftJoin('outgoingPaymentAttempts as attempt', 'attempt.outgoingPaymentId', `${OUTGOING_TABLE}.id`)
      .where(`${OUTGOING_TABLE}.id`, id)
      .orderBy('attempt.epoch', 'desc')
      .limit(MAX_ATTEMPTS)
      .select('leaseEpoch', 'attempt.epoch', 'attempt.createdAt')) as {
      leaseEpoch: number
      epoch: number | null
      createdAt: Date
    }[]
    const attempts = rows.flatMap(({ epoch, createdAt }) => (epoch === null ? [] : [{ epoch, createdAt }]))
    return { leaseEpoch: rows[0]?.leaseEpoch ?? 0, attempts }
  }
}

function timeOf(transfer: Transfer | undefined): Date | undefined {
  return transfer && new Date(transfer.createdAtMs)
}

function inOrder(entries: TimelineEntry[]): TimelineEntry[] {
  return entries.sort(
    (a, b) => a.at.getTime() - b.at.getTime() || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind)
  )
}
