import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import type { HttpRequest } from '../../runtime/index.ts'
import { loadBackendConfig } from '../config.ts'
import type { Tenant } from '../tenants/model.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT } from '../testing.ts'
import { LEASE_MARGIN_MS } from './delivery.ts'
import { createWebhookSending, MAX_WEBHOOK_TIMEOUT_MS } from './sending.ts'

describe('a request to a receiver waits for its answer', () => {
  it.each([
    { from: 'the tenant’s setting', WEBHOOK_TIMEOUT: '2000', setting: 7_000, waits: 7_000 },
    { from: 'the variable where there is none', WEBHOOK_TIMEOUT: '3000', setting: undefined, waits: 3_000 },
    { from: 'a minute at most', WEBHOOK_TIMEOUT: '2000', setting: 600_000, waits: 60_000 },
    { from: 'a minute at most', WEBHOOK_TIMEOUT: '600000', setting: undefined, waits: 60_000 }
  ])('$from: WEBHOOK_TIMEOUT=$WEBHOOK_TIMEOUT, $setting set: $waits ms', async (row) => {
    const clock = createManualClock(0)
    const asked: HttpRequest[] = []
    const client = {
      request(request: HttpRequest) {
        asked.push(request)
        return Promise.resolve({ status: 200, headers: {}, body: Buffer.alloc(0) })
      }
    }
    const tenant = {
      settings: {
        webhookUrl: 'http://wallet.test/',
        ...(row.setting !== undefined && { webhookTimeoutMs: row.setting })
      }
    } as Tenant
    const sending = createWebhookSending({
      clock,
      httpClients: { plain: client, guarded: client },
      tenants: { get: () => tenant, refresh: () => Promise.resolve() },
      config: loadBackendConfig({ ...TEST_ENVIRONMENT, WEBHOOK_TIMEOUT: row.WEBHOOK_TIMEOUT })
    })
    await sending.send({
      id: 'delivery',
      eventId: 'event',
      type: 'peer.liquidity_low',
      data: {},
      receiver: OPERATOR_ID,
      recipientTenantId: OPERATOR_ID,
      attempts: 0,
      isRepeat: false,
      leaseEpoch: 1,
      // As long as a lease lasts that was taken for the longest timeout.
      leaseDeadlineMs: MAX_WEBHOOK_TIMEOUT_MS + LEASE_MARGIN_MS
    })
    expect(asked.map(({ timeoutMs }) => timeoutMs)).toEqual([row.waits])
  })
})
