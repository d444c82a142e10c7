import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createSystemRuntime } from '../runtime/index.ts'
import type { Clock } from '../runtime/index.ts'
import { createTestDatabase } from '../runtime/testing.ts'
import type { TestDatabase } from '../runtime/testing.ts'
import { createAuth, loadAuthConfig } from './index.ts'

const DAY_MS = 86_400_000

describe('the authorization server as a process', () => {
  let database: TestDatabase
  let taken: Server
  beforeAll(async () => {
    database = await createTestDatabase(inject('postgresUrl'))
    taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    taken.close()
    await database.drop()
  })

  const environment = () => ({
    AUTH_DATABASE_URL: database.url,
    ADMIN_PORT: '0',
    AUTH_PORT: '0',
    INTROSPECTION_PORT: '0',
    INTERACTION_PORT: '0',
    SERVICE_API_PORT: '0',
    BIND_HOST: '127.0.0.1',
    CACHE: 'memory',
    AUTH_SERVER_URL: 'http://127.0.0.1:3006',
    IDENTITY_SERVER_URL: 'https://idp.example/consent',
    IDENTITY_SERVER_SECRET: 'idp',
    ADMIN_API_SECRET: 'secret',
    OPERATOR_TENANT_ID: '11111111-1111-4111-8111-111111111111',
    COOKIE_KEY: 'cookie'
  })

  function start(variables: Record<string, string>) {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts')], {
      env: variables,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let errors = ''
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
    const ended = new Promise<{ code: number | null; errors: string }>((resolve) =>
      child.once('close', (code) => resolve({ code, errors }))
    )
    return { child, ended, log: () => log, event: (name: string) => nextEvent(child, name) }
  }

  it('says where it listens, and ends in order by SIGTERM', async () => {
    const { child, ended, event } = start(environment())
    const started = await event('started')
    for (const door of ['admin', 'auth', 'introspection', 'interaction', 'serviceApi']) {
      expect((await fetch(`http://${started[door]}/healthz`)).status).toBe(200)
    }
    const stopped = event('stopped')
    child.kill('SIGTERM')
    await stopped
    expect(await ended).toEqual({ code: 0, errors: '' })
  })

  it('names every variable that is wrong, one per line', async () => {
    const { ended } = start({ ...environment(), COOKIE_KEY: '', ADMIN_PORT: 'http', WAIT_SECONDS: '-1' })
    expect(await ended).toEqual({
      code: 2,
      errors: [
        'ADMIN_PORT holds "http": a whole number of at least 0 is needed',
        'COOKIE_KEY is not set: a value is required',
        'WAIT_SECONDS holds "-1": a whole number of at least 0 is needed',
        ''
      ].join('\n')
    })
  })

  it('names the port that is in use', async () => {
    const port = String((taken.address() as AddressInfo).port)
    // LOG_LEVEL: a warning is above `error`'s, and would be there otherwise.
    const settings = { INTERACTION_PORT: port, LOG_LEVEL: 'error', NODE_ENV: 'staging' }
    const { ended, log } = start({ ...environment(), ...settings })
    expect(await ended).toEqual({
      code: 1,
      errors: `INTERACTION_PORT ${port} is in use: stop what listens there, or name another port\n`
    })
    expect(log()).toBe('')
  })

  it('waits for its database with doubling waits, then gives up', async () => {
    const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
    const waits: number[] = []
    const clock: Clock = {
      ...runtime.clock,
      async sleep(delayMs) {
        waits.push(delayMs)
      }
    }
    const away = { ...environment(), AUTH_DATABASE_URL: 'postgresql://u:p@127.0.0.1:1/x' }
    const auth = createAuth(loadAuthConfig(away), { ...runtime, clock })
    await expect(auth.start()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(waits).toEqual([60, 120, 240, 480, 960, 1_920, 3_840])
    expect(auth.addresses).toBeUndefined()
  })

  it('leaves the database alone while idle', async () => {
    const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
    const delays: number[] = []
    let onLongTimer!: () => void
    const longTimer = new Promise<void>((resolve) => (onLongTimer = resolve))
    const clock: Clock = {
      ...runtime.clock,
      setTimer(delayMs, callback) {
        delays.push(delayMs)
        if (delayMs > DAY_MS) onLongTimer()
        return runtime.clock.setTimer(delayMs, callback)
      }
    }
    const auth = createAuth(loadAuthConfig(environment()), { ...runtime, clock })
    await auth.start()
    // After its start it waits for tokens that do not exist yet, and for nothing else.
    await longTimer
    expect(delays).toHaveLength(1)
    const idle = auth.statementCount()
    const { port } = auth.addresses!.auth
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    expect(auth.statementCount()).toBe(idle + 1)
    await auth.stop()
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
    expect(auth.addresses).toBeUndefined()
  })
})

/** The first JSON line that a process logs with this event. */
function nextEvent(child: ChildProcess, name: string): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! })
    lines.on('line', (line) => {
      if (!line.startsWith('{')) return
      const record = JSON.parse(line) as Record<string, string>
      if (record.event === name) resolve(record)
    })
    child.once('close', () => reject(new Error(`the process ended before it logged ${name}`)))
  })
}
