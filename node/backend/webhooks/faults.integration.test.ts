import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { isLongRun, testCount } from '../../../test-counts.ts'
import { createHttpClient } from '../../runtime/index.ts'
import { createTestBackend, until } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { createWebhookDeliveries } from './deliveries.ts'
import { createWebhookDelivery } from './delivery.ts'
import { createWebhookEvents } from './events.ts'
import { createOutbox } from './outbox.ts'
import { byTrust, openReceiver } from './receivers.test-support.ts'
import type { ReceiverBehaviour, TestReceiver } from './receivers.test-support.ts'

const EVENTS_PER_SECOND = 100
/** Wallet addresses of each receiver that events are about. */
const RESOURCES = isLongRun ? 20 : 5
const RETRY_STEP_MS = 20
const MAX_ATTEMPTS_OF_DEAD = 3
const id = (kind: number, index: number) =>
  `0190000${kind}-0000-7000-8000-${index.toString(16).padStart(12, '0')}`

let backend: TestBackend
let receivers: TestReceiver[]
let failures = 0

const BEHAVIOURS: ReceiverBehaviour[] = [
  { status: () => 0, webhookTimeoutMs: 250, webhookMaxRetry: MAX_ATTEMPTS_OF_DEAD },
  { delayMs: 150 },
  // Every other answer, whichever event it is of.
  { status: () => (failures++ % 2 === 0 ? 500 : 200), webhookMaxRetry: 1_000 },
  ...Array<ReceiverBehaviour>(7).fill({})
]
const [DEAD, SLOW, FLAKY] = [0, 1, 2]

beforeAll(async () => {
  backend = await createTestBackend(inject('postgresUrl'))
  receivers = await Promise.all(
    BEHAVIOURS.map((behaviour, index) => openReceiver(backend.runtime, id(1, index), behaviour))
  )
  await backend.database.knex('tenants').insert(
    receivers.map(({ tenant }) => ({
      id: tenant.id,
      apiSecret: 'x',
      createdAt: tenant.createdAt,
      updatedAt: tenant.createdAt
    }))
  )
})
afterAll(async () => {
  await Promise.all(receivers.map((receiver) => receiver.stop()))
  await backend.close()
})

/** What was put in the outbox: for whom, about what, when it committed. */
interface Written {
  id: string
  receiver: number
  resource: number
  committedAtMs: number
}

it(
  'ten receivers, one dead, one slow, one failing half the time: all arrives, in order; the others do not feel it',
  async () => {
    const { clock } = backend
    const all = receivers.map(({ tenant }) => tenant)
    const tenants = {
      get: (tenantId: string) => all.find((tenant) => tenant.id === tenantId),
      ids: () => all.map((tenant) => tenant.id),
      refresh: () => Promise.resolve()
    }
    // Two processes share the work.
    const processes = [1, 2].map(() =>
      createWebhookDelivery({
        ...backend,
        database: backend.openDatabase(),
        httpClients: byTrust(createHttpClient(backend.runtime, { maxConnectionsPerOrigin: 1_024 })),
        tenants,
        retryStepMs: RETRY_STEP_MS
      })
    )
    await Promise.all(processes.map((one) => one.start()))

    const written = await writeEvents(testCount('webhookEvents'))
    await until(async () => (await count('PENDING')) === 0)

    const delays = (index: number) => delaysOf(written, index)
    const healthy = [3, 4, 5, 6, 7, 8, 9].flatMap(delays).toSorted((a, b) => a - b)
    const at = (values: number[], part: number) => Math.round(values[Math.floor(values.length * part)] ?? 0)
    if (isLongRun) {
      const slow = delays(SLOW).toSorted((a, b) => a - b)
      const flaky = delays(FLAKY).toSorted((a, b) => a - b)
      console.log(
        `${written.length} events at ${EVENTS_PER_SECOND}/s; delay until the first attempt arrives, ms: ` +
          `healthy median ${at(healthy, 0.5)}, p99 ${at(healthy, 0.99)}, max ${at(healthy, 0.99999)}; ` +
          `slow median ${at(slow, 0.5)}; failing median ${at(flaky, 0.5)}`
      )
    }
    expect(healthy.length).toBeGreaterThan(0)
    expect(at(healthy, 0.5)).toBeLessThan(300)

    checkOrder(written)
    for (const [index, { arrivals, tenant }] of receivers.entries()) {
      const arrived = new Set(arrivals.map(({ body }) => body.id))
      const due = written.filter(({ receiver }) => receiver === index)
      expect(due.filter((event) => !arrived.has(event.id))).toEqual([])
      if (index !== DEAD) expect(await count('FAILED', tenant.id)).toBe(0)
    }

    // What the dead one missed is listed, and sent again after it healed.
    const dead = receivers[DEAD!]!
    const lost = written.filter(({ receiver }) => receiver === DEAD)
    const listed = await listFailed(dead.tenant.id)
    expect(listed.toSorted()).toEqual(lost.map((event) => event.id).toSorted())
    dead.heal()
    const deliveries = createWebhookDeliveries(backend)
    for (const eventId of listed) {
      expect(await deliveries.resend({ eventId, tenantId: dead.tenant.id })).toBeUndefined()
    }
    await until(async () => (await count('PENDING')) === 0)
    expect(await count('FAILED')).toBe(0)
    const answered = new Set(dead.arrivals.filter(({ status }) => status === 200).map(({ body }) => body.id))
    expect(lost.filter((event) => !answered.has(event.id))).toEqual([])
    await Promise.all(processes.map((one) => one.stop()))

    /** Puts events in the outbox at the rate, of each receiver and resource in turn. */
    async function writeEvents(events: number): Promise<Written[]> {
      const outbox = createOutbox(backend)
      const startMs = clock.monotonicMs()
      const all: Promise<Written>[] = []
      // Of one resource one after another, as changes of its state are.
      const last = new Map<string, Promise<unknown>>()
      for (let index = 0; index < events; index++) {
        const waitMs = startMs + (index * 1_000) / EVENTS_PER_SECOND - clock.monotonicMs()
        if (waitMs > 0) await clock.sleep(waitMs)
        const receiver = index % receivers.length
        const resource = Math.floor(index / receivers.length) % RESOURCES
        const walletAddressId = id(2, receiver * RESOURCES + resource)
        const previous = last.get(walletAddressId) ?? Promise.resolve()
        const one = previous.then(() =>
          backend.database.transaction((trx) =>
            outbox.add(trx, {
              type: 'wallet_address.web_monetization',
              tenantId: receivers[receiver]!.tenant.id,
              data: {
                walletAddress: {
                  id: walletAddressId,
                  createdAt: new Date(0).toISOString(),
                  receivedAmount: { value: String(index), assetCode: 'USD', assetScale: 2 }
                }
              },
              resource: { kind: 'walletAddress', id: walletAddressId }
            })
          )
        )
        last.set(walletAddressId, one)
        all.push(
          one.then((eventId) => ({ id: eventId, receiver, resource, committedAtMs: clock.monotonicMs() }))
        )
      }
      return Promise.all(all)
    }
  },
  isLongRun ? 300_000 : 60_000
)

async function count(state: string, receiver?: string): Promise<number> {
  const rows = await backend.database
    .knex('webhooks')
    .where({ state, ...(receiver !== undefined && { receiver }) })
    .count<{ count: bigint }[]>({ count: '*' })
  return Number(rows[0]!.count)
}

async function listFailed(tenantId: string): Promise<string[]> {
  const events = createWebhookEvents(backend)
  const ids: string[] = []
  for (;;) {
    const after = ids.at(-1)
    const page = await events.page(
      { first: 100, sortOrder: 'ASC', ...(after !== undefined && { after }) },
      { tenantId, delivery: { state: 'FAILED', tenantId } }
    )
    ids.push(...page.rows.map((event) => event.id))
    if (!page.hasNextPage) return ids
  }
}

/** How long after its commit the first attempt of each event arrived. */
function delaysOf(written: Written[], index: number): number[] {
  const firstAtMs = new Map<string, number>()
  for (const { body, atMs } of receivers[index]!.arrivals) {
    if (!firstAtMs.has(body.id)) firstAtMs.set(body.id, atMs)
  }
  return written
    .filter(({ receiver }) => receiver === index)
    .map(({ id: eventId, committedAtMs }) => Math.max(0, firstAtMs.get(eventId)! - committedAtMs))
}

/** The first attempt of an event came only after the one before it was answered 200, or had all its attempts. */
function checkOrder(written: Written[]): void {
  for (const [index, { arrivals, tenant }] of receivers.entries()) {
    const done = new Set<string>()
    const attempts = new Map<string, number>()
    const previous = new Map<string, string>()
    for (let resource = 0; resource < RESOURCES; resource++) {
      const events = written.filter((event) => event.receiver === index && event.resource === resource)
      for (const [place, event] of events.entries())
        if (place > 0) previous.set(event.id, events[place - 1]!.id)
    }
    for (const { body, status } of arrivals) {
      const before = previous.get(body.id)
      if (before !== undefined) expect(done, `${before} is over before ${body.id} is tried`).toContain(before)
      const tries = (attempts.get(body.id) ?? 0) + 1
      attempts.set(body.id, tries)
      if (status === 200 || tries >= tenant.settings.webhookMaxRetry) done.add(body.id)
    }
  }
}
