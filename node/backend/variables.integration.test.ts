import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { signAdminRequest } from '../admin-api/index.ts'
import { risingTimestamps } from '../admin-api/rising-timestamps.test-support.ts'
import { createReject, decodeReply, encodePrepare, encodeReply, isPacketError } from '../ilp/index.ts'
import { createSystemRuntime } from '../runtime/index.ts'
import type { Database, Runtime } from '../runtime/index.ts'
import { createTestDatabase } from '../runtime/testing.ts'
import type { TestDatabase } from '../runtime/testing.ts'
import { createBackend } from './backend.ts'
import type { Backend } from './backend.ts'
import { loadBackendConfig } from './config.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT, until } from './testing.ts'

describe('variables that limit what a backend does', () => {
  const system = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  let test: TestDatabase
  let observer: Database

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    observer = system.openDatabase({ url: test.url, maxConnections: 1 })
  })
  afterAll(async () => {
    await observer.close()
    await test.drop()
    system.kill()
  })

  async function start(environment: Record<string, string>, runtime: Runtime = system): Promise<Backend> {
    const free = {
      ADMIN_PORT: '0',
      OPEN_PAYMENTS_PORT: '0',
      CONNECTOR_PORT: '0',
      AUTO_PEERING_SERVER_PORT: '0'
    }
    const backend = createBackend(
      loadBackendConfig({
        ...TEST_ENVIRONMENT,
        ...free,
        DATABASE_URL: test.url,
        LEDGER: 'memory',
        ...environment
      }),
      runtime
    )
    await backend.start()
    return backend
  }

  const nextMs = risingTimestamps(Date.now)
  async function ask<Data>(backend: Backend, query: string, variables: object = {}): Promise<Data> {
    const body = { query, variables }
    const signature = signAdminRequest({ body, secret: 'secret', version: 1, timestampMs: nextMs() })
    const answer = await fetch(`http://127.0.0.1:${backend.addresses!.admin.port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'tenant-id': OPERATOR_ID, signature },
      body: JSON.stringify(body)
    })
    const { data, errors } = (await answer.json()) as { data: Data; errors?: unknown }
    expect(errors).toBeUndefined()
    return data
  }

  it('MAX_DATABASE_CONNECTIONS is the size of the pool, beside the connection that listens', async () => {
    const { rows } = await observer.knex.raw<{ rows: { database: string }[] }>(
      'SELECT current_database() AS database'
    )
    const connections = async () =>
      Number(
        (
          await observer.knex.raw<{ rows: { count: bigint }[] }>(
            'SELECT count(*) FROM pg_stat_activity WHERE datname = ? AND pid <> pg_backend_pid()',
            [rows[0]!.database]
          )
        ).rows[0]!.count
      )
    for (const size of [2, 4]) {
      const backend = await start({ MAX_DATABASE_CONNECTIONS: String(size) })
      const askOften = () =>
        Promise.all(Array.from({ length: 20 }, () => ask(backend, '{ assets { edges { node { id } } } }')))
      await until(async () => {
        await askOften()
        return (await connections()) > size
      })
      await askOften()
      expect(await connections()).toBe(size + 1)
      await backend.stop()
      await until(async () => (await connections()) === 0)
    }
  })

  /** A runtime that knows in which folders workers began a round: their first statement goes out as they start. */
  function watchWorkers(): { runtime: Runtime; began: Set<string> } {
    const began = new Set<string>()
    const look = () => {
      const lines = new Error().stack!.split('\n')
      const at = lines.findIndex((line) => line.includes('/due-worker.ts'))
      const folder = /\/backend\/([\w-]+)\/[\w-]+\.ts/.exec(lines[at - 1] ?? '')?.[1]
      if (folder !== undefined) began.add(folder)
    }
    const openDatabase: Runtime['openDatabase'] = (options) => {
      const database = system.openDatabase(options)
      const knex = new Proxy(database.knex, {
        apply(target, self, args) {
          look()
          return Reflect.apply(target as never, self, args) as unknown
        },
        get(target, name, self) {
          look()
          return Reflect.get(target, name, self) as unknown
        }
      })
      return { ...database, knex }
    }
    return { runtime: { ...system, openDatabase }, began }
  }

  const WORKERS: Record<string, string> = {
    INCOMING_PAYMENT_WORKERS: 'incoming-payments',
    OUTGOING_PAYMENT_WORKERS: 'outgoing-payments',
    WALLET_ADDRESS_WORKERS: 'web-monetization',
    WEBHOOK_WORKERS: 'webhooks'
  }

  it.each(Object.keys(WORKERS))(
    '%s=0: this process leaves that work to others, and does all other',
    async (name) => {
      const { runtime, began } = watchWorkers()
      const backend = await start({ [name]: '0' }, runtime)
      const { [name]: off, ...on } = WORKERS
      expect([...began]).toEqual(expect.arrayContaining(Object.values(on)))
      expect([...began]).not.toContain(off)
      await backend.stop()
    }
  )

  describe('packets and connections', () => {
    let backend: Backend
    let hops: Record<'bob' | 'carol', Awaited<ReturnType<typeof openHop>>>

    beforeAll(async () => {
      hops = { bob: await openHop(), carol: await openHop() }
      backend = await start({
        MAX_PACKETS_IN_FLIGHT: '4',
        MAX_PACKETS_TO_PEER_IN_FLIGHT: '3',
        MAX_CONNECTIONS_TO_PEER: '2'
      })
      const { createAsset } = await ask<{ createAsset: { asset: { id: string } } }>(
        backend,
        'mutation { createAsset(input: { code: "USD", scale: 2 }) { asset { id } } }'
      )
      for (const name of ['alice', 'bob', 'carol']) {
        await ask(
          backend,
          'mutation ($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }',
          {
            input: {
              assetId: createAsset.asset.id,
              staticIlpAddress: `test.${name}`,
              http: {
                incoming: { authTokens: [`from-${name}`] },
                outgoing: { authToken: 'x', endpoint: hops[name === 'carol' ? 'carol' : 'bob'].url }
              }
            }
          }
        )
      }
    })
    afterAll(async () => {
      await backend.stop()
      for (const { server } of Object.values(hops)) server.close()
    })

    /** The code and message of the Reject that a packet of nothing from alice gets. */
    async function send(to: string): Promise<{ code: string; message: string }> {
      const prepare = encodePrepare({
        amount: 0n,
        executionCondition: Buffer.alloc(32, 1),
        expiresAtMs: Date.now() + 30_000,
        destination: `test.${to}.x`,
        data: Buffer.alloc(0)
      })
      const answer = await fetch(`http://127.0.0.1:${backend.addresses!.connector.port}/`, {
        method: 'POST',
        headers: { authorization: 'Bearer from-alice', 'content-type': 'application/octet-stream' },
        body: new Uint8Array(prepare)
      })
      const reply = decodeReply(Buffer.from(await answer.arrayBuffer()))
      if (isPacketError(reply) || reply.type !== 'reject') throw new Error('no Reject')
      return { code: reply.code, message: reply.message }
    }

    it('ENABLE_AUTO_PEERING: without it there is no such door', () => {
      expect(Object.keys(backend.addresses!).sort()).toContain('autoPeering')
      expect(backend.addresses!.autoPeering).toBeUndefined()
    })

    it('to one peer, over its connections, and of the node are as many as the variables say', async () => {
      const { bob, carol } = hops
      const toBob = [send('bob'), send('bob')]
      await until(() => bob.waiting.length === 2)
      // Of two more one waits for one of the two connections, and one is refused.
      toBob.push(send('bob'), send('bob'))
      expect((await Promise.race(toBob)).code).toBe('T03')
      expect(bob.waiting).toHaveLength(2)
      // The node has room for one more, to whomever.
      const toCarol = send('carol')
      await until(() => carol.waiting.length === 1)
      expect(await send('carol')).toEqual({
        code: 'T03',
        message: 'the node is busy: too many packets are in flight'
      })
      carol.answer()
      expect((await toCarol).code).toBe('F99')
      while (bob.answered < 3) {
        await until(() => bob.waiting.length > 0)
        bob.answer()
      }
      expect((await Promise.all(toBob)).map(({ code }) => code)).toEqual(
        expect.arrayContaining(['T03', 'F99'])
      )
      expect(bob.answered).toBe(3)
      expect(bob.most()).toBe(2)
    })
  })
})

/** A next hop that holds what it is sent until it is told to answer. */
async function openHop() {
  const waiting: ServerResponse[] = []
  let most = 0
  let answered = 0
  const server: Server = createServer((request, response) => {
    request.resume().on('end', () => {
      waiting.push(response)
      most = Math.max(most, waiting.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    waiting,
    most: () => most,
    get answered() {
      return answered
    },
    answer() {
      answered += 1
      waiting.shift()!.end(encodeReply(createReject('F99', { triggeredBy: 'test.hop', message: 'held' })))
    }
  }
}
