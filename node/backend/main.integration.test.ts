import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createTestDatabase } from '../runtime/testing.ts'
import type { TestDatabase } from '../runtime/testing.ts'
import { runService } from '../service-process.test-support.ts'
import { TEST_ENVIRONMENT } from './testing.ts'

const run = (environment: Record<string, string>) => runService('backend', environment)

describe('the backend as a process', () => {
  let test: TestDatabase
  let environment: Record<string, string>

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    environment = {
      ...TEST_ENVIRONMENT,
      DATABASE_URL: test.url,
      ADMIN_PORT: '0',
      OPEN_PAYMENTS_PORT: '0',
      CONNECTOR_PORT: '0'
    }
  })
  afterAll(() => test.drop())

  it('says where it listens, and ends well by SIGTERM', async () => {
    const { kill, logged, ended } = run(environment)
    const started = await logged('started')
    for (const door of [started.admin, started.openPayments]) {
      expect((await fetch(`http://${door}/healthz`)).status).toBe(200)
    }
    expect(started.connector).toMatch(/^127\.0\.0\.1:\d+$/)
    kill('SIGTERM')
    await logged('stopped')
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('says which variable is probably a slip, and takes the rest from ENV_FILE', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'rafiki-lab-env-'))
    const file = path.join(directory, 'node.env')
    writeFileSync(
      file,
      Object.entries({ ...environment, WEBHOOK_URLS: 'http://localhost:2' })
        .map(([name, value]) => `${name}=${value}\n`)
        .join('')
    )
    const { kill, logged, ended } = run({ ENV_FILE: file, NODE_ENV: 'staging' })
    expect(await logged('unknown_variable')).toMatchObject({
      name: 'WEBHOOK_URLS',
      meant: 'WEBHOOK_URL',
      msg: 'WEBHOOK_URLS is set and nothing reads it: was WEBHOOK_URL meant?'
    })
    expect((await logged('unknown_node_env')).msg).toMatch(/^NODE_ENV: "staging" is none of development,/)
    await logged('started')
    kill('SIGTERM')
    expect((await ended).code).toBe(0)
    rmSync(directory, { recursive: true })
  })

  it.concurrent('names every wrong variable, one line each', async ({ expect }) => {
    const { STREAM_SECRET: _secret, ...incomplete } = environment
    const { code, stderr } = await run({ ...incomplete, ADMIN_PORT: 'x', ILP_ADDRESS: '' }).ended
    expect(code).toBe(2)
    expect(stderr.trim().split('\n').sort()).toEqual([
      expect.stringMatching(/^ADMIN_PORT holds "x": a whole number/),
      expect.stringMatching(/^ILP_ADDRESS is not set: a value is required/),
      expect.stringMatching(/^STREAM_SECRET is not set: a value is required/)
    ])
  })

  it.concurrent('names the addresses of a ledger that it cannot use', async ({ expect }) => {
    const settings = {
      LEDGER: 'tigerbeetle',
      TIGERBEETLE_CLUSTER_ID: 'x',
      TIGERBEETLE_REPLICA_ADDRESSES: '3004,b'
    }
    const { code, stderr } = await run({ ...environment, ...settings }).ended
    expect(code).toBe(2)
    expect(stderr.trim().split('\n')).toEqual([
      'TIGERBEETLE_CLUSTER_ID holds "x": a whole number below 2^128 is needed',
      'TIGERBEETLE_REPLICA_ADDRESSES holds "3004,b": ports, host:port or [IPv6]:port are needed, separated by commas: one per replica'
    ])
  })

  it.concurrent('says in one line which port is in use', async ({ expect }) => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    // LOG_LEVEL: a warning is above `error`'s, and would be there otherwise.
    const settings = { CONNECTOR_PORT: String(port), LOG_LEVEL: 'error', NODE_ENV: 'staging' }
    const { code, stdout, stderr } = await run({ ...environment, ...settings }).ended
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      `CONNECTOR_PORT: 127.0.0.1:${port} is in use: stop what listens there, or choose another port\n`
    ])
    await new Promise((resolve) => taken.close(resolve))
  })

  it.concurrent('waits for PostgreSQL, then says in one line that it does not answer', async ({ expect }) => {
    const { code, stderr } = await run({ ...environment, DATABASE_URL: 'postgresql://u:p@127.0.0.1:1/x' })
      .ended
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^DATABASE_URL: PostgreSQL at 127\.0\.0\.1:1\/x does not answer \(.*ECONNREFUSED.*\): start it, or set DATABASE_URL\n$/
      )
    ])
  })
})
