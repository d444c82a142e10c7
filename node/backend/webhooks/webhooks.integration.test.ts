import { createHmac } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createHttpClient, createManualClock, serveHttp } from '../../runtime/index.ts'
import type { HttpServer, ManualClock } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { createTenantDirectory } from '../tenants/directory.ts'
import type { RunningTenantDirectory } from '../tenants/directory.ts'
import { createTestBackend, OPERATOR_ID, until as untilHolds } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { createWebhookDelivery, LEASE_MARGIN_MS } from './delivery.ts'
import { createWebhookEvents } from './events.ts'
import { createOutbox } from './outbox.ts'
import type { NewWebhookEvent } from './model.ts'
import { byTrust } from './receivers.test-support.ts'

interface Received {
  body: { id: string; type: string; data: Record<string, unknown> }
  signature: string | undefined
  answer(status: number): void
}

const PAYMENT = '01900000-0000-7000-8000-00000000aaaa'
const OTHER_TENANT = '01900000-0000-7000-8000-000000000002'

describe('webhooks', () => {
  let backend: TestBackend
  let server: HttpServer
  let tenants: RunningTenantDirectory
  let clock: ManualClock
  let received: Received[]
  let onRequest: ((received: Received) => void) | undefined
  let started: { stop(): Promise<void> }[]

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
    server = await serveHttp(backend.runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
      void receive(request, response)
    })
    const WEBHOOK_URL = `http://127.0.0.1:${server.address.port}/`
    tenants = createTenantDirectory({ ...backend, config: { ...backend.config, WEBHOOK_URL } })
    await tenants.start()
    await backend.database.knex('tenants').insert({
      id: OTHER_TENANT,
      apiSecret: 'x',
      createdAt: new Date(),
      updatedAt: new Date()
    })
    await tenants.refresh(OTHER_TENANT)
  })
  afterAll(async () => {
    // What these events tell is made up.
    await backend.database.knex('webhookEvents').delete()
    await tenants.stop()
    await server.stop(0)
    await backend.close()
  })
  beforeEach(async () => {
    await backend.database.knex('webhookEvents').delete()
    clock = createManualClock(Date.now())
    received = []
    onRequest = undefined
    started = []
  })
  afterEach(async () => {
    onRequest = undefined
    await Promise.all(started.map((delivery) => delivery.stop()))
  })

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const one: Received = {
      body: JSON.parse(Buffer.concat(chunks).toString()) as Received['body'],
      signature: request.headers['rafiki-signature'] as string | undefined,
      answer: (status) => response.writeHead(status).end()
    }
    received.push(one)
    if (onRequest) onRequest(one)
    else one.answer(200)
  }

  function deliverer(
    options: { secret?: string; clock?: ManualClock; config?: Partial<BackendConfig> } = {}
  ): ReturnType<typeof createWebhookDelivery> {
    const delivery = createWebhookDelivery({
      database: backend.openDatabase(),
      clock: options.clock ?? clock,
      random: backend.random,
      logger: backend.logger,
      httpClients: byTrust(createHttpClient(backend.runtime)),
      tenants,
      config: { ...backend.config, ...options.config, SIGNATURE_SECRET: options.secret }
    })
    started.push(delivery)
    return delivery
  }

  const outbox = () => createOutbox({ ...backend, clock })

  function add(event: Partial<NewWebhookEvent> = {}): Promise<string> {
    return backend.database.transaction((trx) =>
      outbox().add(trx, {
        type: 'outgoing_payment.created',
        tenantId: OPERATOR_ID,
        data: { id: PAYMENT, amount: { value: '18446744073709551615' } },
        resource: { kind: 'outgoingPayment', id: PAYMENT },
        ...event
      })
    )
  }

  /** Fires the timers that are due meanwhile: a worker may set one for this very moment. */
  function until(condition: () => boolean | Promise<boolean>, onClock = clock): Promise<void> {
    return untilHolds(async () => {
      await onClock.advance(0)
      return condition()
    })
  }

  const states = async (): Promise<string[]> =>
    (await backend.database.knex('webhooks').orderBy('sequence').select('state')).map(({ state }) => state)

  it('delivers an event once its transaction commits, signed over its canonical JSON', async () => {
    const delivery = deliverer({ secret: 'hush' })
    await delivery.start()
    const id = await add({ data: { b: 1, a: 'ü\u0000' } })
    await until(async () => (await states())[0] === 'DELIVERED')
    await delivery.stop()
    expect(received.map(({ body }) => body)).toEqual([
      { id, type: 'outgoing_payment.created', data: { b: 1, a: 'ü\u0000' } }
    ])
    const [, timestamp, digest] = /^t=(\d+), v1=([0-9a-f]{64})$/.exec(received[0]!.signature ?? '') ?? []
    const signed = `${timestamp}.{"data":{"a":"ü\\u0000","b":1},"id":"${id}","type":"outgoing_payment.created"}`
    expect(digest).toBe(createHmac('sha256', 'hush').update(signed).digest('hex'))
  })

  it('delivers nothing of a transaction that rolls back', async () => {
    const delivery = deliverer()
    await delivery.start()
    const failing = backend.database.transaction(async (trx) => {
      await outbox().add(trx, {
        type: 'asset.liquidity_low',
        tenantId: OPERATOR_ID,
        data: {},
        resource: { kind: 'asset', id: PAYMENT }
      })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await add()
    await until(async () => (await states())[0] === 'DELIVERED')
    await delivery.stop()
    expect(received).toHaveLength(1)
    expect(received[0]!.signature).toBeUndefined()
  })

  it('keeps the order within a resource and lets others pass', async () => {
    const waiting: Received[] = []
    onRequest = (one) => (one.body.data.hold ? waiting.push(one) : one.answer(200))
    const delivery = deliverer()
    await delivery.start()
    await add({ data: { n: 1, hold: true } })
    await add({ data: { n: 2 } })
    await add({ data: { n: 3 } })
    await add({ data: { n: 'other' }, resource: { kind: 'peer', id: PAYMENT } })
    await until(() => received.length === 2)
    expect(received.map(({ body }) => body.data.n).sort()).toEqual([1, 'other'])
    waiting[0]!.answer(200)
    await until(() => received.length === 4)
    expect(received.slice(2).map(({ body }) => body.data.n)).toEqual([2, 3])
    await delivery.stop()
    expect(await states()).toEqual(Array(4).fill('DELIVERED'))
  })

  it('lets a slow recipient delay no other', async () => {
    const waiting: Received[] = []
    onRequest = (one) => (one.body.data.slow ? waiting.push(one) : one.answer(200))
    const delivery = deliverer()
    await delivery.start()
    for (let index = 0; index < 40; index++) {
      await add({ data: { slow: true }, resource: { kind: 'peer', id: backend.random.orderedUuid() } })
    }
    await until(() => waiting.length === 32)
    await add({ tenantId: OTHER_TENANT, data: {} })
    await until(() => received.length === 33)
    expect(waiting).toHaveLength(32)
    onRequest = undefined
    for (const one of waiting) one.answer(200)
    await until(() => received.length === 41)
    await delivery.stop()
  })

  it('repeats what is not answered 200, later each time, and gives up at the limit', async () => {
    onRequest = (one) => one.answer(201)
    const delivery = deliverer()
    await delivery.start()
    await add()
    await add({ data: { n: 2 } })
    const firstRow = async () => {
      const row = await backend.database.knex('webhooks').orderBy('sequence').first()
      return row as { attempts: number; processAt: Date; updatedAt: Date }
    }
    for (let attempt = 1; attempt < 10; attempt++) {
      await until(async () => (await firstRow()).attempts === attempt)
      const { processAt, updatedAt } = await firstRow()
      const waitMs = processAt.getTime() - updatedAt.getTime()
      expect(waitMs).toBeGreaterThanOrEqual(Math.min(attempt, 6) * 10_000)
      expect(waitMs).toBeLessThanOrEqual(Math.min(attempt, 6) * 11_000)
      await clock.advance(processAt.getTime() - clock.nowMs() - 1)
      expect(received).toHaveLength(attempt)
      if (attempt === 9) onRequest = (one) => one.answer(one.body.data.n === 2 ? 200 : 201)
      await clock.advance(1)
    }
    await until(() => received.length === 11)
    await until(async () => (await states())[1] === 'DELIVERED')
    await delivery.stop()
    expect(received.at(-1)!.body.data.n).toBe(2)
    expect(await states()).toEqual(['FAILED', 'DELIVERED'])
    const [failed] = await backend.database.knex('webhooks').orderBy('sequence')
    expect(failed).toMatchObject({ attempts: 10, statusCode: 201 })
  })

  it('is taken over after the lease of a process that died, whose late outcome is not written', async () => {
    const waiting: Received[] = []
    onRequest = (one) => waiting.push(one)
    const first = deliverer()
    await first.start()
    await add()
    await until(() => waiting.length === 1)

    onRequest = undefined
    const laterClock = createManualClock(clock.nowMs() + LEASE_MARGIN_MS + 1_999)
    const second = deliverer({ clock: laterClock })
    await second.start()
    await until(() => laterClock.nextTimerMs() !== undefined)
    expect(received).toHaveLength(1)
    await laterClock.advance(1)
    await until(async () => (await states())[0] === 'DELIVERED', laterClock)
    waiting[0]!.answer(500)
    await first.stop()
    await second.stop()
    expect(received.map(({ body }) => body.id)).toEqual([received[0]!.body.id, received[0]!.body.id])
    expect(await states()).toEqual(['DELIVERED'])
  })

  it('delivers each event once when several processes run', async () => {
    const deliveries = [deliverer(), deliverer(), deliverer()]
    await Promise.all(deliveries.map((delivery) => delivery.start()))
    const ids = await Promise.all(
      Array.from({ length: 100 }, () =>
        add({ resource: { kind: 'peer', id: backend.random.orderedUuid() }, data: {} })
      )
    )
    await until(async () => (await states()).every((state) => state === 'DELIVERED'))
    await Promise.all(deliveries.map((delivery) => delivery.stop()))
    expect(received.map(({ body }) => body.id).sort()).toEqual([...ids].sort())
  })

  it('sends a statement only when something is due', async () => {
    const database = backend.openDatabase()
    const delivery = createWebhookDelivery({
      ...backend,
      database,
      clock,
      httpClients: byTrust(createHttpClient(backend.runtime)),
      tenants
    })
    await delivery.start()
    await until(() => clock.nextTimerMs() !== undefined)
    const before = database.statementCount()
    await clock.advance(59_000)
    expect(database.statementCount()).toBe(before)
    await delivery.stop()
  })

  it('finds events by payment and type, and pages them without the hidden types', async () => {
    const events = createWebhookEvents(backend)
    const created = await add()
    const completed = await add({
      type: 'outgoing_payment.completed',
      withdrawal: { accountId: PAYMENT, assetId: PAYMENT, amount: 2n ** 64n - 1n }
    })
    const funded = await add({ type: 'outgoing_payment.funded' })
    expect(await states()).toHaveLength(2)
    const found = await events.latestEvent({
      outgoingPaymentId: PAYMENT,
      types: ['outgoing_payment.completed', 'outgoing_payment.failed']
    })
    expect(found).toMatchObject({
      id: completed,
      withdrawal: { amount: 2n ** 64n - 1n },
      outgoingPaymentId: PAYMENT
    })
    // Of two, the later one: it stands for what the payment is now.
    const latest = await events.latestEvent({
      outgoingPaymentId: PAYMENT,
      types: ['outgoing_payment.created', 'outgoing_payment.completed']
    })
    expect(latest?.id).toBe(completed)
    expect(
      await events.latestEvent({ outgoingPaymentId: PAYMENT, types: ['incoming_payment.created'] })
    ).toBeUndefined()
    expect(await events.get(created, OTHER_TENANT)).toBeUndefined()
    expect(await events.get(created, OPERATOR_ID)).toMatchObject({ id: created })
    const page = await events.page({}, {})
    expect(page.rows.map(({ id }) => id)).toEqual([completed, created])
    const all = await events.page({ sortOrder: 'ASC' }, { types: { notIn: [] } })
    expect(all.rows.map(({ id }) => id)).toEqual([created, completed, funded])
  })
})
