import type { Knex } from 'knex'

/** What the operator's node has when the overview is measured. */
export interface SeededPayments {
  outgoing: number
  incoming: number
  /** Of both kinds, created in the last 24 hours before `now`. */
  ofLastDay: number
  failedWebhooks: number
}

/**
 * Writes `count` outgoing and as many incoming payments of the node's first wallet address, each with one webhook
 * event and its delivery: half of them of the 24 hours before `now`, the others of the 29 days before. All have ended,
 * so that nothing works on them. One delivery in fifty of the older ones was given up: the newest of these are behind a
 * day's events, which is as far as the node has to look for them.
 */
export async function seedPayments(knex: Knex, count: number, now: Date): Promise<void> {
  await knex.raw(
    `CREATE TABLE seeded AS
       SELECT n, gen.id, wallets.id AS wallet, wallets."assetId" AS asset, wallets."tenantId" AS tenant,
         :now::timestamptz - CASE WHEN n % 2 = 0 THEN n * interval '23 hours' / :count::int
           ELSE interval '1 day' + n * interval '29 days' / :count::int END AS at
       FROM generate_series(1, :count::int) n
       CROSS JOIN LATERAL (SELECT md5('payment ' || n)::uuid AS id) gen
       CROSS JOIN (SELECT * FROM "walletAddresses" ORDER BY "createdAt", id LIMIT 1) wallets`,
    { now, count }
  )
  await knex.raw(
    `INSERT INTO "incomingPayments" (id, "walletAddressId", "assetId", "tenantId", state, "expiresAt", "initiatedBy",
         "createdAt", "updatedAt")
       SELECT md5('incoming ' || n)::uuid, wallet, asset, tenant,
         CASE WHEN n % 20 < 2 THEN 'EXPIRED' ELSE 'COMPLETED' END, at, 'ADMIN', at, at FROM seeded`
  )
  await knex.raw(
    `INSERT INTO quotes (id, "walletAddressId", "assetId", "tenantId", receiver, method, "debitAmountValue",
         "debitAmountMinusFees", "receiveAmountValue", "receiveAmountAssetCode", "receiveAmountAssetScale",
         "expiresAt", "createdAt")
       SELECT id, wallet, asset, tenant, 'https://wallet.example/incoming-payments/' || id, 'ILP', 100, 100, 90,
         'EUR', 4, at, at FROM seeded`
  )
  await knex.raw(
    `INSERT INTO "outgoingPayments" (id, "walletAddressId", "tenantId", receiver, state, "initiatedBy", "createdAt",
         "updatedAt")
       SELECT id, wallet, tenant, 'https://wallet.example/incoming-payments/' || id,
         CASE n % 100 WHEN 3 THEN 'FAILED' WHEN 4 THEN 'CANCELLED' ELSE 'COMPLETED' END, 'ADMIN', at, at
       FROM seeded`
  )
  for (const kind of ['incoming', 'outgoing'] as const) await seedWebhooks(knex, kind)
  await knex.raw('DROP TABLE seeded')
  await knex.raw('VACUUM ANALYZE "incomingPayments", "outgoingPayments", quotes, "webhookEvents", webhooks')
}

async function seedWebhooks(knex: Knex, kind: 'incoming' | 'outgoing'): Promise<void> {
  const payment = kind === 'incoming' ? `md5('incoming ' || n)::uuid` : 'id'
  await knex.raw(
    `INSERT INTO "webhookEvents" (id, type, data, "tenantId", "resourceKey", "${kind}PaymentId", "createdAt")
       SELECT md5(:kind || ' event ' || n)::uuid, :type, json_build_object('id', ${payment}), tenant,
         'payment:' || ${payment}, ${payment}, at FROM seeded`,
    { kind, type: `${kind}_payment.completed` }
  )
  await knex.raw(
    `INSERT INTO webhooks (id, "eventId", receiver, "recipientTenantId", "resourceKey", sequence, state, attempts,
         "statusCode", "createdAt", "updatedAt")
       SELECT md5(:kind || ' webhook ' || n)::uuid, events.id, seeded.tenant::text, seeded.tenant,
         events."resourceKey", events.sequence, CASE n % 100 WHEN 7 THEN 'FAILED' ELSE 'DELIVERED' END,
         CASE n % 100 WHEN 7 THEN 10 ELSE 1 END, CASE n % 100 WHEN 7 THEN 500 ELSE 200 END, seeded.at, seeded.at
       FROM seeded JOIN "webhookEvents" events ON events.id = md5(:kind || ' event ' || n)::uuid`,
    { kind }
  )
}

/** What the tables hold: what the page has to say. */
export async function countSeeded(knex: Knex, since: Date): Promise<SeededPayments> {
  const one = async (sql: string, bindings: unknown[] = []) => {
    const { rows } = await knex.raw<{ rows: [{ count: bigint }] }>(sql, bindings as never)
    return Number(rows[0].count)
  }
  const of = (table: string, condition = 'true', bindings: unknown[] = []) =>
    one(`SELECT count(*) AS count FROM "${table}" WHERE ${condition}`, bindings)
  return {
    outgoing: await of('outgoingPayments'),
    incoming: await of('incomingPayments'),
    ofLastDay:
      (await of('outgoingPayments', '"createdAt" >= ?', [since])) +
      (await of('incomingPayments', '"createdAt" >= ?', [since])),
    failedWebhooks: await of('webhooks', `state = 'FAILED'`)
  }
}
