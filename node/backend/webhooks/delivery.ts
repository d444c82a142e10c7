import { HttpClientError } from '../../runtime/index.ts'
import type { Clock, Database, HttpClient, Logger, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { createDueWorker } from '../due-worker.ts'
import { Channel } from '../model.ts'
import type { RunningTenantDirectory } from '../tenants/directory.ts'
import type { Tenant } from '../tenants/model.ts'
import { canonicalJson, signWebhook } from './signature.ts'
import { createDeliveryStore } from './store.ts'
import type { WebhookEventType } from './model.ts'
import type { ClaimedDelivery } from './store.ts'

export interface WebhookDeliveryDependencies {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  httpClient: Pick<HttpClient, 'request'>
  tenants: Pick<RunningTenantDirectory, 'get' | 'ids'>
  /** What is sent of an event's stored data; all, where not given. @throws Error when that cannot be read */
  reveal?(type: WebhookEventType, data: Record<string, unknown>): Record<string, unknown>
  config: Pick<BackendConfig, 'SIGNATURE_SECRET' | 'SIGNATURE_VERSION' | 'WEBHOOK_WORKERS'>
}

/** Deliveries to one recipient at a time, per WEBHOOK_WORKERS: a slow one holds up nobody else. */
export const DELIVERIES_IN_FLIGHT_PER_RECIPIENT = 32
/** A lease lasts this much longer than the request may: skew of clocks and the writing of the outcome. */
export const LEASE_MARGIN_MS = 15_000
/** Waits between attempts: the number of attempts so far, up to six, times ten seconds. */
export const RETRY_STEP_MS = 10_000
export const MAX_RETRY_STEPS = 6
/** Spreads retries: up to a tenth is added. */
const RETRY_JITTER = 0.1
/** The outcome is written again this often when the database does not take it; then the lease runs out. */
const MAX_OUTCOME_WRITES = 4
const OUTCOME_PAUSE_MS = 250
/** An answer's body is of no interest. */
const MAX_ANSWER_BYTES = 65_536

/**
 * Delivers what the outbox wrote, at least once each, in order within a recipient and resource.
 *
 *   PENDING ──claim: lease, epoch + 1──▶ (PENDING, leased) ──status 200──▶ DELIVERED
 *      ▲                                        │  ╲
 *      │                                        │   ──last attempt failed──▶ FAILED (kept, never retried)
 *      └──── processAt = retry, or lease ended ─┘
 *
 * No transaction and no lock is held during the request. Who lost the lease writes nothing.
 */
export function createWebhookDelivery(dependencies: WebhookDeliveryDependencies): {
  start(): Promise<void>
  stop(): Promise<void>
} {
  const { database, clock, random, logger, httpClient, tenants, config } = dependencies
  const reveal = dependencies.reveal ?? ((_type, data) => data)
  const store = createDeliveryStore({ database, clock })
  const owner = random.uuid()
  const limit = DELIVERIES_IN_FLIGHT_PER_RECIPIENT * config.WEBHOOK_WORKERS
  const inFlight = new Map<string, number>()
  /** Recipients for whom more may have been due than had a place: looked at again when one of theirs ends. */
  const full = new Set<string>()
  const running = new Set<Promise<void>>()
  let unlisten: (() => Promise<void>) | undefined

  const worker = createDueWorker({ clock, logger, name: 'webhooks', round })

  async function round(): Promise<number | undefined> {
    const ids = tenants.ids()
    const lanes = ids
      .map((id) => ({ recipientTenantId: id, free: limit - (inFlight.get(id) ?? 0) }))
      .filter((lane) => lane.free > 0)
    const longestTimeoutMs = Math.max(0, ...ids.map((id) => tenants.get(id)?.settings.webhookTimeoutMs ?? 0))
    const deadlineMs = clock.nowMs() + longestTimeoutMs + LEASE_MARGIN_MS
    const { claimed, nextDueMs } = await store.claim(owner, lanes, deadlineMs)
    full.clear()
    for (const delivery of claimed) begin(delivery)
    for (const id of ids) if ((inFlight.get(id) ?? 0) >= limit) full.add(id)
    // Places that became free during the statement: it may have left something for want of them.
    const cutShort = lanes.some(({ recipientTenantId: id, free }) => {
      const taken = claimed.filter((delivery) => delivery.recipientTenantId === id).length
      return taken === free && !full.has(id)
    })
    if (cutShort) worker.wake()
    return nextDueMs
  }

  function begin(delivery: ClaimedDelivery): void {
    const id = delivery.recipientTenantId
    inFlight.set(id, (inFlight.get(id) ?? 0) + 1)
    const done = deliver(delivery)
      .catch((error: unknown) => {
        logger.error({ err: error, webhookId: delivery.id }, 'the outcome of a webhook could not be written')
        return 'dueNow' as const
      })
      .then((next) => {
        running.delete(done)
        const left = (inFlight.get(id) ?? 1) - 1
        if (left > 0) inFlight.set(id, left)
        else inFlight.delete(id)
        // What was put in the outbox meanwhile woke the worker itself, unless there was no place for it.
        if (next === 'dueNow' || full.has(id)) worker.wake()
        else if (next !== undefined) worker.wakeAt(next.dueMs)
      })
    running.add(done)
  }

  /** What of its resource is due now: the delivery again, or what waited behind it. Undefined: nothing. */
  type Next = 'dueNow' | { dueMs: number } | undefined

  async function deliver(delivery: ClaimedDelivery): Promise<Next> {
    const tenant = tenants.get(delivery.recipientTenantId)
    const answer: Answer = tenant ? await send(delivery, tenant) : { problem: 'the recipient is deleted' }
    const attempts = delivery.attempts + 1
    const log = {
      webhookId: delivery.id,
      eventId: delivery.eventId,
      type: delivery.type,
      attempts,
      ...answer
    }
    const nowMs = clock.nowMs()
    if (answer.statusCode === 200) {
      logger.debug(log, 'a webhook was delivered')
      return write(delivery, { state: 'DELIVERED', statusCode: 200, processAtMs: nowMs })
    }
    if (tenant === undefined || attempts >= tenant.settings.webhookMaxRetry) {
      logger.error(log, 'a webhook was given up')
      return write(delivery, { state: 'FAILED', statusCode: answer.statusCode, processAtMs: nowMs })
    }
    const waitMs = retryDelayMs(attempts, random.fraction())
    logger.warn({ ...log, waitMs }, 'a webhook was not accepted and will be repeated')
    return write(delivery, { state: 'PENDING', statusCode: answer.statusCode, processAtMs: nowMs + waitMs })
  }

  interface Answer {
    statusCode?: number
    problem?: string
  }

  async function send({ eventId, type, data }: ClaimedDelivery, tenant: Tenant): Promise<Answer> {
    let body: { id: string; type: WebhookEventType; data: Record<string, unknown> }
    try {
      body = { id: eventId, type, data: reveal(type, data) }
    } catch (error) {
      return { problem: (error as Error).message }
    }
    const secret = config.SIGNATURE_SECRET
    try {
      const { status } = await httpClient.request({
        method: 'POST',
        url: tenant.settings.webhookUrl,
        headers: {
          'content-type': 'application/json',
          ...(secret !== undefined && {
            'rafiki-signature': signWebhook({
              body,
              secret,
              version: config.SIGNATURE_VERSION,
              timestampMs: clock.nowMs()
            })
          })
        },
        body: canonicalJson(body),
        timeoutMs: tenant.settings.webhookTimeoutMs,
        maxResponseBytes: MAX_ANSWER_BYTES
      })
      return { statusCode: status }
    } catch (error) {
      if (error instanceof HttpClientError) return { problem: error.message }
      throw error
    }
  }

  async function write(
    delivery: ClaimedDelivery,
    outcome: Parameters<typeof store.finish>[1]
  ): Promise<Next> {
    for (let tries = 1; ; tries++) {
      try {
        const { isDone, hasFollowers } = await store.finish(delivery, outcome)
        if (isDone && outcome.state === 'PENDING') return { dueMs: outcome.processAtMs }
        if (isDone) return hasFollowers ? 'dueNow' : undefined
        logger.warn(
          { webhookId: delivery.id },
          'a webhook took longer than its lease; another process has it'
        )
        return undefined
      } catch (error) {
        if (tries >= MAX_OUTCOME_WRITES) throw error
        await clock.sleep(OUTCOME_PAUSE_MS * 2 ** tries)
      }
    }
  }

  return {
    async start() {
      if (limit === 0) return
      unlisten = await database.listen(Channel.WEBHOOK_DUE, worker.wake, worker.wake)
      worker.start()
    },
    /** Starts no further delivery; waits for those in flight, which their timeouts bound. */
    async stop() {
      await unlisten?.()
      await worker.stop()
      await Promise.all(running)
    }
  }
}

/** How long to wait after so many attempts; `fraction` in [0, 1) spreads it. */
export function retryDelayMs(attempts: number, fraction: number): number {
  return Math.round(Math.min(attempts, MAX_RETRY_STEPS) * RETRY_STEP_MS * (1 + RETRY_JITTER * fraction))
}
