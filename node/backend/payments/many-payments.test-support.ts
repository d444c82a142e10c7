import type { Knex } from 'knex'

export const DAY_MS = 86_400_000
/** Has all payments but one in a hundred. */
export const LARGE_TENANT = '0b000000-0000-4000-8000-000000000001'
export const LARGE_WALLET_ADDRESS = LARGE_TENANT.replace('0b', '0d')
export const SMALL_TENANT = '0b000000-0000-4000-8000-000000000002'

/**
 * Writes `count` incoming and as many outgoing payments of two tenants: half of them of the day before `now`, the
 * others of the 29 days before. All are COMPLETED but ten FAILED ones, the oldest, and one SENDING in a hundred; each
 * outgoing one has a receiver of its own.
 */
export async function seedPayments(knex: Knex, count: number, now: Date): Promise<void> {
  const ids = { large: LARGE_TENANT, small: SMALL_TENANT, now, count }
  await knex.raw(
    `INSERT INTO tenants (id, "apiSecret", "createdAt", "updatedAt")
       SELECT id::uuid, 's', :now, :now FROM (VALUES (:large), (:small)) AS new (id)`,
    ids
  )
  await knex.raw(
    `INSERT INTO assets (id, code, scale, "tenantId", "createdAt", "updatedAt")
       SELECT overlay(id::text PLACING '0c' FROM 1 FOR 2)::uuid, 'USD', 2, id, :now, :now FROM tenants`,
    ids
  )
  await knex.raw(
    `INSERT INTO "walletAddresses" (id, address, "assetId", "tenantId", "createdAt", "updatedAt")
       SELECT overlay(id::text PLACING '0d' FROM 1 FOR 2)::uuid, 'https://wallet.example/' || id,
         overlay(id::text PLACING '0c' FROM 1 FOR 2)::uuid, id, :now, :now FROM tenants`,
    ids
  )
  await knex.raw(
    `CREATE TABLE seeded AS
       SELECT md5('payment ' || n)::uuid AS id, n,
         CASE WHEN n % 100 = 0 THEN :small::uuid ELSE :large::uuid END AS tenant,
         :now::timestamptz - CASE WHEN n % 2 = 0 THEN n * interval '1 day' / :count::int
           ELSE interval '1 day' + n * interval '29 days' / :count::int END AS at
       FROM generate_series(1, :count::int) n`,
    ids
  )
  const wallet = `overlay(tenant::text PLACING '0d' FROM 1 FOR 2)::uuid`
  const asset = `overlay(tenant::text PLACING '0c' FROM 1 FOR 2)::uuid`
  await knex.raw(
    `INSERT INTO "incomingPayments" (id, "walletAddressId", "assetId", "tenantId", state, "expiresAt", "initiatedBy",
         "createdAt", "updatedAt")
       SELECT md5('incoming ' || n)::uuid, ${wallet}, ${asset}, tenant, 'COMPLETED', at, 'ADMIN', at, at FROM seeded`
  )
  await knex.raw(
    `INSERT INTO quotes (id, "walletAddressId", "assetId", "tenantId", receiver, method, "debitAmountValue",
         "debitAmountMinusFees", "receiveAmountValue", "receiveAmountAssetCode", "receiveAmountAssetScale",
         "expiresAt", "createdAt")
       SELECT id, ${wallet}, ${asset}, tenant, 'https://wallet.example/incoming-payments/' || id, 'LOCAL', 1, 1, 1,
         'USD', 2, at, at FROM seeded`
  )
  await knex.raw(
    `INSERT INTO "outgoingPayments" (id, "walletAddressId", "tenantId", receiver, state, "initiatedBy", "createdAt",
         "updatedAt")
       SELECT id, ${wallet}, tenant, 'https://wallet.example/incoming-payments/' || id,
         CASE WHEN n > :count::int - 20 AND n % 2 = 1 THEN 'FAILED' WHEN n % 100 = 4 THEN 'SENDING' ELSE 'COMPLETED' END,
         'ADMIN', at, at FROM seeded`,
    ids
  )
  await knex.raw('DROP TABLE seeded')
  await knex.raw('VACUUM ANALYZE "incomingPayments", "outgoingPayments", quotes')
}
