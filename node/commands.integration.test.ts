import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { TEST_ENVIRONMENT } from './backend/testing.ts'
import { createSystemRuntime } from './runtime/index.ts'
import { createTestDatabase } from './runtime/testing.ts'
import type { TestDatabase } from './runtime/testing.ts'
import { runCommand } from './commands/index.ts'
import type { CommandedService } from './commands/index.ts'
import { authCommands } from './auth/check.ts'
import { backendCommands } from './backend/check.ts'
import { runService } from './service-process.test-support.ts'

const AUTH_ENVIRONMENT = {
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
}

interface Line {
  event: string
  level?: string
  subject?: string
  message?: string
  state?: string
  name?: string
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

const tigerBeetle = inject('tigerBeetle')

/** A service's command within this process. */
async function run(service: 'backend' | 'auth', environment: Record<string, string>, ...args: string[]) {
  const output = { stdout: '', stderr: '' }
  const code = await runCommand<never>(
    (service === 'backend' ? backendCommands : authCommands) as CommandedService<never>,
    args,
    environment,
    { write: (text) => void (output.stdout += text), writeError: (text) => void (output.stderr += text) }
  )
  return { code, ...output }
}

describe('commands of the services', () => {
  let database: TestDatabase
  let authDatabase: TestDatabase
  let auth: Server
  let directory: string
  let environment: Record<string, string>

  beforeAll(async () => {
    database = await createTestDatabase(inject('postgresUrl'))
    authDatabase = await createTestDatabase(inject('postgresUrl'))
    auth = createServer((request, response) => {
      response.writeHead(request.url === '/healthz' ? 200 : 404)
      response.end()
    })
    await new Promise<void>((resolve) => auth.listen(0, '127.0.0.1', resolve))
    directory = mkdtempSync(path.join(tmpdir(), 'rafiki-lab-check-'))
    const { privateKey } = generateKeyPairSync('ed25519')
    writeFileSync(path.join(directory, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(path.join(directory, 'wrong.pem'), 'no key')
    const authUrl = `http://127.0.0.1:${(auth.address() as AddressInfo).port}`
    environment = {
      ...TEST_ENVIRONMENT,
      DATABASE_URL: database.url,
      ADMIN_PORT: '0',
      OPEN_PAYMENTS_PORT: '0',
      CONNECTOR_PORT: '0',
      PRIVATE_KEY_FILE: path.join(directory, 'key.pem'),
      SIGNATURE_SECRET: 'hush',
      AUTH_SERVICE_API_URL: authUrl,
      AUTH_SERVER_INTROSPECTION_URL: `${authUrl}/path`
    }
  })
  afterAll(async () => {
    auth.closeAllConnections()
    auth.close()
    rmSync(directory, { recursive: true })
    await database.drop()
    await authDatabase.drop()
  })

  it('--check says of everything that it is well, and leaves the database alone', async () => {
    const { code, stdout, stderr } = await run('backend', environment, '--check')
    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout.trim().split('\n')
    expect(lines.at(-1)).toBe('0 faults, 1 warnings')
    expect(lines.slice(0, -1)).toEqual([
      expect.stringMatching(/^ok {7}configuration: \d+ variables are set$/),
      expect.stringMatching(/^ok {7}DATABASE_URL: PostgreSQL \d+\S* answers$/),
      expect.stringMatching(/^ok {7}clock: -?\d+ ms from the database's$/),
      expect.stringMatching(/^ok {7}migrations of backend: \d+ of \d+ will be applied at the start$/),
      expect.stringMatching(/^ok {7}migrations of ledger: \d+ of \d+ will be applied at the start$/),
      'warning  CACHE: memory: one process of this service only, and nothing outlives it',
      'ok       LEDGER: the books are in PostgreSQL, at DATABASE_URL',
      'ok       PRIVATE_KEY_FILE: holds an Ed25519 key',
      'ok       SIGNATURE_SECRET: webhooks are signed',
      expect.stringMatching(/^ok {7}AUTH_SERVICE_API_URL: http:\S+\/healthz answers$/),
      expect.stringMatching(/^ok {7}AUTH_SERVER_INTROSPECTION_URL: http:\S+\d\/healthz answers$/),
      'ok       ADMIN_PORT: any free port',
      'ok       CONNECTOR_PORT: any free port',
      'ok       OPEN_PAYMENTS_PORT: any free port'
    ])
  })

  it('--check names everything that is wrong at once, and what to do', async () => {
    const { port } = auth.address() as AddressInfo
    const wrong = {
      ...environment,
      DATABASE_URL: 'postgresql://u:hush@127.0.0.1:1/x',
      CACHE: 'redis',
      REDIS_URL: 'redis://127.0.0.1:1',
      PRIVATE_KEY_FILE: path.join(directory, 'wrong.pem'),
      AUTH_SERVICE_API_URL: 'http://127.0.0.1:1',
      ADMIN_PORT: String(port),
      OPEN_PAYMENTS_PORT: String(port),
      WEBHOOK_URLS: 'https://wallet.example',
      NODE_ENV: 'prod'
    }
    const { code, stdout, stderr } = await run('backend', wrong, '--check', '--json')
    expect([code, stderr]).toEqual([2, ''])
    const lines = linesOf(stdout)
    const faults = lines.filter(({ level }) => level === 'fault')
    expect(Object.fromEntries(faults.map(({ subject, message }) => [subject, message]))).toEqual({
      DATABASE_URL: expect.stringMatching(/ECONNREFUSED.*start it, or set DATABASE_URL/),
      REDIS_URL: expect.stringMatching(/^Redis cannot be used .* start it, or set REDIS_URL/),
      LEDGER: expect.stringMatching(/ECONNREFUSED/),
      PRIVATE_KEY_FILE: expect.stringMatching(/must be an Ed25519 private key in PEM/),
      AUTH_SERVICE_API_URL: expect.stringMatching(/does not answer .* start it, or set AUTH_SERVICE_API_URL/),
      ADMIN_PORT: expect.stringMatching(/is in use: stop what listens there, or choose another port/),
      OPEN_PAYMENTS_PORT: expect.stringMatching(/is in use/),
      ports: expect.stringMatching(/two doors cannot stand at one port/)
    })
    expect(lines.find(({ subject }) => subject === 'WEBHOOK_URLS')).toEqual({
      event: 'finding',
      level: 'warning',
      subject: 'WEBHOOK_URLS',
      message: 'nothing reads it: was WEBHOOK_URL meant?'
    })
    expect(lines.find(({ subject }) => subject === 'NODE_ENV')).toMatchObject({
      level: 'warning',
      message: expect.stringMatching(/^"prod" is none of development, .* production's restrictions are off$/)
    })
    expect(lines.at(-1)).toEqual({ event: 'summary', ok: false, faults: 8, warnings: 2 })
    expect(stdout).not.toContain('hush@')
  })

  describe.skipIf('missing' in tigerBeetle)('--check of a ledger in TigerBeetle', () => {
    /** What it says of the ledger alone. */
    async function ledgerOf(settings: Record<string, string>) {
      if ('missing' in tigerBeetle) throw new Error(tigerBeetle.missing)
      const { stdout } = await run(
        'backend',
        {
          ...environment,
          LEDGER: 'tigerbeetle',
          TIGERBEETLE_CLUSTER_ID: tigerBeetle.clusterId,
          TIGERBEETLE_REPLICA_ADDRESSES: tigerBeetle.addresses.join(','),
          ...settings
        },
        '--check',
        '--json'
      )
      const { level, message } = linesOf(stdout).find(({ subject }) => subject === 'LEDGER')!
      return { level, message }
    }

    it('says whether the right cluster answers at the address, and whose books it holds', async () => {
      // The tests' cluster may have an owner already: that is told, and nothing is written.
      for (let time = 1; time <= 2; time++) {
        const { level, message } = await ledgerOf({})
        if (level === 'ok') expect(message).toMatch(/^TigerBeetle answers at 127\.0\.0\.1:\d+$/)
        else expect(message).toMatch(/holds the books of another database/)
      }
      const [address, cluster] = await Promise.all([
        ledgerOf({ TIGERBEETLE_REPLICA_ADDRESSES: '127.0.0.1:1' }),
        ledgerOf({ TIGERBEETLE_CLUSTER_ID: '99' })
      ])
      expect([address.level, cluster.level]).toEqual(['fault', 'fault'])
      const unanswered =
        /^TIGERBEETLE_REPLICA_ADDRESSES: no TigerBeetle of (cluster \d+ answers at \S+) \(.*\): start it, set/
      expect(unanswered.exec(address.message!)?.[1]).toBe('cluster 0 answers at 127.0.0.1:1')
      expect(unanswered.exec(cluster.message!)?.[1]).toMatch(/^cluster 99 answers at 127\.0\.0\.1:\d+$/)
    })

    it('says that the books of its database are in another cluster, and that its cluster is another’s', async () => {
      if ('missing' in tigerBeetle) throw new Error(tigerBeetle.missing)
      const owned = await createTestDatabase(inject('postgresUrl'))
      const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
      try {
        const DATABASE_URL = owned.url
        await run('backend', { ...environment, DATABASE_URL }, '--migrate')
        const database = runtime.openDatabase({ url: owned.url })
        const row = { ledger: 'tigerbeetle', ownerId: runtime.random.uuid(), createdAt: new Date() }
        await database.knex('ledgerOwner').insert({ ...row, clusterId: 5, isMarked: true })
        expect((await ledgerOf({ DATABASE_URL })).message).toMatch(
          /^TIGERBEETLE_CLUSTER_ID is 0, and the books of this database are in cluster 5/
        )
        await database.knex('ledgerOwner').update({ clusterId: tigerBeetle.clusterId })
        expect(await ledgerOf({ DATABASE_URL })).toEqual({
          level: 'fault',
          message: expect.stringMatching(
            /is not the one that holds this database's books|holds the books of another/
          )
        })
        await database.close()
      } finally {
        runtime.kill()
        await owned.drop()
      }
    })
  })

  it('--check names every variable that cannot be read', async () => {
    const { STREAM_SECRET: _, ...rest } = environment
    const { code, stdout } = await run('backend', { ...rest, ADMIN_PORT: 'x' }, '--check')
    expect([code, stdout]).toEqual([
      2,
      'fault    ADMIN_PORT: holds "x": a whole number of at least 0 is needed\n' +
        'fault    STREAM_SECRET: is not set: a value is required\n2 faults, 0 warnings\n'
    ])
  })

  it('auth: migrations by hand are listed, applied once, and a check asks for them', async () => {
    const manual = {
      ...AUTH_ENVIRONMENT,
      AUTH_DATABASE_URL: authDatabase.url,
      ENABLE_MANUAL_MIGRATIONS: 'true'
    }
    const before = await run('auth', manual, '--check', '--json')
    expect(before.code).toBe(2)
    const faults = linesOf(before.stdout).filter(({ level }) => level === 'fault')
    expect(faults).toEqual([
      expect.objectContaining({ subject: 'migrations of auth', message: expect.stringMatching(/--migrate$/) })
    ])

    const listed = linesOf((await run('auth', manual, '--list', '--json')).stdout)
    expect(listed.length).toBeGreaterThan(1)
    for (const { state } of listed.slice(0, -1)) expect(state).toBe('to be applied')
    expect(listed.at(-1)).toEqual({ event: 'summary', ok: true, applied: 0, missing: listed.length - 1 })

    const migrated = await run('auth', manual, '--migrate')
    expect(migrated.code).toBe(0)
    expect(migrated.stdout).toMatch(/^auth\/0001_\w+: applied now \(\d{4}-/)
    expect(migrated.stdout.trim().split('\n').at(-1)).toBe(`${listed.length - 1} applied now`)
    const again = await run('auth', manual, '--migrate', '--dry-run')
    expect(again.stdout).toMatch(/^auth\/0001_\w+: applied \(/)
    expect(again.stdout).toMatch(/\n0 to be applied\n$/)

    const after = await run('auth', manual, '--check')
    expect([after.code, after.stdout]).toEqual([
      0,
      expect.stringMatching(/migrations of auth: all \d+ are applied/)
    ])
  })

  it.each([
    { service: 'backend' as const, left: 'all but the newest', which: /backend\/\d{4}_\w+/ },
    { service: 'auth' as const, left: 'none', which: /auth\/0001_\w+ and \d+ more/ }
  ])(
    'a start with migrations by hand says in one line which are missing, and the command: $service',
    async ({ service, left, which }) => {
      const empty = await createTestDatabase(inject('postgresUrl'))
      try {
        const manual =
          service === 'auth'
            ? { ...AUTH_ENVIRONMENT, AUTH_DATABASE_URL: empty.url, ENABLE_MANUAL_MIGRATIONS: 'true' }
            : { ...environment, DATABASE_URL: empty.url, ENABLE_MANUAL_MIGRATIONS: 'true' }
        if (left !== 'none') {
          expect((await run(service, manual, '--migrate')).code).toBe(0)
          const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
          const { knex } = runtime.openDatabase({ url: empty.url })
          await knex('backend_migrations').where('name', knex('backend_migrations').max('name')).delete()
          runtime.kill()
        }
        const { code, stderr } = await runService(service, manual).ended
        expect(code).toBe(1)
        expect(stderr.split('\n')).toEqual([
          expect.stringMatching(
            new RegExp(
              `^ENABLE_MANUAL_MIGRATIONS is true and the database lacks migrations \\(${which.source}\\): ` +
                `run npm run ${service} -- --migrate, then start again$`
            )
          ),
          ''
        ])
      } finally {
        await empty.drop()
      }
    }
  )

  it('--migrate says which database it could not reach', async () => {
    const away = { ...environment, DATABASE_URL: 'postgresql://u:p@127.0.0.1:1/x' }
    const { code, stderr } = await run('backend', away, '--migrate')
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^DATABASE_URL: the database could not be brought up to date: .*ECONNREFUSED/)
    ])
  })

  it('is reached by the service’s own command line', async () => {
    const { code, stdout } = await runService('backend', {}, '--check', '--json').ended
    expect([code, linesOf(stdout).at(-1)]).toEqual([
      2,
      { event: 'summary', ok: false, faults: 12, warnings: 0 }
    ])
  })

  it.each(['backend', 'auth'])('whoever reads no further does not end it: %s', async (service) => {
    const main = path.join(import.meta.dirname, service, 'main.ts')
    // `true` is gone before anything is written.
    const pipe = ['-o', 'pipefail', '-c', '"$0" "$1" --check --json | true', process.execPath, main]
    const child = spawn('bash', pipe, {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'pipe']
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
  })

  it('--help and what is no option', async () => {
    const help = await run('backend', {}, '--help')
    expect([help.code, help.stdout]).toEqual([0, expect.stringMatching(/^npm run backend .*--check/s)])
    const wrong = await run('auth', {}, '--chekc')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/--chekc.*npm run auth/s)])
    expect(await run('backend', environment)).toEqual({ code: undefined, stdout: '', stderr: '' })
    const both = await run('auth', {}, '--check', '--migrate')
    expect(both.code).toBe(2)
  })
})
