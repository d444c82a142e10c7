import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { signAdminRequest } from '../admin-api/index.ts'
import { risingTimestamps } from '../admin-api/rising-timestamps.test-support.ts'
import { StartError } from '../commands/index.ts'
import {
  createLogger,
  createManualClock,
  createRandom,
  createRuntime,
  createSystemNetwork,
  createSystemRandom,
  createSystemRuntime,
  openDatabase as openSystemDatabase
} from '../runtime/index.ts'
import type { Clock, Database, ManualClock, Runtime } from '../runtime/index.ts'
import { createTestDatabase } from '../runtime/testing.ts'
import type { TestDatabase } from '../runtime/testing.ts'
import { createBackend } from './backend.ts'
import type { Backend } from './backend.ts'
import { loadBackendConfig } from './config.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT, until } from './testing.ts'

interface Answer {
  data?: Record<string, Record<string, Record<string, unknown>> | null> | null
  errors?: unknown
}

const FREE_PORTS = { ADMIN_PORT: '0', OPEN_PAYMENTS_PORT: '0', CONNECTOR_PORT: '0' }

describe('backend', () => {
  let test: TestDatabase
  let observer: Database
  const system = createSystemRuntime({ name: 'test', logLevel: 'silent' })

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    observer = system.openDatabase({ url: test.url, maxConnections: 1 })
  })
  afterAll(async () => {
    await observer.close()
    await test.drop()
    system.kill()
  })

  function configure(environment: Record<string, string> = {}) {
    return loadBackendConfig({ ...TEST_ENVIRONMENT, ...FREE_PORTS, DATABASE_URL: test.url, ...environment })
  }

  /** Connections to the database other than the one that asks. */
  async function openConnections({ url }: TestDatabase = test): Promise<number> {
    const { rows } = await observer.knex.raw<{ rows: { count: bigint }[] }>(
      'SELECT count(*) FROM pg_stat_activity WHERE datname = ? AND pid <> pg_backend_pid()',
      [new URL(url).pathname.slice(1)]
    )
    return Number(rows[0]!.count)
  }

  const nextMs = risingTimestamps(Date.now)
  async function query(backend: Backend, text: string, input: object): Promise<Answer> {
    const body = { query: text, variables: { input } }
    const signature = signAdminRequest({ body, secret: 'secret', version: 1, timestampMs: nextMs() })
    const response = await fetch(`http://127.0.0.1:${backend.addresses!.admin.port}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'tenant-id': OPERATOR_ID,
        signature
      },
      body: JSON.stringify(body)
    })
    return (await response.json()) as Answer
  }

  const CREATE_ASSET = `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id code liquidity } } }`
  const ASSET_BY_CODE = `{ assetByCodeAndScale(code: "MEANWHILE", scale: 2) { id } }`
  const CREATE_WALLET_ADDRESS = `mutation ($input: CreateWalletAddressInput!) {
    createWalletAddress(input: $input) { walletAddress { id address asset { code scale } } }
  }`

  it.each(['postgres', 'memory'])('starts, serves its doors and stops with LEDGER=%s', async (LEDGER) => {
    // A database remembers where its books are.
    const own = await createTestDatabase(inject('postgresUrl'))
    const backend = createBackend(configure({ LEDGER, DATABASE_URL: own.url }), system)
    await backend.start()
    const { admin, openPayments, connector } = backend.addresses!
    for (const { port } of [admin, openPayments]) {
      const health = await fetch(`http://127.0.0.1:${port}/healthz`)
      expect([port, health.status]).toEqual([port, 200])
    }
    expect((await fetch(`http://127.0.0.1:${connector.port}/`, { method: 'POST' })).status).toBe(401)

    const code = LEDGER.toUpperCase()
    const { data, errors } = await query(backend, CREATE_ASSET, { code, scale: 2 })
    expect({ data, errors }).toMatchObject({ data: { createAsset: { asset: { code, liquidity: '0' } } } })
    const assetId = data!.createAsset!.asset!.id
    const address = `https://localhost:3003/${LEDGER}`
    expect(await query(backend, CREATE_WALLET_ADDRESS, { assetId, address })).toMatchObject({
      data: { createWalletAddress: { walletAddress: { address, asset: { code, scale: 2 } } } }
    })
    await backend.stop()
    expect(backend.addresses).toBeUndefined()
    for (const { port } of [admin, openPayments, connector]) {
      await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed')
    }
    await until(async () => (await openConnections(own)) === 0)
    await backend.stop()
    await own.drop()
  })

  it('names the variable of a port in use and leaves nothing open', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const port = String((taken.address() as AddressInfo).port)
    for (const name of ['ADMIN_PORT', 'OPEN_PAYMENTS_PORT', 'CONNECTOR_PORT']) {
      const backend = createBackend(configure({ [name]: port }), system)
      await expect(backend.start()).rejects.toThrow(
        new StartError(
          `${name}: 127.0.0.1:${port} is in use: stop what listens there, or choose another port`
        )
      )
    }
    await until(async () => (await openConnections()) === 0)
    await new Promise((resolve) => taken.close(resolve))
  })

  it('refuses a database that does not exist, at once', async () => {
    const url = new URL(test.url)
    url.pathname = '/nowhere'
    const backend = createBackend(configure({ DATABASE_URL: url.href }), system)
    await expect(backend.start()).rejects.toThrow(
      /^DATABASE_URL: PostgreSQL at .*\/nowhere refused the start/
    )
  })

  it.each([-6_000, 6_000])('refuses to start %d ms off the clock of the database', async (skewMs) => {
    const clock: Clock = { ...system.clock, nowMs: () => system.clock.nowMs() + skewMs }
    const runtime: Runtime = {
      ...system,
      clock,
      openDatabase: (options) => runtimeOn(clock).openDatabase(options)
    }
    await expect(createBackend(configure(), runtime).start()).rejects.toThrow(
      /clock of this machine is -?\d+ ms/
    )
  })

  function runtimeOn(clock: Clock, openDatabase?: (database: Database) => void): Runtime {
    const network = createSystemNetwork()
    const { bytes } = createSystemRandom(clock)
    const logger = createLogger({ name: 'test', level: 'silent' })
    const runtime = createRuntime({
      clock,
      network,
      random: createRandom(bytes, clock),
      logger,
      kill: () => network.kill()
    })
    return {
      ...runtime,
      openDatabase(options) {
        // How long the database is silent is a matter of real time: what it is asked is.
        const { setTimer } = system.clock
        const database = openSystemDatabase({ network, logger, clock: { ...clock, setTimer } }, options)
        openDatabase?.(database)
        return database
      }
    }
  }

  it('sends less than 0.2 statements per second while idle', async () => {
    const clock: ManualClock = createManualClock(Date.now())
    const databases: Database[] = []
    const backend = createBackend(
      configure(),
      runtimeOn(clock, (database) => databases.push(database))
    )
    const statements = () => databases.reduce((sum, database) => sum + database.statementCount(), 0)
    await backend.start()
    // Everything that the start set off comes to rest.
    for (let second = 0; second < 120; second++) await clock.advance(1_000)
    const before = statements()
    const seconds = 900
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1_000)
      // The work that a timer began reaches the database, and ends before time goes on.
      for (let round = 0; round < 3; round++) await observer.ping()
    }
    const sent = statements() - before
    expect(sent).toBeGreaterThan(0)
    expect(sent / seconds).toBeLessThan(0.2)
    await backend.stop()
  })

  it('fails requests with a code while PostgreSQL is gone, and recovers with what others changed', async () => {
    const proxy = await createProxy(new URL(test.url))
    const url = new URL(test.url)
    url.port = String(proxy.port)
    const [cutOff, other] = [
      createBackend(configure({ DATABASE_URL: url.href }), system),
      createBackend(configure(), system)
    ]
    await cutOff.start()
    await other.start()
    const health = async () =>
      (await fetch(`http://127.0.0.1:${cutOff.addresses!.openPayments.port}/healthz`)).status

    await proxy.close()
    expect(await health()).toBe(500)
    const ready = await fetch(`http://127.0.0.1:${cutOff.addresses!.admin.port}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'unavailable', missing: ['database', 'ledger'] }
    ])
    const failed = await query(cutOff, CREATE_ASSET, { code: 'DURING', scale: 2 })
    expect(failed).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] })
    await query(other, CREATE_ASSET, { code: 'MEANWHILE', scale: 2 })

    await proxy.open()
    await until(async () => (await health()) === 200)
    const found = async () => {
      const { data } = await query(cutOff, ASSET_BY_CODE, {})
      return data?.assetByCodeAndScale != null
    }
    await until(found)
    expect(await query(cutOff, CREATE_ASSET, { code: 'AFTER', scale: 2 })).toMatchObject({
      data: { createAsset: { asset: { code: 'AFTER' } } }
    })
    await cutOff.stop()
    await other.stop()
    await proxy.close()
    await until(async () => (await openConnections()) === 0)
  })
})

/** A door to PostgreSQL that can be shut: connections through it break, and new ones are refused. */
async function createProxy(target: URL) {
  const sockets = new Set<Socket>()
  let port = 0
  let server: Server
  const open = async (): Promise<void> => {
    server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname)
      for (const [socket, peer] of [
        [near, far],
        [far, near]
      ] as const) {
        sockets.add(socket)
        socket.on('error', () => peer.destroy())
        socket.on('close', () => sockets.delete(socket) && peer.destroy())
        socket.pipe(peer)
      }
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  }
  await open()
  return {
    port,
    open,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
  }
}
