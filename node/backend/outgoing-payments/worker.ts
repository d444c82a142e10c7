import type { Clock, Database, Logger } from '../../runtime/index.ts'
import { createDueWorker } from '../due-worker.ts'
import { Channel } from '../model.ts'
import type { AttemptRunner } from './attempt.ts'
import type { Lease, Leases } from './lease.ts'

/** Payments that one worker of OUTGOING_PAYMENT_WORKERS sends at once. */
export const PAYMENTS_PER_WORKER = 100
/** How long a stopping node waits for what is in flight unless told otherwise. */
export const STOP_GRACE_MS = 10_000

export interface OutgoingPaymentWorker {
  start(): Promise<void>
  /** Payments that are being sent stop sending, and are released for others. */
  stop(graceMs?: number): Promise<void>
  /** A payment may be due. */
  wake(): void
  /**
   * Begins with a payment that became due in this process. False where there is no room for it, or this process sends
   * none: then all are to be told that it is due.
   */
  beginNew(paymentId: string): Promise<boolean>
}

/** Sends payments that are due, many at once, woken by notifications and by the next due row's time. */
export function createOutgoingPaymentWorker({
  database,
  clock,
  logger,
  leases,
  attempts,
  maxConcurrent
}: {
  database: Database
  clock: Clock
  logger: Logger
  leases: Leases
  attempts: AttemptRunner
  maxConcurrent: number
}): OutgoingPaymentWorker {
  const running = new Set<Promise<void>>()
  /** Payments that are being taken one by one. */
  const taking = new Set<Promise<unknown>>()
  let unlisten: (() => Promise<void>) | undefined
  let isStopped = true
  /** Places that a round which is under way may fill: half of those left, so that new payments find some. */
  let offered = 0

  const isFull = () => running.size + taking.size >= maxConcurrent

  const due = createDueWorker({
    clock,
    logger,
    name: 'outgoing payments',
    async round() {
      for (;;) {
        // At the limit: the end of a payment wakes the worker.
        if (isFull() || isStopped) return undefined
        offered = Math.ceil((maxConcurrent - running.size - taking.size) / 2)
        const limit = offered
        const { taken, nextDueMs } = await leases.take(limit).finally(() => (offered = 0))
        for (const lease of taken) begin(lease)
        if (taken.length < limit) return nextDueMs
      }
    }
  })

  function begin(lease: Lease): void {
    const run = attempts.run(lease).then(() => {
      const mayHaveWaited = isFull()
      running.delete(run)
      if (mayHaveWaited) due.wake()
    })
    running.add(run)
  }

  /** `<id>`: due now. `<id> <milliseconds since 1970>`: taken, and due then unless its holder goes on. */
  function onDue(payload: string): void {
    const atMs = Number(payload.split(' ')[1] ?? NaN)
    if (Number.isNaN(atMs)) due.wake()
    else due.wakeAt(atMs)
  }

  return {
    async start() {
      isStopped = false
      unlisten = await database.listen(Channel.OUTGOING_PAYMENT_DUE, onDue, () => due.wake())
      leases.onRelease((dueMs) => due.wakeAt(dueMs))
      due.start()
    },
    async stop(graceMs = STOP_GRACE_MS) {
      isStopped = true
      leases.abort()
      await unlisten?.()
      await due.stop()
      await Promise.allSettled(taking)
      // What was under way may have taken more.
      leases.abort()
      await new Promise<void>((resolve) => {
        const grace = clock.setTimer(graceMs, resolve)
        void Promise.all(running).then(() => {
          grace.cancel()
          resolve()
        })
      })
      leases.stop()
    },
    wake: () => due.wake(),
    async beginNew(paymentId) {
      if (isStopped || running.size + taking.size + offered >= maxConcurrent) return false
      const take = leases.takeNew(paymentId)
      taking.add(take)
      try {
        const lease = await take
        if (lease) begin(lease)
      } finally {
        const mayHaveWaited = isFull()
        taking.delete(take)
        if (mayHaveWaited) due.wake()
      }
      return true
    }
  }
}
