import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createHttpClient, createManualClock } from '../../runtime/index.ts'
import type { Database, ManualClock } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import type { Tenant } from '../tenants/model.ts'
import { createTestBackend, until as untilHolds } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { createWebhookDeliveries } from './deliveries.ts'
import { createWebhookDelivery } from './delivery.ts'
import { createOutbox } from './outbox.ts'
import { PLACES_PER_LANE } from './places.ts'
import { byTrust, openReceiver } from './receivers.test-support.ts'
import type { ReceiverBehaviour, TestReceiver } from './receivers.test-support.ts'

interface Row {
  eventId: string
  state: string
  attempts: number
  statusCode: number | null
  lastError: string | null
  processAt: Date | null
}

describe('deliveries of webhooks', () => {
  let backend: TestBackend
  let clock: ManualClock
  let tenants: Map<string, Tenant>
  let opened: { stop(): Promise<void> }[]
  let drawn = 0
  /** Of the process that was started last. */
  let database: Database

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
  })
  afterAll(() => backend.close())
  beforeEach(() => {
    clock = createManualClock(Date.now())
    tenants = new Map()
    opened = []
  })
  afterEach(async () => {
    for (const one of opened.toReversed()) await one.stop()
    await backend.database.knex('webhookEvents').delete()
  })

  async function receiverOf(behaviour: ReceiverBehaviour): Promise<TestReceiver> {
    const tenantId = `01900003-0000-7000-8000-${(++drawn).toString().padStart(12, '0')}`
    const receiver = await openReceiver(backend.runtime, tenantId, behaviour)
    opened.push(receiver)
    tenants.set(tenantId, receiver.tenant)
    const [createdAt, updatedAt] = [new Date(0), new Date(0)]
    await backend.database.knex('tenants').insert({ id: tenantId, apiSecret: 'x', createdAt, updatedAt })
    return receiver
  }

  async function startDelivery(
    config: Partial<BackendConfig> = {},
    directory: { refresh?(tenantId: string): Promise<void> } = {}
  ): Promise<void> {
    database = backend.openDatabase()
    const delivery = createWebhookDelivery({
      ...backend,
      clock,
      database,
      httpClients: byTrust(createHttpClient(backend.runtime, { maxConnectionsPerOrigin: 1_024 })),
      tenants: {
        get: (tenantId) => tenants.get(tenantId),
        ids: () => [...tenants.keys()],
        refresh: () => Promise.resolve(),
        ...directory
      },
      config: { ...backend.config, ...config }
    })
    opened.push(delivery)
    await delivery.start()
  }

  /** Writes an event about a URL; events of one URL keep their order. */
  function add({ tenant }: TestReceiver, name: string): Promise<string> {
    const url = `https://wallet.example/${name}`
    return backend.database.transaction((trx) =>
      createOutbox({ ...backend, clock }).add(trx, {
        type: 'wallet_address.not_found',
        tenantId: tenant.id,
        data: { walletAddressUrl: url },
        resource: { kind: 'walletAddressUrl', id: url }
      })
    )
  }

  function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    return untilHolds(async () => {
      await clock.advance(0)
      return condition()
    })
  }

  async function rowOf(eventId: string): Promise<Row> {
    return (await backend.database.knex<Row>('webhooks').where({ eventId }).first())!
  }
  /** An answer that comes when it is released. */
  function hold(): { held: Promise<number>; release(status: number): void } {
    const { promise: held, resolve: release } = Promise.withResolvers<number>()
    return { held, release }
  }
  const isInState = (eventId: string, state: string) => async () => (await rowOf(eventId)).state === state
  const idsAt = ({ arrivals }: TestReceiver) => arrivals.map(({ body }) => body.id)

  it('go on with an event that was written while the outcome of the one before it was', async () => {
    const { held, release } = hold()
    const receiver = await receiverOf({ status: () => held })
    const first = await add(receiver, 'a')
    await startDelivery()
    await until(() => receiver.arrivals.length === 1)
    let second = ''
    await backend.database.transaction(async (trx) => {
      // The outcome waits for this lock; what it sees of other rows is of before.
      await trx.raw('SELECT 1 FROM webhooks WHERE "eventId" = ? FOR UPDATE', [first])
      release(200)
      await until(async () => (await running('%UPDATE webhooks%', 'Lock')) > 0)
      const before = database.statementCount()
      second = await add(receiver, 'a')
      // The round that the new event woke finds it behind the first, which is not over yet.
      await until(
        async () => database.statementCount() >= before + 2 && (await running('%SKIP LOCKED%')) === 0
      )
    })
    await until(isInState(second, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([first, second])
  })

  /** Statements like this that run now, of those that wait for something where it is named. */
  async function running(like: string, waitsFor?: string): Promise<number> {
    const { rows } = await backend.database.knex.raw<{ rows: unknown[] }>(
      `SELECT 1 FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE ?
         AND (?::text IS NULL OR wait_event_type = ?)`,
      [like, waitsFor ?? null, waitsFor ?? null]
    )
    return rows.length
  }

  it('hold no lock and no transaction while a receiver is waited for', async () => {
    const { held, release } = hold()
    const receiver = await receiverOf({ status: () => held })
    const eventId = await add(receiver, 'a')
    await startDelivery()
    await until(() => receiver.arrivals.length === 1)
    await backend.database.transaction((trx) =>
      trx.raw('SELECT 1 FROM webhooks WHERE "eventId" = ? FOR UPDATE NOWAIT', [eventId])
    )
    const { rows } = await backend.database.knex.raw<{ rows: unknown[] }>(
      `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`
    )
    expect(rows).toEqual([])
    release(200)
    await until(isInState(eventId, 'DELIVERED'))
  })

  it('wait at most the timeout of their tenant, and have its number of attempts', async () => {
    const receiver = await receiverOf({ status: () => 0, webhookTimeoutMs: 20, webhookMaxRetry: 2 })
    const eventId = await add(receiver, 'a')
    await startDelivery()
    await until(async () => (await rowOf(eventId)).attempts === 1)
    const problem = `no answer from ${receiver.tenant.settings.webhookUrl} within 20 ms`
    expect(await rowOf(eventId)).toMatchObject({ state: 'PENDING', statusCode: null, lastError: problem })
    await clock.advance(11_000)
    await until(isInState(eventId, 'FAILED'))
    expect(await rowOf(eventId)).toMatchObject({ attempts: 2, lastError: problem })
  })

  it('are repeated after a status other than 200, which is kept, and hold back what follows them alone', async () => {
    let answer = 204
    const receiver = await receiverOf({ status: () => answer })
    const [first, second] = [await add(receiver, 'a'), await add(receiver, 'a')]
    await startDelivery()
    await until(async () => (await rowOf(first)).attempts === 1)
    expect(await rowOf(first)).toMatchObject({ state: 'PENDING', statusCode: 204, lastError: null })
    answer = 200
    const other = await add(receiver, 'b')
    await until(isInState(other, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([first, other])
    await clock.advance(11_000)
    await until(isInState(second, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([first, other, first, second])
  })

  it('are delivered by status 200, whatever its body is', async () => {
    const receiver = await receiverOf({ answerBody: 'x'.repeat(200_000) })
    const [first, second] = [await add(receiver, 'a'), await add(receiver, 'a')]
    await startDelivery()
    await until(isInState(second, 'DELIVERED'))
    expect(await rowOf(first)).toMatchObject({ state: 'DELIVERED', attempts: 1 })
    expect(idsAt(receiver)).toEqual([first, second])
  })

  it('sent again by hand neither wait for others nor hold them back', async () => {
    let refuses = true
    const receiver = await receiverOf({ status: () => (refuses ? 500 : 200), webhookMaxRetry: 1 })
    const lost = await add(receiver, 'a')
    await startDelivery()
    await until(isInState(lost, 'FAILED'))
    // The next one of the resource is refused and waits for its second attempt.
    receiver.tenant.settings.webhookMaxRetry = 10
    const waiting = await add(receiver, 'a')
    await until(async () => (await rowOf(waiting)).attempts === 1)
    const deliveries = createWebhookDeliveries({ ...backend, clock })
    expect(await deliveries.resend({ eventId: lost })).toBeUndefined()
    await until(async () => (await rowOf(lost)).attempts === 1 && (await rowOf(lost)).state === 'PENDING')
    expect(await deliveries.resend({ eventId: lost })).toMatchObject({ failure: 'NothingToSendAgain' })
    refuses = false
    const later = await add(receiver, 'b')
    await until(isInState(later, 'DELIVERED'))
    await clock.advance(11_000)
    await until(async () => (await isInState(lost, 'DELIVERED')()) && isInState(waiting, 'DELIVERED')())
    expect(idsAt(receiver).filter((one) => one === lost)).toHaveLength(3)
  })

  it('that wait behind a refused one are not looked at again before it is due, and follow it then', async () => {
    let answer = 500
    const receiver = await receiverOf({ status: () => answer })
    const first = await add(receiver, 'a')
    await startDelivery()
    await until(async () => (await rowOf(first)).attempts === 1)
    const followers = [await add(receiver, 'a'), await add(receiver, 'a')]
    await clock.advance(2_000)
    const other = await add(receiver, 'b')
    const deferred = async () => {
      const { processAt } = await rowOf(first)
      const rows = await Promise.all(followers.map(rowOf))
      return rows.every((row) => row.processAt?.getTime() === processAt?.getTime())
    }
    await until(deferred)
    answer = 200
    await clock.advance(11_000)
    await until(isInState(followers[1]!, 'DELIVERED'))
    expect(idsAt(receiver).filter((one) => one !== other)).toEqual([first, first, ...followers])
  })

  it('that are repeated take no place from first attempts', async () => {
    const { held, release } = hold()
    let status: number | Promise<number> = 500
    const receiver = await receiverOf({ status: () => status, webhookTimeoutMs: 60_000 })
    await startDelivery()
    const ids = await Promise.all(
      Array.from({ length: PLACES_PER_LANE + 8 }, (_, index) => add(receiver, `refused-${index}`))
    )
    await until(async () => (await Promise.all(ids.map(rowOf))).every(({ attempts }) => attempts === 1))
    // It answers none of the repeats for now: they fill their places.
    status = held
    await clock.advance(11_000)
    await until(() => receiver.arrivals.length === ids.length + PLACES_PER_LANE)
    status = 200
    const fresh = await add(receiver, 'fresh')
    await until(isInState(fresh, 'DELIVERED'))
    expect(receiver.arrivals).toHaveLength(ids.length + PLACES_PER_LANE + 1)
    release(200)
    await until(async () => (await Promise.all(ids.map(rowOf))).every(({ state }) => state === 'DELIVERED'))
  })

  it('are made by the next process where the one that wrote the event died before it sent it', async () => {
    const receiver = await receiverOf({})
    const eventId = await add(receiver, 'a')
    await startDelivery({ SIGNATURE_SECRET: 'hush', SIGNATURE_VERSION: 2 })
    await until(isInState(eventId, 'DELIVERED'))
    expect(idsAt(receiver)).toEqual([eventId])
    expect(receiver.arrivals[0]!.signature).toMatch(/^t=\d{13}, v2=[0-9a-f]{64}$/)
  })

  it('of a tenant that another process just made are sent as its settings say', async () => {
    const receiver = await receiverOf({})
    tenants.delete(receiver.tenant.id)
    const eventId = await add(receiver, 'a')
    const asked: string[] = []
    await startDelivery(
      {},
      {
        refresh(tenantId) {
          asked.push(tenantId)
          tenants.set(tenantId, receiver.tenant)
          return Promise.resolve()
        }
      }
    )
    await until(isInState(eventId, 'DELIVERED'))
    expect(asked).toEqual([receiver.tenant.id])
  })

  it('to a service whose URL is gone are repeated, and say why', async () => {
    const receiver = await receiverOf({})
    const outbox = createOutbox({
      ...backend,
      clock,
      config: { ...backend.config, POS_WEBHOOK_SERVICE_URL: receiver.tenant.settings.webhookUrl }
    })
    const url = 'https://wallet.example/a'
    const eventId = await backend.database.transaction((trx) =>
      outbox.add(trx, {
        type: 'wallet_address.not_found',
        tenantId: receiver.tenant.id,
        data: { walletAddressUrl: url },
        resource: { kind: 'walletAddressUrl', id: url },
        alsoToPointOfSale: true
      })
    )
    await startDelivery()
    const ofService = () =>
      backend.database
        .knex<Row>('webhooks')
        .where({ eventId, receiver: 'point-of-sale' } as never)
        .first()
    await until(async () => (await ofService())?.attempts === 1)
    expect(await ofService()).toMatchObject({
      state: 'PENDING',
      lastError: 'no URL is known of point-of-sale'
    })
    expect(idsAt(receiver)).toEqual([eventId])
  })
})
