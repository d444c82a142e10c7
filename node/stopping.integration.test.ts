import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { TEST_ENVIRONMENT } from './backend/testing.ts'
import { createTestDatabase } from './runtime/testing.ts'
import type { TestDatabase } from './runtime/testing.ts'
import { holdRequest, runService } from './service-process.test-support.ts'
import type { ServiceUnderTest } from './service-process.test-support.ts'

const FREE = '0'

describe('a service that is told to stop', () => {
  let backendDatabase: TestDatabase
  let authDatabase: TestDatabase
  beforeAll(async () => {
    backendDatabase = await createTestDatabase(inject('postgresUrl'))
    authDatabase = await createTestDatabase(inject('postgresUrl'))
  })
  afterAll(async () => {
    await backendDatabase.drop()
    await authDatabase.drop()
  })

  const services = [
    {
      name: 'backend',
      doors: ['admin', 'openPayments', 'connector', 'autoPeering'],
      environment: () => ({
        ...TEST_ENVIRONMENT,
        DATABASE_URL: backendDatabase.url,
        ENABLE_AUTO_PEERING: 'true',
        ADMIN_PORT: FREE,
        OPEN_PAYMENTS_PORT: FREE,
        CONNECTOR_PORT: FREE,
        AUTO_PEERING_SERVER_PORT: FREE
      })
    },
    {
      name: 'auth',
      doors: ['admin', 'auth', 'introspection', 'interaction', 'serviceApi'],
      environment: () => ({
        AUTH_DATABASE_URL: authDatabase.url,
        ADMIN_PORT: FREE,
        AUTH_PORT: FREE,
        INTROSPECTION_PORT: FREE,
        INTERACTION_PORT: FREE,
        SERVICE_API_PORT: FREE,
        BIND_HOST: '127.0.0.1',
        CACHE: 'memory',
        AUTH_SERVER_URL: 'http://127.0.0.1:3006',
        IDENTITY_SERVER_URL: 'https://idp.example/consent',
        IDENTITY_SERVER_SECRET: 'idp',
        ADMIN_API_SECRET: 'secret',
        OPERATOR_TENANT_ID: '11111111-1111-4111-8111-111111111111',
        COOKIE_KEY: 'cookie'
      })
    }
  ] as const

  /** Started, with a request that runs at its Admin API, and told to stop. */
  async function stopWhileBusy({ name, environment }: (typeof services)[number]) {
    const service: ServiceUnderTest = runService(name, environment())
    const started = await service.logged('started')
    const ready = await fetch(`http://${started.admin}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }])
    const held = await holdRequest(started.admin!, '/graphql')
    service.kill('SIGTERM')
    await service.logged('stopping')
    return { service, started, held }
  }

  it.concurrent.each(services)(
    '$name: answers 503 at every door, finishes what runs, exits 0',
    async (subject) => {
      const { service, started, held } = await stopWhileBusy(subject)
      while ((await fetch(`http://${started.admin}/readyz`)).status !== 503);
      for (const door of subject.doors) {
        for (const path of ['/healthz', '/readyz', '/']) {
          const answer = await fetch(`http://${started[door]}${path}`, {
            method: path === '/' ? 'POST' : 'GET'
          })
          expect([door, answer.status, answer.headers.get('connection'), await answer.text()]).toEqual([
            door,
            503,
            'close',
            'Server is in the process of restarting'
          ])
        }
      }
      held.finish()
      // It was taken before the stop, so it is answered; it is not signed.
      expect(await held.closed).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 401 Unauthorized/)
      expect(await service.ended).toMatchObject({ code: 0, stderr: '' })
    }
  )

  it.concurrent.each(services)('$name: exits 1 at once by a second signal', async (subject) => {
    const { service } = await stopWhileBusy(subject)
    service.kill('SIGINT')
    expect(await service.ended).toMatchObject({ code: 1, stderr: '' })
  })

  it.concurrent.each(services)('$name: what takes longer than STOP_GRACE_MS is cut off', async (subject) => {
    const environment = () => ({ ...subject.environment(), STOP_GRACE_MS: '200' })
    const { service, held } = await stopWhileBusy({ ...subject, environment } as never)
    expect(await service.ended).toMatchObject({ code: 0, stderr: '' })
    expect(await held.closed).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  })
})
