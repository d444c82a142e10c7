import type { Clock, Database, Logger, Timer } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { failure } from '../model.ts'
import type { Failure } from '../model.ts'
import { isUuid } from '../sql.ts'
import type { IncomingPaymentFailure } from './model.ts'
import { act, isOpen, TABLE } from './store.ts'
import type { Action, IncomingPaymentRow } from './store.ts'

/** Creations that wait for their wallet's word at once; the next one is refused before anything is written. */
export const MAX_AWAITED_APPROVALS = 1_000

type Refusal = Failure<IncomingPaymentFailure>
type Config = Pick<
  BackendConfig,
  | 'POLL_INCOMING_PAYMENT_CREATED_WEBHOOK'
  | 'INCOMING_PAYMENT_CREATED_POLL_TIMEOUT_MS'
  | 'INCOMING_PAYMENT_CREATED_POLL_FREQUENCY_MS'
>

/**
 * The wallet's word on an incoming payment. It is given once, while the payment is PENDING, and does not change the
 * payment's state:
 *
 *   (none) ──approve──▶ approved     with POLL_INCOMING_PAYMENT_CREATED_WEBHOOK its creation was waiting for that
 *      └────cancel────▶ cancelled    it takes no money, and ends at its expiry as an unpaid one does
 *
 * Given again it changes nothing; the other word is refused. What waits is woken by the notification of the change,
 * whichever process it was made in.
 */
export interface Approvals {
  /** True while creations wait for approval, and what is not approved takes no money. */
  readonly isRequired: boolean
  /** The refusal where a further creation may not wait. */
  refuseWaiting(): Refusal | undefined
  /**
   * Waits for the word on a payment, from before it is written: `written` writes it. Answers its row once it is
   * approved; ActionNotPerformed when it was cancelled, or when no word came in INCOMING_PAYMENT_CREATED_POLL_TIMEOUT_MS.
   */
  whenApproved(id: string, written: () => Promise<void>): Promise<IncomingPaymentRow | Refusal>
  /** Gives the word. UnknownPayment, WrongState unless it is PENDING, AlreadyActioned after the other word. */
  give(id: string, tenantId: string, action: Action): Promise<IncomingPaymentRow | Refusal>
  /** A payment was changed; undefined: any may have been. */
  changed(id?: string): void
  /** Nothing is waited for any more. */
  stop(): void
}

interface Waiting {
  /** Tells it what the row says now; false once it has its answer. */
  look(row: IncomingPaymentRow | undefined): void
  end(): void
}

export function createApprovals({
  database,
  clock,
  logger,
  config
}: {
  database: Database
  clock: Clock
  logger: Logger
  config: Config
}): Approvals {
  const timeoutMs = config.INCOMING_PAYMENT_CREATED_POLL_TIMEOUT_MS
  const sweepMs = config.INCOMING_PAYMENT_CREATED_POLL_FREQUENCY_MS
  const waiting = new Map<string, Waiting>()
  let sweep: Timer | undefined

  async function look(ids: readonly string[]): Promise<void> {
    const rows = await database.knex<IncomingPaymentRow>(TABLE).whereIn('id', ids)
    for (const row of rows) waiting.get(row.id)?.look(row)
  }

  function lookInBackground(ids: readonly string[]): void {
    if (ids.length === 0) return
    look(ids).catch((error: unknown) => {
      logger.warn({ err: error }, 'what waits for approval could not be read; it is read again')
    })
  }

  /** A notification may be lost: all that wait are read together, now and then. */
  function sweepLater(): void {
    if (sweep || waiting.size === 0) return
    sweep = clock.setTimer(sweepMs, () => {
      sweep = undefined
      lookInBackground([...waiting.keys()])
      sweepLater()
    })
  }

  function answerOf(row: IncomingPaymentRow): IncomingPaymentRow | Refusal | undefined {
    if (row.cancelledAt !== null) {
      const reason = row.cancellationReason === null ? '' : `: ${row.cancellationReason}`
      return failure('ActionNotPerformed', `the wallet cancelled it${reason}`)
    }
    return row.approvedAt === null ? undefined : row
  }

  return {
    isRequired: config.POLL_INCOMING_PAYMENT_CREATED_WEBHOOK,
    refuseWaiting() {
      if (waiting.size < MAX_AWAITED_APPROVALS) return undefined
      logger.warn({ limit: MAX_AWAITED_APPROVALS }, 'too many incoming payments wait for their approval')
      return failure(
        'ActionNotPerformed',
        'too many incoming payments wait for their approval: try again later'
      )
    },
    async whenApproved(id, written) {
      const { promise, resolve } = Promise.withResolvers<'answered' | 'inTime'>()
      let answer: IncomingPaymentRow | Refusal | undefined
      waiting.set(id, {
        look(row) {
          answer ??= row && answerOf(row)
          if (answer) resolve('answered')
        },
        end: () => resolve('inTime')
      })
      const timer = clock.setTimer(timeoutMs, () => resolve('inTime'))
      try {
        await written()
        sweepLater()
        await promise
        // The last look, for a word whose notification is still on its way.
        if (!answer) await look([id])
      } finally {
        timer.cancel()
        waiting.delete(id)
        if (waiting.size === 0) {
          sweep?.cancel()
          sweep = undefined
        }
      }
      return answer ?? failure('ActionNotPerformed', `the wallet did not approve it within ${timeoutMs} ms`)
    },
    async give(id, tenantId, action) {
      const unknown = failure('UnknownPayment', `there is no incoming payment ${id}`)
      if (!isUuid(id)) return unknown
      const given = await act(database.knex, { id, tenantId, action, now: new Date(clock.nowMs()) })
      if (given) return given
      const row = await database
        .knex<IncomingPaymentRow>(TABLE)
        .where({ id, tenantId })
        .whereNull('deletedAt')
        .first()
      if (!row) return unknown
      if (row.state !== 'PENDING') {
        return failure('WrongState', `incoming payment ${id} is ${row.state} already`)
      }
      const isSame = action.kind === 'approve' ? row.approvedAt !== null : row.cancelledAt !== null
      if (isSame) return row
      return failure(
        'AlreadyActioned',
        `incoming payment ${id} is ${action.kind === 'approve' ? 'cancelled' : 'approved'} already`
      )
    },
    changed(id) {
      if (id === undefined) lookInBackground([...waiting.keys()])
      else if (waiting.has(id)) lookInBackground([id])
    },
    stop() {
      for (const { end } of waiting.values()) end()
    }
  }
}

/** Money is taken for it: it is open, not cancelled, and approved where it has to be. */
export function takesMoney(
  payment: Pick<IncomingPaymentRow, 'state' | 'needsApproval'> & {
    approvedAt?: Date | null
    cancelledAt?: Date | null
  }
): boolean {
  return (
    isOpen(payment.state) && !payment.cancelledAt && (!payment.needsApproval || Boolean(payment.approvedAt))
  )
}
