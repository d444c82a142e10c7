import type { Clock, Logger } from '../runtime/index.ts'
import { LedgerBusyError, LedgerUnavailableError, MAX_BATCH_EVENTS } from './model.ts'
import type {
  CreateTransferResult,
  Ledger,
  LedgerBatch,
  LedgerWriter,
  NewTransfer,
  SubmissionResult
} from './model.ts'
import { assertTransfers } from './transfer-rules.ts'

/** Events that may wait for their batch: some seconds' worth at full speed. */
export const DEFAULT_MAX_QUEUED_EVENTS = 65_536

export interface LedgerWriterOptions {
  ledger: Pick<Ledger, 'createTransfers' | 'newBatch' | 'maxBatchesUnderWay'>
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

/** Submissions in order, added to a batch of the store as they come. */
interface Batch {
  submissions: Submission[]
  events: number
  store: LedgerBatch
}

type Outcome = { results: CreateTransferResult[] } | { error: unknown }

/**
 * A further batch is sent while another is under way where the store has room for it, few events are under way (the
 * second number), and enough wait (the first). Then the time between two batches is worth more than what larger ones
 * save; with many under way it is the other way round (docs/performance.md, ledger).
 */
const MIN_FURTHER_BATCH_EVENTS = 10
const FEW_EVENTS = 64

/**
 * Group commit above a ledger: what is submitted while a batch is under way forms the next, in order. A lone
 * submission waits for nothing but the end of the turn that made it. When a batch ends, the next is sent before the
 * callers of the first hear, so that the store does not wait for them; a store that takes several batches has the
 * next one there already.
 *
 *   idle ──submit──▶ scheduled ──end of the turn──▶ under way ──┬─ nothing waits ──▶ idle
 *                                                      ▲  │     │
 *                                                      │  └─────┼─ enough waits, and the store has room: sent too
 *                                                      └────────┘ the waiting batch is sent
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
  /** In order; the last one takes more. */
  const waiting: Batch[] = []
  let queuedEvents = 0
  const maxUnderWay = ledger.maxBatchesUnderWay ?? 1
  let batchesUnderWay = 0
  let eventsUnderWay = 0
  let isScheduled = false
  let idle: PromiseWithResolvers<void> | undefined
  let closed = false

  function enqueue(submission: Submission): void {
    const { length } = submission.transfers
    let batch = waiting.at(-1)
    if (!batch || batch.events + length > maxBatchEvents) {
      batch = { submissions: [], events: 0, store: newStoreBatch(ledger) }
      waiting.push(batch)
    }
    addTo(batch, submission)
    queuedEvents += length
    if (isScheduled || !mayBeSent()) return
    isScheduled = true
    // The rest of the turn may submit more: it goes along.
    queueMicrotask(() => {
      isScheduled = false
      sendAll()
    })
  }

  function mayBeSent(): boolean {
    const [next] = waiting
    if (next === undefined || batchesUnderWay === 0) return next !== undefined
    return (
      batchesUnderWay < maxUnderWay && eventsUnderWay < FEW_EVENTS && next.events >= MIN_FURTHER_BATCH_EVENTS
    )
  }

  function sendAll(): void {
    while (mayBeSent()) {
      queuedEvents -= waiting[0]!.events
      const batch = withoutLate(waiting.shift()!)
      if (batch.events > 0) void send(batch)
    }
    if (batchesUnderWay === 0) idle?.resolve()
  }

  async function send(batch: Batch): Promise<void> {
    batchesUnderWay += 1
    eventsUnderWay += batch.events
    const outcome = await outcomeOf(batch)
    batchesUnderWay -= 1
    eventsUnderWay -= batch.events
    sendAll()
    tell(batch, outcome)
  }

  /** Submissions whose time is over are answered and left out. */
  function withoutLate(batch: Batch): Batch {
    const nowMs = clock.nowMs()
    const isLate = ({ startBeforeMs }: Submission) => startBeforeMs !== undefined && nowMs >= startBeforeMs
    if (!batch.submissions.some(isLate)) return batch
    const rest: Batch = { submissions: [], events: 0, store: newStoreBatch(ledger) }
    for (const submission of batch.submissions) {
      if (isLate(submission)) submission.resolve(submission.transfers.map(() => 'not_started_in_time'))
      else addTo(rest, submission)
    }
    return rest
  }

  function tell({ submissions, events }: Batch, outcome: Outcome): void {
    let error: unknown
    if ('error' in outcome) error = outcome.error
    else if (outcome.results.length !== events) {
      error = new Error(`the ledger answered ${outcome.results.length} results for ${events} events`)
    } else {
      let next = 0
      for (const { transfers, resolve } of submissions) {
        resolve(outcome.results.slice(next, (next += transfers.length)))
      }
      return
    }
    logger.error(
      { err: error, events, submissions: submissions.length },
      'the outcome of a ledger batch is unknown; its submissions may be repeated identically'
    )
    const message = 'the outcome of this submission is unknown; repeat it with identical transfers'
    for (const { reject } of submissions) reject(new LedgerUnavailableError(message, { cause: error }))
  }

  /** What it throws becomes the submission's rejection. */
  function assertSubmission(transfers: readonly NewTransfer[]): void {
    if (closed) throw new LedgerBusyError('the ledger writer is closed; nothing was booked')
    assertTransfers(transfers)
    if (transfers.length > maxBatchEvents) {
      throw new RangeError(`a submission of ${transfers.length} transfers; a batch holds ${maxBatchEvents}`)
    }
    // An open chain would swallow the submission that follows it in the batch.
    if (transfers.at(-1)?.flags?.linked) {
      throw new RangeError('the last transfer of a submission is linked to a next one that is not there')
    }
    if (queuedEvents + transfers.length > maxQueuedEvents) {
      throw new LedgerBusyError(
        `${queuedEvents} events wait for the ledger (limit ${maxQueuedEvents}); nothing was booked`
      )
    }
  }

  return {
    submit(transfers, { startBeforeMs } = {}) {
      return new Promise((resolve, reject) => {
        assertSubmission(transfers)
        if (transfers.length === 0) resolve([])
        else enqueue({ transfers, startBeforeMs, resolve, reject })
      })
    },
    async close() {
      closed = true
      if (batchesUnderWay === 0 && waiting.length === 0) return
      idle ??= Promise.withResolvers()
      await idle.promise
    }
  }
}

function addTo(batch: Batch, submission: Submission): void {
  batch.store.add(submission.transfers)
  batch.submissions.push(submission)
  batch.events += submission.transfers.length
}

async function outcomeOf({ store }: Batch): Promise<Outcome> {
  try {
    return { results: await store.send() }
  } catch (error) {
    return { error }
  }
}

/** The store's own, or one that only collects. */
function newStoreBatch(ledger: LedgerWriterOptions['ledger']): LedgerBatch {
  if (ledger.newBatch) return ledger.newBatch()
  const collected: NewTransfer[] = []
  return {
    add: (transfers) => void collected.push(...transfers),
    send: () => ledger.createTransfers(collected)
  }
}

function assertLimit(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return
  throw new RangeError(`${name} is ${value}; a whole number from 1 to ${max} is needed`)
}
