import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest'
import { createHttpClient, createManualClock } from '../../runtime/index.ts'
import type { Database, ManualClock } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import type { Tenant } from '../tenants/model.ts'
import { createTestBackend, until as untilHolds } from '../testing.ts'
import type { TestBackend } from '../testing.ts'
import { createWebhookDelivery } from './delivery.ts'
import { createOutbox } from './outbox.ts'
import { byTrust, openReceiver } from './receivers.test-support.ts'
import type { ReceiverBehaviour, TestReceiver } from './receivers.test-support.ts'

/** A delivery as the database has it. */
export interface DeliveryRow {
  eventId: string
  receiver: string
  state: string
  attempts: number
  statusCode: number | null
  lastError: string | null
  processAt: Date | null
  leaseEpoch: number
  leaseDeadline: Date | null
}

export interface DeliveryOptions {
  config?: Partial<BackendConfig>
  directory?: { refresh?(tenantId: string): Promise<void> }
  database?: Database
  /** Not given: the clock of all. */
  clock?: ManualClock
}

/** What tests of deliveries stand on: a database, receivers with tenants of their own, a clock that is told the time. */
export interface DeliveryGround {
  readonly backend: TestBackend
  readonly clock: ManualClock
  readonly tenants: Map<string, Tenant>
  receiverOf(behaviour: ReceiverBehaviour): Promise<TestReceiver>
  /** Starts a process that delivers. */
  startDelivery(options?: DeliveryOptions): Promise<{ database: Database; stop(): Promise<void> }>
  /** Writes an event about a URL; events of one URL keep their order. */
  add(receiver: TestReceiver, name: string, config?: Partial<BackendConfig>): Promise<string>
  /** Fires the timers that are due meanwhile: a worker may set one for this very moment. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>
  /** The delivery of an event, to this receiver where it has several. */
  rowOf(eventId: string, receiver?: string): Promise<DeliveryRow>
  isInState(eventId: string, state: string): () => Promise<boolean>
}

/** Opens it for the tests of a file, and clears it after each. */
export function useDeliveryGround(): DeliveryGround {
  let backend: TestBackend
  let clock: ManualClock
  let tenants: Map<string, Tenant>
  let opened: { stop(): Promise<void> }[]
  let drawn = 0

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

  async function rowOf(eventId: string, receiver?: string): Promise<DeliveryRow> {
    const where = { eventId, ...(receiver !== undefined && { receiver }) }
    return (await backend.database.knex<DeliveryRow>('webhooks').where(where).first())!
  }

  return {
    get backend() {
      return backend
    },
    get clock() {
      return clock
    },
    get tenants() {
      return tenants
    },
    async receiverOf(behaviour) {
      const tenantId = `01900003-0000-7000-8000-${(++drawn).toString().padStart(12, '0')}`
      const receiver = await openReceiver(backend.runtime, tenantId, behaviour)
      opened.push(receiver)
      tenants.set(tenantId, receiver.tenant)
      const [createdAt, updatedAt] = [new Date(0), new Date(0)]
      await backend.database.knex('tenants').insert({ id: tenantId, apiSecret: 'x', createdAt, updatedAt })
      return receiver
    },
    async startDelivery({ config = {}, directory = {}, ...options } = {}) {
      const database = options.database ?? backend.openDatabase()
      const delivery = createWebhookDelivery({
        ...backend,
        clock: options.clock ?? clock,
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
      return { database, stop: () => delivery.stop() }
    },
    add({ tenant }, name, config = {}) {
      const url = `https://wallet.example/${name}`
      return backend.database.transaction((trx) =>
        createOutbox({ ...backend, clock, config: { ...backend.config, ...config } }).add(trx, {
          type: 'wallet_address.not_found',
          tenantId: tenant.id,
          data: { walletAddressUrl: url },
          resource: { kind: 'walletAddressUrl', id: url }
        })
      )
    },
    until: (condition) =>
      untilHolds(async () => {
        await clock.advance(0)
        return condition()
      }),
    rowOf,
    isInState: (eventId, state) => async () => (await rowOf(eventId)).state === state
  }
}

/** An answer that comes when it is released. */
export function hold(): { held: Promise<number>; release(status: number): void } {
  const { promise: held, resolve: release } = Promise.withResolvers<number>()
  return { held, release }
}

/** Ids of events in the order of their arrival. */
export const idsAt = ({ arrivals }: TestReceiver): string[] => arrivals.map(({ body }) => body.id)
