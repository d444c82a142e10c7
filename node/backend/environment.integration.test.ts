import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { signAdminRequest } from '../admin-api/index.ts'
import { risingTimestamps } from '../admin-api/rising-timestamps.test-support.ts'
import { createSystemRuntime } from '../runtime/index.ts'
import { createTestDatabase } from '../runtime/testing.ts'
import type { TestDatabase } from '../runtime/testing.ts'
import { createBackend } from './backend.ts'
import type { Backend } from './backend.ts'
import { loadBackendConfig } from './config.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT } from './testing.ts'

describe('variables that change what a backend answers', () => {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  let test: TestDatabase
  let plain: Backend
  let proxied: Backend

  async function start(environment: Record<string, string>): Promise<Backend> {
    const backend = createBackend(
      loadBackendConfig({
        ...TEST_ENVIRONMENT,
        ADMIN_PORT: '0',
        OPEN_PAYMENTS_PORT: '0',
        CONNECTOR_PORT: '0',
        AUTO_PEERING_SERVER_PORT: '0',
        ENABLE_AUTO_PEERING: 'true',
        DATABASE_URL: test.url,
        ...environment
      }),
      runtime
    )
    await backend.start()
    return backend
  }

  const nextMs = risingTimestamps(Date.now)
  async function admin(backend: Backend, query: string, variables: object = {}, headers: object = {}) {
    const body = { query, variables }
    const signature = signAdminRequest({ body, secret: 'secret', version: 1, timestampMs: nextMs() })
    return fetch(`http://127.0.0.1:${backend.addresses!.admin.port}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'tenant-id': OPERATOR_ID,
        signature,
        ...headers
      },
      body: JSON.stringify(body)
    })
  }

  async function ask<Data>(backend: Backend, query: string, variables: object = {}): Promise<Data> {
    const answer = (await (await admin(backend, query, variables)).json()) as { data: Data; errors?: unknown }
    expect(answer.errors).toBeUndefined()
    return answer.data
  }

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    plain = await start({ NODE_ENV: 'test' })
    proxied = await start({ NODE_ENV: 'production', TRUST_PROXY: 'true', ALLOW_PRIVATE_ADDRESSES: 'true' })
    const { createAsset } = await ask<{ createAsset: { asset: { id: string } } }>(
      plain,
      'mutation { createAsset(input: { code: "USD", scale: 2 }) { asset { id } } }'
    )
    await ask(
      plain,
      'mutation ($input: CreateWalletAddressInput!) { createWalletAddress(input: $input) { walletAddress { id } } }',
      { input: { assetId: createAsset.asset.id, address: 'https://localhost:3003/alice' } }
    )
  })
  afterAll(async () => {
    await plain.stop()
    await proxied.stop()
    await test.drop()
    runtime.kill()
  })

  it('TRUST_PROXY: what a proxy says of the host counts, and nothing else', async () => {
    const read = async ({ addresses }: Backend) => {
      const headers = { 'x-forwarded-host': 'localhost:3003', accept: 'application/json' }
      return (await fetch(`http://127.0.0.1:${addresses!.openPayments.port}/alice`, { headers })).status
    }
    expect([await read(plain), await read(proxied)]).toEqual([404, 200])
  })

  it('NODE_ENV=production: introspection of the Admin API is off', async () => {
    const query = '{ __schema { queryType { name } } }'
    expect((await ask<{ __schema: object }>(plain, query)).__schema).toEqual({ queryType: { name: 'Query' } })
    const refused = (await (await admin(proxied, query)).json()) as { errors: object[] }
    expect(refused.errors.length).toBeGreaterThan(0)
  })

  it('NODE_ENV=test: signatures of the Admin API are verified all the same', async () => {
    const wrong = await admin(plain, '{ whoami { id } }', {}, { signature: `t=${Date.now()}, v1=00` })
    expect(wrong.status).toBe(401)
  })

  it('ENABLE_AUTO_PEERING: its door is open', async () => {
    const { port } = plain.addresses!.autoPeering!
    expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'POST' })).status).not.toBe(404)
  })

  it('browsers of other origins are answered at every door of HTTP but the connector', async () => {
    const { admin: adminDoor, openPayments, autoPeering } = plain.addresses!
    for (const { port } of [adminDoor, openPayments, autoPeering!]) {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`, {
        headers: { origin: 'https://shop.example' }
      })
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([
        200,
        'https://shop.example'
      ])
    }
  })
})
