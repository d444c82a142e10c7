import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createTestBackend } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { openMeasured } from '../blocks-read.test-support.ts'
import {
  DAY_MS,
  LARGE_TENANT,
  LARGE_WALLET_ADDRESS,
  seedPayments,
  SMALL_TENANT
} from './many-payments.test-support.ts'
import type { PaymentFilter } from './model.ts'
import { createPayments } from './service.ts'

const COUNT = 20_000
const NOW = new Date('2026-01-31T00:00:00Z')
const UNKNOWN_TENANT = '0b000000-0000-4000-8000-000000000003'
/** Pages of 8 KiB that a statement for 20 payments looks at, at most: a look at the whole table is thousands. */
const MAX_BLOCKS = 150

describe('payments, of which there are many', () => {
  let backend: TestBackend
  let measured: ReturnType<typeof openMeasured>

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
    await seedPayments(backend.database.knex, COUNT, NOW)
    measured = openMeasured(backend.databaseUrl)
  })
  afterAll(async () => {
    await measured.close()
    await backend.close()
  })

  /** The page, and how many blocks its statements look at. */
  async function search(filter: PaymentFilter, after?: string) {
    const { result, statements, blocks } = await measured.measure(() =>
      createPayments({ database: measured }).page(after === undefined ? {} : { after }, filter)
    )
    expect(statements).toBeLessThanOrEqual(after === undefined ? 1 : 2)
    return { rows: result.rows, blocks }
  }

  const day = { createdAfter: new Date(NOW.getTime() - DAY_MS), createdBefore: NOW }
  const searches: Record<string, PaymentFilter> = {
    everything: {},
    'a state that few have': { states: ['FAILED'] },
    'a state that few have, of one tenant': { states: ['FAILED'], tenantId: LARGE_TENANT },
    'a state that none has': { states: ['CANCELLED'], tenantId: SMALL_TENANT },
    'a state that most have, of a small tenant': { states: ['COMPLETED'], tenantId: SMALL_TENANT },
    'several states': { states: ['FAILED', 'SENDING', 'EXPIRED'] },
    'a state of a wallet address': { states: ['FAILED'], walletAddressId: [LARGE_WALLET_ADDRESS] },
    'a time long ago': {
      createdAfter: new Date(NOW.getTime() - 20 * DAY_MS),
      createdBefore: new Date(NOW.getTime() - 10 * DAY_MS)
    },
    'a day of a small tenant': { ...day, tenantId: SMALL_TENANT },
    'a state and a time': { ...day, states: ['SENDING', 'PENDING'] }
  }

  it.each(Object.keys(searches))('looks at few rows: %s', async (name) => {
    const filter = searches[name]!
    const first = await search(filter)
    const cursor = first.rows.at(-1)?.id
    const second = cursor === undefined ? undefined : await search(filter, cursor)
    for (const { blocks } of [first, ...(second ? [second] : [])]) expect(blocks).toBeLessThan(MAX_BLOCKS)
    const shown = [...first.rows, ...(second?.rows ?? [])]
    expect(shown.length > 0).toBe(!name.includes('none'))
    const { tenantId, states, createdAfter, createdBefore } = filter
    for (const row of shown) {
      expect(tenantId ?? row.tenantId).toBe(row.tenantId)
      expect(states ?? [row.state]).toContain(row.state)
      if (createdAfter) expect(row.createdAt.getTime()).toBeGreaterThanOrEqual(createdAfter.getTime())
      if (createdBefore) expect(row.createdAt.getTime()).toBeLessThan(createdBefore.getTime())
    }
    const times = shown.map(({ createdAt }) => createdAt.getTime())
    expect(times).toEqual(times.toSorted((a, b) => b - a))
  })

  it('looks at few rows: one receiver, or several', async () => {
    const some = await backend.database
      .knex('outgoingPayments')
      .where('createdAt', '<', day.createdAfter)
      .limit(3)
    const receivers = (some as { id: string; receiver: string }[]).map(({ receiver }) => receiver)
    for (const receiver of [receivers, receivers.slice(1, 2), ['https://nobody.example/'], []]) {
      const { rows, blocks } = await search({ receiver })
      expect(rows.map(({ id }) => id).toSorted()).toEqual(
        (some as { id: string; receiver: string }[])
          .filter((row) => receiver.includes(row.receiver))
          .map(({ id }) => id)
          .toSorted()
      )
      expect(rows.every(({ type }) => type === 'OUTGOING')).toBe(true)
      expect(blocks).toBeLessThan(MAX_BLOCKS)
    }
  })

  it('finds the few of a state as the table has them', async () => {
    const { rows } = await search({ states: ['FAILED'] })
    expect(rows).toHaveLength(10)
    expect((await search({ states: ['PENDING'], types: ['OUTGOING'] })).rows).toEqual([])
  })

  it.each([
    [DAY_MS, 900],
    [31 * DAY_MS, 14_400],
    [DAY_MS / 7, 3_601],
    [DAY_MS, 1_000_000],
    [-DAY_MS, 60]
  ])('are counted by state and time of creation: since %i ms, by %i s', async (sinceMs, bucketSeconds) => {
    const { knex } = backend.database
    const since = new Date(NOW.getTime() - sinceMs)
    const bucketMs = bucketSeconds * 1_000
    const buckets = Math.floor(sinceMs / bucketMs) + 1
    const deleted = await knex('incomingPayments').where('createdAt', '>=', day.createdAfter).limit(7)
    const deletedIds = (deleted as { id: string }[]).map(({ id }) => id)
    await knex('incomingPayments').whereIn('id', deletedIds).update({ deletedAt: NOW })
    for (const tenantId of [undefined, LARGE_TENANT, SMALL_TENANT, UNKNOWN_TENANT]) {
      const before = backend.database.statementCount()
      const counts = await createPayments(backend).countStates({
        since,
        bucketMs,
        buckets,
        ...(tenantId !== undefined && { tenantId })
      })
      expect(backend.database.statementCount() - before).toBe(buckets > 0 ? 1 : 0)
      const { rows } = await knex.raw<{ rows: unknown[] }>(
        `SELECT type, state, date_bin(:bucketSeconds * interval '1 second', "createdAt", :since) AS "bucketStart",
           count(*)::int AS count
         FROM (
           SELECT 'INCOMING' AS type, state, "createdAt", "tenantId" FROM "incomingPayments" WHERE "deletedAt" IS NULL
           UNION ALL SELECT 'OUTGOING', state, "createdAt", "tenantId" FROM "outgoingPayments"
         ) AS payments
         WHERE "createdAt" >= :since AND (:tenantId::uuid IS NULL OR "tenantId" = :tenantId)
         GROUP BY 1, 2, 3 ORDER BY 3, 1, 2`,
        { since, bucketSeconds, tenantId: tenantId ?? null }
      )
      expect(counts).toEqual(rows)
      expect(counts.length > 0).toBe(sinceMs > 0 && tenantId !== UNKNOWN_TENANT)
    }
    await knex('incomingPayments').whereIn('id', deletedIds).update({ deletedAt: null })
  })
})
