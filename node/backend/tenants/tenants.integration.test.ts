import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createTestBackend, OPERATOR_ID } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { createTenantDirectory } from './directory.ts'

const TENANT = '01900000-0000-7000-8000-000000000002'

describe('tenants', () => {
  let backend: TestBackend

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'), {
      EXCHANGE_RATES_URL: 'http://operator.test/rates'
    })
    const now = new Date()
    const { knex } = backend.database
    // The operator's tenant comes with the first start.
    const first = createTenantDirectory(backend)
    await first.start()
    await first.stop()
    await knex('tenants').insert({ id: TENANT, apiSecret: 'x', createdAt: now, updatedAt: now })
  })
  afterAll(() => backend.close())

  async function settings(own: Record<string, string>, tenantId = TENANT) {
    const now = new Date()
    const { knex } = backend.database
    await knex('tenantSettings').where({ tenantId }).delete()
    for (const [key, value] of Object.entries(own)) {
      const id = backend.random.uuid()
      await knex('tenantSettings').insert({ id, tenantId, key, value, createdAt: now, updatedAt: now })
    }
    const directory = createTenantDirectory(backend)
    await directory.start()
    const found = directory.get(tenantId)!.settings
    await directory.stop()
    return found
  }

  it('have the settings of the operator where they have none of their own', async () => {
    const { OPEN_PAYMENTS_URL, WEBHOOK_URL } = backend.config
    const others = { webhookUrl: WEBHOOK_URL, webhookTimeoutMs: 2_000, webhookMaxRetry: 10 }
    expect(await settings({}, OPERATOR_ID)).toEqual({
      ...others,
      exchangeRatesUrl: 'http://operator.test/rates',
      walletAddressUrl: OPEN_PAYMENTS_URL,
      ilpAddress: 'test.acacia'
    })
    // An address below the operator's, and no wallet addresses until it says where.
    expect(await settings({})).toEqual({
      ...others,
      exchangeRatesUrl: 'http://operator.test/rates',
      ilpAddress: `test.acacia.${TENANT}`
    })
  })

  it('have their own where they set them', async () => {
    const own = {
      EXCHANGE_RATES_URL: 'http://tenant.test/rates',
      WEBHOOK_URL: 'http://tenant.test/hooks',
      WEBHOOK_TIMEOUT: '9',
      WEBHOOK_MAX_RETRY: '3',
      WALLET_ADDRESS_URL: 'https://tenant.test',
      ILP_ADDRESS: 'test.own'
    }
    expect(await settings(own)).toEqual({
      exchangeRatesUrl: 'http://tenant.test/rates',
      isExchangeRatesUrlGuarded: true,
      webhookUrl: 'http://tenant.test/hooks',
      isWebhookUrlGuarded: true,
      webhookTimeoutMs: 9,
      webhookMaxRetry: 3,
      walletAddressUrl: 'https://tenant.test',
      ilpAddress: 'test.own'
    })
  })

  it('of the operator has the secret of the configuration after every start', async () => {
    for (const ADMIN_API_SECRET of ['first secret', 'second secret']) {
      const directory = createTenantDirectory({ ...backend, config: { ...backend.config, ADMIN_API_SECRET } })
      await directory.start()
      expect(directory.operator).toMatchObject({
        id: OPERATOR_ID,
        apiSecret: ADMIN_API_SECRET,
        isOperator: true
      })
      await directory.stop()
    }
  })
})
