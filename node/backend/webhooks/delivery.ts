import type { Clock, Database, Logger, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { createDueWorker } from '../due-worker.ts'
import { Channel } from '../model.ts'
import type { RunningTenantDirectory } from '../tenants/directory.ts'
import { createPlaces } from './places.ts'
import type { DueLane } from './places.ts'
import { createWebhookSending, MAX_WEBHOOK_TIMEOUT_MS } from './sending.ts'
import type { Answer, WebhookSendingDependencies } from './sending.ts'
import { createDeliveryStore } from './store.ts'
import type { ClaimedDelivery } from './store.ts'

export interface WebhookDeliveryDependencies extends WebhookSendingDependencies {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  tenants: Pick<RunningTenantDirectory, 'get' | 'refresh' | 'ids'>
  config: WebhookSendingDependencies['config'] & Pick<BackendConfig, 'WEBHOOK_WORKERS'>
  /** Where not given: RETRY_STEP_MS. */
  retryStepMs?: number
}

/** A lease lasts this much longer than the request may: skew of clocks and the writing of the outcome. */
export const LEASE_MARGIN_MS = 15_000
/** Waits between attempts: the number of attempts so far, up to six, times ten seconds. */
export const RETRY_STEP_MS = 10_000
export const MAX_RETRY_STEPS = 6
/** Spreads retries: up to a tenth is added. */
const RETRY_JITTER = 0.1
/** What is due for so long and finds no attempt is looked at, and this often at most. */
const DEFER_AFTER_MS = 1_000
/** Receivers whose followers are deferred in one round. */
const MAX_LANES_DEFERRED = 10
/** The outcome is written again this often when the database does not take it; then the lease runs out. */
const MAX_OUTCOME_WRITES = 4
const OUTCOME_PAUSE_MS = 250

/**
 * Delivers what the outbox wrote, at least once each, in order within a receiver and resource.
 *
 *   PENDING ──claim: lease, epoch + 1──▶ (PENDING, leased) ──status 200──▶ DELIVERED ──┐
 *    ▲   ▲                                      │  ╲                                   │ sent again by hand:
 *    │   │                                      │   ──last attempt failed──▶ FAILED ───┤ attempts = 0, a
 *    │   └──── processAt = retry, or lease ended┘        (kept, nothing tries it)      │ resource of its own
 *    └─────────────────────────────────────────────────────────────────────────────────┘
 *
 * No transaction and no lock is held during the request. Who lost the lease writes nothing.
 */
export function createWebhookDelivery(dependencies: WebhookDeliveryDependencies): {
  start(): Promise<void>
  stop(): Promise<void>
} {
  const { database, clock, random, logger, tenants, config } = dependencies
  const store = createDeliveryStore({ database, clock })
  const sending = createWebhookSending(dependencies)
  const places = createPlaces(config.WEBHOOK_WORKERS)
  const owner = random.uuid()
  const running = new Set<Promise<void>>()
  /** Rounds that were begun. */
  let rounds = 0
  let nextDeferMs = 0
  let unlisten: (() => Promise<void>) | undefined

  const worker = createDueWorker({ clock, logger, name: 'webhooks', round })

  async function round(): Promise<number | undefined> {
    rounds++
    const { due, nextDueMs } = await store.look()
    const offered = places.offer(due)
    if (offered.length === 0) return nextDueMs
    const takenBefore = places.taken()
    const claimed = await store.claim(owner, offered, leaseEnds())
    for (const delivery of claimed) begin(delivery)
    await deferFollowers(offered, claimed)
    if (places.used(offered, claimed, takenBefore)) worker.wake()
    // Where all places were taken, the end of a delivery wakes the worker; what was claimed may lose its process.
    const leases = claimed.map(({ leaseDeadlineMs }) => leaseDeadlineMs)
    const next = Math.min(nextDueMs ?? Infinity, ...leases)
    return next === Infinity ? undefined : next
  }

  /** What is due for a while though there are places waits behind others. */
  async function deferFollowers(
    offered: readonly (DueLane & { free: number })[],
    claimed: readonly ClaimedDelivery[]
  ): Promise<void> {
    if (clock.nowMs() < nextDeferMs) return
    const blocked = offered.filter(({ receiver, isRepeat, dueSinceMs, free }) => {
      if (isRepeat || dueSinceMs > clock.nowMs() - DEFER_AFTER_MS) return false
      const isOfLane = (one: ClaimedDelivery) => one.receiver === receiver && !one.isRepeat
      return claimed.filter(isOfLane).length < free
    })
    if (blocked.length === 0) return
    nextDeferMs = clock.nowMs() + DEFER_AFTER_MS
    for (const { receiver } of blocked.slice(0, MAX_LANES_DEFERRED)) await store.defer(receiver)
  }

  /** When leases end that are taken now: later for tenants that may take longer than the configuration says. */
  function leaseEnds() {
    const endMs = (timeoutMs: number) =>
      clock.nowMs() + Math.min(timeoutMs, MAX_WEBHOOK_TIMEOUT_MS) + LEASE_MARGIN_MS
    const slow = tenants.ids().flatMap((tenantId) => {
      const timeoutMs = tenants.get(tenantId)?.settings.webhookTimeoutMs ?? 0
      return timeoutMs > config.WEBHOOK_TIMEOUT ? [{ tenantId, endMs: endMs(timeoutMs) }] : []
    })
    return { endMs: endMs(config.WEBHOOK_TIMEOUT), slow }
  }

  function begin(delivery: ClaimedDelivery): void {
    const lane = { receiver: delivery.receiver, isRepeat: delivery.isRepeat }
    places.take(lane)
    const done = deliver(delivery)
      .catch((error: unknown) => {
        logger.error({ err: error, webhookId: delivery.id }, 'the outcome of a webhook could not be written')
        return 'dueNow' as const
      })
      .then((next) => {
        running.delete(done)
        const isAwaited = places.release(lane)
        // What was put in the outbox meanwhile woke the worker itself, unless there was no place for it.
        if (next === 'dueNow' || isAwaited) worker.wake()
        else if (next !== undefined) worker.wakeAt(next.dueMs)
      })
    running.add(done)
  }

  /** What of its resource is due now: the delivery again, or what waited behind it. Undefined: nothing. */
  type Next = 'dueNow' | { dueMs: number } | undefined

  async function deliver(delivery: ClaimedDelivery): Promise<Next> {
    const { statusCode, problem, maxAttempts } = await attempt(delivery)
    const attempts = delivery.attempts + 1
    const { id: webhookId, eventId, type, receiver } = delivery
    const log = { webhookId, eventId, type, receiver, attempts, statusCode, problem }
    const nowMs = clock.nowMs()
    if (statusCode === 200) {
      logger.debug(log, 'a webhook was delivered')
      return write(delivery, { state: 'DELIVERED', statusCode, problem, processAtMs: nowMs })
    }
    if (attempts >= maxAttempts) {
      logger.error(log, 'a webhook was given up; resendWebhookEvent sends it again')
      return write(delivery, { state: 'FAILED', statusCode, problem, processAtMs: nowMs })
    }
    const waitMs = retryDelayMs(attempts, random.fraction(), dependencies.retryStepMs)
    logger.warn({ ...log, waitMs }, 'a webhook was not accepted and will be repeated')
    return write(delivery, { state: 'PENDING', statusCode, problem, processAtMs: nowMs + waitMs })
  }

  /** A fault of our own is a failed attempt too: it must not be repeated without a pause or an end. */
  async function attempt(delivery: ClaimedDelivery): Promise<Answer> {
    try {
      return await sending.send(delivery)
    } catch (error) {
      logger.error({ err: error, webhookId: delivery.id }, 'a webhook could not be sent')
      return { problem: 'this node could not send it', maxAttempts: config.WEBHOOK_MAX_RETRY }
    }
  }

  async function write(
    delivery: ClaimedDelivery,
    outcome: Parameters<typeof store.finish>[1]
  ): Promise<Next> {
    for (let tries = 1; ; tries++) {
      const roundsBefore = rounds
      try {
        const { isDone, hasFollowers } = await store.finish(delivery, outcome)
        if (!isDone) {
          // The one before may have been written, its answer lost: what waits behind it is due then.
          if (tries > 1) return 'dueNow'
          logger.warn(
            { webhookId: delivery.id },
            'a webhook took longer than its lease; another process has it'
          )
          return undefined
        }
        if (outcome.state === 'PENDING') return { dueMs: outcome.processAtMs }
        // A follower that was written while the outcome was is not seen by it, and a round of that time saw the
        // follower behind a delivery that was not over.
        return hasFollowers || rounds !== roundsBefore ? 'dueNow' : undefined
      } catch (error) {
        if (tries >= MAX_OUTCOME_WRITES) throw error
        await clock.sleep(OUTCOME_PAUSE_MS * 2 ** tries)
      }
    }
  }

  return {
    async start() {
      if (config.WEBHOOK_WORKERS === 0) return
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
export function retryDelayMs(attempts: number, fraction: number, stepMs = RETRY_STEP_MS): number {
  return Math.round(Math.min(attempts, MAX_RETRY_STEPS) * stepMs * (1 + RETRY_JITTER * fraction))
}
