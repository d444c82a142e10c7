import type { Knex } from 'knex'
import type { Clock, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { Channel } from '../model.ts'
import { HIDDEN_EVENT_TYPES } from './model.ts'
import type { NewWebhookEvent, Outbox } from './model.ts'

/** The column of the event's table that names its resource; null: nothing of that id exists. */
const RESOURCE_COLUMN = {
  incomingPayment: 'incomingPaymentId',
  outgoingPayment: 'outgoingPaymentId',
  walletAddress: 'walletAddressId',
  walletAddressUrl: null,
  peer: 'peerId',
  asset: 'assetId'
} as const satisfies Record<NewWebhookEvent['resource']['kind'], string | null>

/**
 * Writes events and their deliveries. Events of one resource keep their order when their transactions are
 * serialised by a lock on the resource's row, as every change of a state is.
 */
export function createOutbox({
  clock,
  random,
  config
}: {
  clock: Clock
  random: Random
  config: Pick<BackendConfig, 'OPERATOR_TENANT_ID' | 'SEND_TENANT_WEBHOOKS_TO_OPERATOR'>
}): Outbox {
  function recipients(event: NewWebhookEvent): string[] {
    // These are for the card service alone, which this node does not have.
    if (HIDDEN_EVENT_TYPES.includes(event.type)) return []
    const operator = config.SEND_TENANT_WEBHOOKS_TO_OPERATOR ? [config.OPERATOR_TENANT_ID.toLowerCase()] : []
    return [...new Set([event.tenantId, ...operator])]
  }

  /** Writes the event if `change` gives a row. */
  async function write(
    knex: Knex,
    change: { sql: string; bindings: readonly unknown[] },
    event: NewWebhookEvent
  ): Promise<string | undefined> {
    const id = random.orderedUuid()
    const createdAt = new Date(clock.nowMs())
    const to = recipients(event)
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
      `WITH change AS (${change.sql}), event AS (
           INSERT INTO "webhookEvents" (id, type, data, "tenantId", "resourceKey", ${named.column}
             "withdrawalAccountId", "withdrawalAssetId", "withdrawalAmount", "createdAt")
           SELECT ?::uuid, ?::text, ?::json, ?::uuid, ?::text, ${named.value} ?::uuid, ?::uuid, ?::numeric, ?::timestamptz
           FROM change
           RETURNING id, "resourceKey", sequence, "createdAt"
         ), delivery AS (
           INSERT INTO webhooks (id, "eventId", "recipientTenantId", "resourceKey", sequence, state,
             "processAt", "createdAt", "updatedAt")
           SELECT recipient.id, event.id, recipient."tenantId", event."resourceKey", event.sequence, 'PENDING',
             event."createdAt", event."createdAt", event."createdAt"
           FROM event, unnest(?::uuid[], ?::uuid[]) AS recipient (id, "tenantId")
           RETURNING id
         )
         SELECT EXISTS (SELECT 1 FROM event) AS written, (SELECT count(pg_notify(?, id::text)) FROM delivery)`,
      [
        ...change.bindings,
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
        Channel.WEBHOOK_DUE
      ] as never
    )
    return rows[0].written ? id : undefined
  }

  return {
    async add(trx, event) {
      return (await write(trx, { sql: 'SELECT 1', bindings: [] }, event))!
    },
    addWith(database, change, event) {
      return write(database.knex, change.returning('id').toSQL(), event)
    }
  }
}
