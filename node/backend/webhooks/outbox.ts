import type { Knex } from 'knex'
import type { Clock, Logger, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { Channel } from '../model.ts'
import { CARD_SERVICE, HIDDEN_EVENT_TYPES, POINT_OF_SALE } from './model.ts'
import type { NewWebhookEvent, Outbox, Receiver } from './model.ts'

/** The column of the event's table that names its resource; null: nothing of that id exists. */
const RESOURCE_COLUMN = {
  incomingPayment: 'incomingPaymentId',
  outgoingPayment: 'outgoingPaymentId',
  walletAddress: 'walletAddressId',
  walletAddressUrl: null,
  peer: 'peerId',
  asset: 'assetId'
} as const satisfies Record<NewWebhookEvent['resource']['kind'], string | null>

interface Statement {
  sql: string
  bindings: readonly unknown[]
}

/**
 * Writes events and their deliveries. Events of one resource keep their order when their transactions are
 * serialised by a lock on the resource's row, as every change of a state is.
 */
export function createOutbox({
  clock,
  random,
  logger,
  config
}: {
  clock: Clock
  random: Random
  logger: Logger
  config: Pick<
    BackendConfig,
    | 'OPERATOR_TENANT_ID'
    | 'SEND_TENANT_WEBHOOKS_TO_OPERATOR'
    | 'CARD_WEBHOOK_SERVICE_URL'
    | 'POS_WEBHOOK_SERVICE_URL'
  >
}): Outbox {
  const operatorId = config.OPERATOR_TENANT_ID.toLowerCase()

  function receiversOf(event: NewWebhookEvent): Receiver[] {
    if (HIDDEN_EVENT_TYPES.includes(event.type)) return service(CARD_SERVICE, event)
    return [
      event.tenantId,
      ...(config.SEND_TENANT_WEBHOOKS_TO_OPERATOR && event.tenantId !== operatorId ? [operatorId] : []),
      ...(event.alsoToPointOfSale ? service(POINT_OF_SALE, event) : [])
    ]
  }

  function service(receiver: Receiver, { type, resource }: NewWebhookEvent): Receiver[] {
    const variable = receiver === CARD_SERVICE ? 'CARD_WEBHOOK_SERVICE_URL' : 'POS_WEBHOOK_SERVICE_URL'
    if (config[variable] !== undefined) return [receiver]
    logger.warn({ type, resource }, `an event is not sent: ${variable} is not set`)
    return []
  }

  /** Writes the event if `change` gives a row. */
  async function write(
    knex: Knex,
    change: Statement,
    event: NewWebhookEvent,
    alongside: readonly Statement[] = []
  ): Promise<string | undefined> {
    const id = random.orderedUuid()
    const createdAt = new Date(clock.nowMs())
    const to = receiversOf(event)
    const resourceColumn = RESOURCE_COLUMN[event.resource.kind]
    const named =
      resourceColumn === null
        ? { column: '', value: '', id: [] }
        : {
            column: `"${resourceColumn}",`,
            value: '?::uuid,',
            id: [event.resource.id]
          }
    const { rows } = await knex.raw<{ rows: [{ written: boolean }] }>(
      `WITH change AS (${change.sql}), ${alongside.map(({ sql }, index) => `also${index} AS (${sql}), `).join('')} event AS (
           INSERT INTO "webhookEvents" (id, type, data, "tenantId", "resourceKey", ${named.column}
             "withdrawalAccountId", "withdrawalAssetId", "withdrawalAmount", "createdAt")
           SELECT ?::uuid, ?::text, ?::json, ?::uuid, ?::text, ${named.value} ?::uuid, ?::uuid, ?::numeric, ?::timestamptz
           FROM change
           RETURNING id, "resourceKey", sequence, "createdAt"
         ), delivery AS (
           INSERT INTO webhooks (id, "eventId", receiver, "recipientTenantId", "resourceKey", sequence, state,
             "processAt", "createdAt", "updatedAt")
           SELECT new.id, event.id, new.receiver, new."tenantId", event."resourceKey", event.sequence, 'PENDING',
             event."createdAt", event."createdAt", event."createdAt"
           FROM event, unnest(?::uuid[], ?::text[], ?::uuid[]) AS new (id, receiver, "tenantId")
           RETURNING id
         )
         SELECT EXISTS (SELECT 1 FROM event) AS written, (SELECT count(pg_notify(?, id::text)) FROM delivery)`,
      [
        ...change.bindings,
        ...alongside.flatMap(({ bindings }) => bindings),
        id,
        event.type,
        JSON.stringify(event.data),
        event.tenantId,
        `${event.resource.kind}:${event.resource.id}`,
        ...named.id,
        event.withdrawal?.accountId ?? null,
        event.withdrawal?.assetId ?? null,
        event.withdrawal?.amount.toString() ?? null,
        createdAt,
        to.map(() => random.orderedUuid()),
        to,
        // Whose settings and whose list it belongs to: a service's the event's own.
        to.map((receiver) => (receiver === operatorId ? operatorId : event.tenantId)),
        Channel.WEBHOOK_DUE
      ] as never
    )
    return rows[0].written ? id : undefined
  }

  return {
    async add(trx, event) {
      return (await write(trx, { sql: 'SELECT 1', bindings: [] }, event))!
    },
    addWith({ knex }, change, event, alongside = []) {
      const others = alongside.map((one) => one.toSQL())
      return write(knex, change.returning('id').toSQL(), event, others)
    }
  }
}
