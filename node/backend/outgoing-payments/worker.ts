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
  let unlisten: (() => Promise<void>) | undefined
  let isStopped = true

  const due = createDueWorker({
    clock,
    logger,
    name: 'outgoing payments',
    async round() {
      for (;;) {
        const room = maxConcurrent - running.size
        // At the limit: the end of a payment wakes the worker.
        if (room === 0 || isStopped) return undefined
        const { taken, nextDueMs } = await leases.take(room)
        for (const lease of taken) begin(lease)
        if (taken.length < room) return nextDueMs
      }
    }
  })

  function begin(lease: Lease): void {
    const wasLast = () => running.size === maxConcurrent
    const run = attempts.run(lease).then(() => {
      const mayHaveWaited = wasLast()
      running.delete(run)
      if (mayHaveWaited) due.wake()
    })
    running.add(run)
  }

  return {
    async start() {
      isStopped = false
      unlisten = await database.listen(
        Channel.OUTGOING_PAYMENT_DUE,
        () => due.wake(),
        () => due.wake()
      )
      leases.onRelease((dueMs) => due.wakeAt(dueMs))
      due.start()
    },
    async stop(graceMs = STOP_GRACE_MS) {
      isStopped = true
      leases.abort()
      await unlisten?.()
      await due.stop()
      // A round that was under way may have taken more.
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
    wake: () => due.wake()
  }
}
