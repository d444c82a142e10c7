import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openMeasured } from '../blocks-read.test-support.ts'
import { createTestBackend, OPERATOR_ID } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { createWebhookEvents } from './events.ts'

/** Events, a hundred of one payment each; one in a hundred is about one peer. */
const COUNT = 20_000
/** Blocks of 8 KiB that two pages of one resource look at, at most. */
const MAX_BLOCKS = 150

describe('the events about a resource, among many', () => {
  let backend: TestBackend
  let measured: ReturnType<typeof openMeasured>
  const peerId = '0e000000-0000-4000-8000-000000000001'

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
    measured = openMeasured(backend.databaseUrl)
    const { knex } = backend.database
    const now = new Date('2026-01-31T00:00:00Z')
    await knex('tenants').insert({ id: OPERATOR_ID, apiSecret: 's', createdAt: now, updatedAt: now })
    await knex.raw(
      `INSERT INTO "webhookEvents" (id, type, data, "tenantId", "resourceKey", "incomingPaymentId", "peerId", "createdAt")
       SELECT md5('event ' || n)::uuid, 'incoming_payment.created', '{}', :tenantId::uuid, 'any:' || n,
         CASE WHEN n % 100 > 0 THEN md5('payment ' || n / 100)::uuid END,
         CASE WHEN n % 100 = 0 THEN :peerId::uuid END, :now::timestamptz - n * interval '1 second'
       FROM generate_series(1, :count::int) n`,
      { tenantId: OPERATOR_ID, peerId, now, count: COUNT }
    )
    await knex.raw('VACUUM ANALYZE "webhookEvents"')
  })
  afterAll(async () => {
    await measured.close()
    // Their data are those of no event of the contract.
    await backend.database.knex('webhookEvents').delete()
    await backend.close()
  })

  it.each(['a payment', 'a peer', 'nothing', 'several'])('are found by an index: %s', async (what) => {
    const { rows } = await backend.database.knex.raw<{ rows: { id: string }[] }>(
      `SELECT md5('payment ' || n)::uuid AS id FROM generate_series(100, 102) n`
    )
    const payments = rows.map(({ id }) => id)
    const ids = {
      'a payment': payments.slice(0, 1),
      'a peer': [peerId],
      nothing: [OPERATOR_ID],
      several: payments
    }
    const resourceIds = ids[what as keyof typeof ids]
    for (const tenantId of [OPERATOR_ID, undefined]) {
      const filter = { resourceIds, ...(tenantId !== undefined && { tenantId }) }
      const { result, blocks } = await measured.measure(async () => {
        const events = createWebhookEvents({ database: measured })
        const first = await events.page({}, filter)
        const after = first.rows.at(-1)?.id
        const second = after === undefined ? undefined : await events.page({ after }, filter)
        return [...first.rows, ...(second?.rows ?? [])]
      })
      expect(result).toHaveLength(what === 'nothing' ? 0 : 40)
      for (const { incomingPaymentId, peerId: peer } of result) {
        expect(resourceIds).toContain(incomingPaymentId ?? peer)
      }
      const times = result.map(({ createdAt }) => createdAt.getTime())
      expect(times).toEqual(times.toSorted((a, b) => b - a))
      expect(blocks).toBeLessThan(MAX_BLOCKS * resourceIds.length)
    }
  })
})
