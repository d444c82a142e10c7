import type { Clock, Logger } from '../runtime/index.ts'
import { LedgerBusyError, LedgerUnavailableError, MAX_BATCH_EVENTS } from './model.ts'
import type { Ledger, LedgerWriter, NewTransfer, SubmissionResult } from './model.ts'
import { assertTransfers } from './transfer-rules.ts'

/** Events that may wait for their batch: some seconds' worth at full speed. */
export const DEFAULT_MAX_QUEUED_EVENTS = 65_536

export interface LedgerWriterOptions {
  ledger: Pick<Ledger, 'createTransfers'>
  clock: Pick<Clock, 'nowMs'>
  logger: Logger
  /** Events waiting for a batch; beyond it submissions get LedgerBusyError. Default 65,536. */
  maxQueuedEvents?: number
  /** Events of one batch. Default and most: 8,189. */
  maxBatchEvents?: number
}

interface Submission {
  transfers: readonly NewTransfer[]
  startBeforeMs: number | undefined
  resolve(results: SubmissionResult[]): void
  reject(error: Error): void
}

/**
 * Group commit above a ledger: one batch is under way at a time, and what is submitted meanwhile forms the
 * next, in order. A lone submission waits for nothing but the end of the turn that made it.
 *
 *   idle ──submit──▶ scheduled ──end of the turn──▶ flushing ──┬─ queue empty ──▶ idle
 *                                                      ▲       │
 *                                                      └───────┘ queue not empty
 */
export function createLedgerWriter({
  ledger,
  clock,
  logger,
  maxQueuedEvents = DEFAULT_MAX_QUEUED_EVENTS,
  maxBatchEvents = MAX_BATCH_EVENTS
}: LedgerWriterOptions): LedgerWriter {
  assertLimit('maxQueuedEvents', maxQueuedEvents, Number.MAX_SAFE_INTEGER)
  assertLimit('maxBatchEvents', maxBatchEvents, MAX_BATCH_EVENTS)
  let queue: Submission[] = []
  let queuedEvents = 0
  let flushing: Promise<void> | undefined
  let closed = false

  async function flushAll(): Promise<void> {
    // The rest of the turn may submit more: it goes along.
    await Promise.resolve()
    while (queue.length > 0) await flush(takeBatch())
    flushing = undefined
  }

  /** The next submissions in order, as many as fit. Those whose time is over are answered and left out. */
  function takeBatch(): Submission[] {
    const nowMs = clock.nowMs()
    const batch: Submission[] = []
    let events = 0
    let taken = 0
    for (const submission of queue) {
      const { transfers, startBeforeMs } = submission
      const late = startBeforeMs !== undefined && nowMs >= startBeforeMs
      if (!late && events + transfers.length > maxBatchEvents) break
      taken += 1
      queuedEvents -= transfers.length
      if (late) {
        submission.resolve(transfers.map(() => 'not_started_in_time'))
        continue
      }
      events += transfers.length
      batch.push(submission)
    }
    queue = queue.slice(taken)
    return batch
  }

  async function flush(batch: readonly Submission[]): Promise<void> {
    if (batch.length === 0) return
    const events = batch.flatMap(({ transfers }) => transfers)
    try {
      const results = await ledger.createTransfers(events)
      if (results.length !== events.length) {
        throw new Error(`the ledger answered ${results.length} results for ${events.length} events`)
      }
      let next = 0
      for (const { transfers, resolve } of batch) resolve(results.slice(next, (next += transfers.length)))
    } catch (error) {
      logger.error(
        { err: error, events: events.length, submissions: batch.length },
        'the outcome of a ledger batch is unknown; its submissions may be repeated identically'
      )
      const message = 'the outcome of this submission is unknown; repeat it with identical transfers'
      for (const { reject } of batch) reject(new LedgerUnavailableError(message, { cause: error }))
    }
  }

  return {
    async submit(transfers, { startBeforeMs } = {}) {
      if (closed) throw new LedgerBusyError('the ledger writer is closed; nothing was booked')
      assertTransfers(transfers)
      if (transfers.length > maxBatchEvents) {
        throw new RangeError(`a submission of ${transfers.length} transfers; a batch holds ${maxBatchEvents}`)
      }
      // An open chain would swallow the submission that follows it in the batch.
      if (transfers.at(-1)?.flags?.linked) {
        throw new RangeError('the last transfer of a submission is linked to a next one that is not there')
      }
      if (transfers.length === 0) return []
      if (queuedEvents + transfers.length > maxQueuedEvents) {
        throw new LedgerBusyError(
          `${queuedEvents} events wait for the ledger (limit ${maxQueuedEvents}); nothing was booked`
        )
      }
      return new Promise((resolve, reject) => {
        queue.push({ transfers, startBeforeMs, resolve, reject })
        queuedEvents += transfers.length
        flushing ??= flushAll()
      })
    },
    async close() {
      closed = true
      await flushing
    }
  }
}

function assertLimit(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return
  throw new RangeError(`${name} is ${value}; a whole number from 1 to ${max} is needed`)
}
