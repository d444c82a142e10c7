import type { Knex } from 'knex'
import type { Database } from '../../runtime/index.ts'
import type { Failure, Transaction } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

/** All types; `fixtures/contract/webhooks.json` describes what each of them tells. */
export const WEBHOOK_EVENT_TYPES = [
  'incoming_payment.created',
  'incoming_payment.completed',
  'incoming_payment.expired',
  'incoming_payment.partial_payment_received',
  'outgoing_payment.created',
  'outgoing_payment.completed',
  'outgoing_payment.failed',
  'outgoing_payment.funded',
  'outgoing_payment.cancelled',
  'wallet_address.not_found',
  'wallet_address.web_monetization',
  'asset.liquidity_low',
  'peer.liquidity_low'
] as const
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number]

/**
 * Who is sent to: a tenant (by its id), or one of the two services that work for all tenants. A receiver has
 * places and an order of its own, whatever becomes of the others.
 */
export type Receiver = string
export const CARD_SERVICE: Receiver = 'card-service'
export const POINT_OF_SALE: Receiver = 'point-of-sale'

export interface NewWebhookEvent {
  type: WebhookEventType
  tenantId: string
  /** JSON as the contract shows it: amounts as strings, dates as ISO 8601. */
  data: Record<string, unknown>
  /** What the event is about; its kind and id make the resource whose events keep their order. */
  resource: {
    /** `walletAddressUrl`: a wallet address that does not exist; the id is its URL. */
    kind: 'incomingPayment' | 'outgoingPayment' | 'walletAddress' | 'walletAddressUrl' | 'peer' | 'asset'
    id: string
  }
  /** What the wallet may withdraw on this event. */
  withdrawal?: { accountId: string; assetId: string; amount: bigint }
  /** A terminal waits for it too: events of incoming payments that a card pays. */
  alsoToPointOfSale?: boolean
}

/** The outbox: an event is a row of the transaction that changed its resource. */
export interface Outbox {
  /** Writes the event and its deliveries, wakes the delivering worker at commit; returns the event's id. */
  add(trx: Transaction, event: NewWebhookEvent): Promise<string>
  /**
   * Makes a change and writes its event by one statement, which is its own transaction: neither is seen without
   * the other, and where the change finds no row to change, there is no event.
   *
   * @param on the database, or `{ knex: trx }`: then it is a statement of that transaction
   * @param change an insert or update of one row, without `returning`; the table has an id
   * @param alongside what else changes with it; an update that must not happen alone says `whereRaw(IF_CHANGED)`
   * @returns the event's id; undefined where nothing changed
   */
  addWith(
    on: Pick<Database, 'knex'>,
    change: Knex.QueryBuilder,
    event: NewWebhookEvent,
    alongside?: readonly Knex.QueryBuilder[]
  ): Promise<string | undefined>
}

/** A condition of statements that go `alongside` a change: that it changed a row. */
export const IF_CHANGED = 'EXISTS (SELECT 1 FROM change)'

/** An event as it was stored. */
export interface WebhookEvent {
  id: string
  type: WebhookEventType
  tenantId: string
  data: Record<string, unknown>
  /** What the wallet may withdraw on this event. */
  withdrawal?: { accountId: string; assetId: string; amount: bigint }
  incomingPaymentId?: string
  outgoingPaymentId?: string
  walletAddressId?: string
  peerId?: string
  assetId?: string
  createdAt: Date
}

/** They go to the card service alone, and a list of events leaves them out unless the caller says which. */
export const HIDDEN_EVENT_TYPES: readonly WebhookEventType[] = [
  'outgoing_payment.funded',
  'outgoing_payment.cancelled'
]

export interface WebhookEvents {
  get(id: string, tenantId?: string): Promise<WebhookEvent | undefined>
  /** Newest event of these types about a payment; undefined where there is none. */
  latestEvent(
    about: ({ incomingPaymentId: string } | { outgoingPaymentId: string }) & {
      types: readonly WebhookEventType[]
      tenantId?: string
    }
  ): Promise<WebhookEvent | undefined>
  /** `notIn` defaults to HIDDEN_EVENT_TYPES. */
  page(
    request: PageRequest,
    filter: {
      tenantId?: string
      types?: { in?: readonly string[]; notIn?: readonly string[] }
      /** Only events about one of these payments, wallet addresses, peers or assets. */
      resourceIds?: readonly string[]
      /** Only events with a delivery in this state, of those that are this tenant's business. */
      delivery?: { state: WebhookDeliveryState; tenantId?: string }
    }
  ): Promise<Page<WebhookEvent>>
}

export type WebhookDeliveryState = 'PENDING' | 'DELIVERED' | 'FAILED'

/** An event on its way to one receiver (the states are drawn in `delivery.ts`). */
export interface WebhookDelivery {
  id: string
  eventId: string
  receiver: Receiver
  state: WebhookDeliveryState
  /** Since the event was written, or sent again by hand. */
  attempts: number
  /** What the receiver answered last. */
  statusCode?: number
  /** Why it did not answer. */
  lastError?: string
  /** When it is due: of one that is PENDING. */
  processAt?: Date
  updatedAt: Date
}

export type WebhookFailure = 'UnknownEvent' | 'UnknownDelivery' | 'NothingToSendAgain'

export interface WebhookDeliveries {
  /** The deliveries of each event; with a tenant's id only those that its settings hold for. */
  ofEvents(eventIds: readonly string[], tenantId?: string): Promise<WebhookDelivery[][]>
  /**
   * Makes due again what was given up, or one delivery that is over in any way, exempt from the order of its
   * resource. Of several callers at once one succeeds.
   */
  resend(request: {
    eventId: string
    deliveryId?: string
    tenantId?: string
  }): Promise<void | Failure<WebhookFailure>>
}
