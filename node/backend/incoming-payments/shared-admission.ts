import type { Ledger } from '../../ledger/index.ts'
import type { Cache, Clock, Logger, Timer } from '../../runtime/index.ts'
import { CLOCK_SKEW_MS } from '../incarnation.ts'
import { createSharedRecords } from '../shared-records.ts'
import {
  createPaymentCount,
  isStale,
  learn,
  needsLedger,
  recordOf,
  settledOf,
  takenOf
} from './admission-record.ts'
import type { PaymentCount } from './admission-record.ts'
import type { Admission } from './model.ts'

/** A shared record lives so long after its last write; after that the ledger tells. */
export const SHARED_ADMISSION_TTL_MS = 600_000
/** What a process holds counts so long after it last said so (and the skew): the life of a packet. */
export const HOLD_MS = 30_000
/** A living process repeats what it holds this often. */
export const HOLD_REFRESH_MS = 2_000
/** After the record was lost nothing is admitted for so long: all who hold something have repeated it by then. */
export const LOSS_PAUSE_MS = 3_000
/** What was posted, and changes nothing of what is left, is shared this often. */
export const SHARE_INTERVAL_MS = 500
/** Exchanges that one packet waits for at most. */
export const MAX_EXCHANGES_PER_CLAIM = 3
/** Credits that are read from the ledger at a time. */
export const LEDGER_PAGE = 1_000

export type Claim = Exclude<Admission, 'closed'>

/** What one payment has taken, as one process counts it. Minor units of the payment's asset. */
export interface SharedAdmission {
  /** Asks to take `amount`. When admitted, exactly one of `posted` and `released` follows. Never rejects. */
  claim(amount: bigint): Promise<Claim>
  /** It is credited: under this process's tag, or (`untagged`) without one, as payments within the node are. */
  posted(amount: bigint, tag?: 'tagged' | 'untagged'): void
  /** It was not credited. */
  released(amount: bigint): void
  /** A part of what is in the ledger that holds nothing of what this process has in flight. */
  readonly settled: bigint
  /** It must not be forgotten now. */
  readonly isBusy: boolean
}

export interface SharedAdmissions {
  /** `received`: the ledger's total before this call, while nothing of the payment is in flight in this process. */
  of(payment: { id: string; accountId: bigint; receiveMax: bigint; received: bigint }): SharedAdmission
  stop(): void
}

interface Waiting {
  readonly amount: bigint
  exchanges: number
  resolve(claim: Claim): void
}

interface Payment {
  readonly id: string
  readonly accountId: bigint
  readonly count: PaymentCount
  isNew: boolean
  /** The ledger has credits from before. */
  readonly hasHistory: boolean
  /** Credits up to this timestamp are read. */
  readTo: bigint | undefined
  mustRead: boolean
  /** What our field of the record holds; and whether a write since then was not answered. */
  written: string | undefined
  isUncertain: boolean
  writtenAtMs: number
  /** The record does not say what we have now; and it has to at once. */
  isDirty: boolean
  mustShare: boolean
  /** Until then nothing is admitted. */
  restsUntilMs: number
  waiting: Waiting[]
  isRunning: boolean
}

/**
 * A payment takes packets while what all processes have posted and are booking is less than it asks for. As with the
 * totals of a connection (decision 4) each process writes one number of its own, here into a record of the payment:
 * what it posted, and what it holds. An exchange writes one's own and reads the others' at once, so of two processes
 * that ask at the same moment the second sees the first. What follows from the ledger (posted, by the tag of the
 * process) merges with the record by the higher number.
 *
 *   asked ──all of a turn: claimed in the record, the others' read──▶ admitted | full | later
 *                                                                        │
 *            posted ◀── shared within SHARE_INTERVAL_MS ── held ─────────┘
 *            released ── shared at once
 *
 *   a process died holding something ──HOLD_MS and the skew──▶ what it posted of it is read from the ledger
 *   the record was lost ──LOSS_PAUSE_MS: later; what others still hold is written again──▶ the ledger is read
 *   the cache is silent ──▶ this process lives alone ? the ledger is read : later
 */
export function createSharedAdmissions({
  cache,
  ledger,
  clock,
  logger,
  processTag,
  isAlone
}: {
  cache: Pick<Cache, 'shareField'>
  ledger: Pick<Ledger, 'queryTransfers'>
  clock: Clock
  logger: Logger
  /** What the credits of this process carry in the ledger (`userData64`). */
  processTag: bigint
  /** No other process of the service lives. */
  isAlone(): Promise<boolean>
}): SharedAdmissions {
  const field = processTag.toString()
  const records = createSharedRecords({
    cache,
    clock,
    logger,
    field,
    ttlMs: SHARED_ADMISSION_TTL_MS,
    silence: {
      event: 'admissions_not_shared',
      message: 'processes cannot tell each other what they are booking for incoming payments'
    }
  })
  /** Those that hold something, or have something to share. */
  const busy = new Set<Payment>()
  let timer: Timer | undefined
  let isStopped = false

  function isFull({ count }: Payment): boolean {
    return settledOf(count) + count.held >= count.receiveMax
  }

  /** Writes what this process has, reads what the others have. False: the cache does not answer. */
  async function exchange(payment: Payment): Promise<boolean> {
    const raw = recordOf(payment.count, clock.nowMs() + HOLD_MS)
    payment.isDirty = false
    const record = await records.exchange(`incoming_payment:${payment.id}`, raw)
    if (record === undefined) {
      payment.isUncertain = true
      payment.isDirty = true
      return false
    }
    noticeLoss(payment, record)
    payment.written = raw
    payment.isUncertain = false
    payment.writtenAtMs = clock.monotonicMs()
    for (const [tag, text] of record) if (tag !== field) learn(payment.count, BigInt(tag), text)
    return true
  }

  /** Our field is not as we left it: the cache forgot, and others may have written what is lost too. */
  function noticeLoss(payment: Payment, record: ReadonlyMap<string, string>): void {
    const { written, isUncertain, writtenAtMs } = payment
    const ours = record.get(field)
    if (written === undefined || ours === written || (ours !== undefined && isUncertain)) return
    payment.mustRead = true
    const nowMs = clock.monotonicMs()
    // Nobody wrote for that long, so nobody holds anything.
    const isExpired = record.size === 0 && nowMs - writtenAtMs >= SHARED_ADMISSION_TTL_MS - CLOCK_SKEW_MS
    if (!isExpired) payment.restsUntilMs = nowMs + LOSS_PAUSE_MS
  }

  /** Goes on where the last reading ended: credits of one account are paged in the order of their commits. */
  async function read(payment: Payment): Promise<void> {
    const { others, read: amounts } = payment.count
    const seen = [...others.values()].map((other) => ({ other, raw: other.raw, untagged: other.untagged }))
    payment.mustRead = false
    for (;;) {
      const page = await ledger.queryTransfers({
        accountId: payment.accountId,
        side: 'credit',
        order: 'oldestFirst',
        limit: LEDGER_PAGE,
        ...(payment.readTo !== undefined && { after: payment.readTo })
      })
      for (const { userData64, amount, timestamp, flags } of page) {
        payment.readTo = timestamp
        // A fence (books.ts) reserves, and is void.
        if (flags.pending || flags.voidPending) continue
        amounts.set(userData64, (amounts.get(userData64) ?? 0n) + amount)
      }
      if (page.length < LEDGER_PAGE) break
    }
    for (const { other, raw, untagged } of seen) {
      other.untaggedRead = untagged
      if (isStale(other, clock.nowMs())) other.settledRaw = raw
    }
  }

  /** True: what is counted is no less than what all processes have taken. */
  async function isKnown(payment: Payment): Promise<boolean> {
    const { count } = payment
    try {
      if (payment.isNew && payment.hasHistory) {
        await read(payment)
        count.posted = count.read.get(processTag) ?? 0n
      }
      // What others booked and the record does not tell, whether it was lost or never was.
      if (payment.isNew) payment.mustRead = true
      if (!(await exchange(payment))) {
        if (!(await isAlone())) return false
        payment.mustRead = true
      }
      if (clock.monotonicMs() < payment.restsUntilMs) return false
      // A payment within the node may be booked during a reading: it is read once more.
      while (payment.mustRead || needsLedger(count, clock.nowMs())) await read(payment)
      payment.isNew = false
      return true
    } catch (error) {
      payment.mustRead = true
      logger.error(
        { err: error, incomingPaymentId: payment.id },
        'what a payment received over all processes is not known'
      )
      return false
    }
  }

  /** One exchange for all that was asked in the meantime. */
  async function decide(payment: Payment): Promise<void> {
    const { count, waiting: round } = payment
    payment.waiting = []
    payment.mustShare = false
    // By what is known so far so many may fit; the record says so before it is read.
    let claims = 0
    for (const { amount } of round) {
      if (takenOf(count) + count.claiming >= count.receiveMax) break
      count.claiming += amount
      claims += 1
    }
    const known = await isKnown(payment)
    for (const [index, one] of round.entries()) {
      one.exchanges += 1
      const isClaimed = index < claims
      if (isClaimed) count.claiming -= one.amount
      if (known && takenOf(count) < count.receiveMax) {
        if (isClaimed) {
          count.held += one.amount
          busy.add(payment)
          one.resolve('admitted')
          continue
        }
        if (one.exchanges < MAX_EXCHANGES_PER_CLAIM) {
          payment.waiting.push(one)
          continue
        }
      }
      // The record holds what it did not get.
      if (isClaimed) payment.mustShare = true
      one.resolve(known && isFull(payment) ? 'full' : 'later')
    }
  }

  async function run(payment: Payment): Promise<void> {
    if (payment.isRunning) return
    payment.isRunning = true
    // The rest of the turn may ask more: it goes along.
    await Promise.resolve()
    while (payment.waiting.length > 0) await decide(payment)
    // Also when this process stops: what it still books ends after that.
    if (payment.mustShare) {
      payment.mustShare = false
      if (!(await exchange(payment))) busy.add(payment)
    }
    payment.isRunning = false
    if (payment.waiting.length > 0 || payment.mustShare) void run(payment)
    watch()
  }

  /** While something is held, or not shared yet. */
  function watch(): void {
    if (isStopped || busy.size === 0) return
    timer ??= clock.setTimer(SHARE_INTERVAL_MS, () => {
      timer = undefined
      const nowMs = clock.monotonicMs()
      for (const payment of busy) {
        const { count, isDirty, isRunning, writtenAtMs } = payment
        if (isRunning) continue
        // What completes a payment is told by the notification of its end.
        if (count.held === 0n && (!isDirty || isFull(payment))) busy.delete(payment)
        else if (isDirty || nowMs - writtenAtMs >= HOLD_REFRESH_MS) {
          payment.mustShare = true
          void run(payment)
        }
      }
      watch()
    })
  }

  function changed(payment: Payment): void {
    payment.isDirty = true
    busy.add(payment)
    watch()
  }

  return {
    of({ id, accountId, receiveMax, received }) {
      const count = createPaymentCount(processTag, receiveMax)
      const payment = createPayment(id, accountId, count, received > 0n)
      return {
        async claim(amount) {
          if (!payment.isNew && isFull(payment)) return 'full'
          return new Promise((resolve) => {
            payment.waiting.push({ amount, exchanges: 0, resolve })
            void run(payment)
          })
        },
        posted(amount, tag = 'tagged') {
          count.held -= amount
          if (tag === 'tagged') count.posted += amount
          else {
            count.untagged += 1
            payment.mustRead = true
          }
          changed(payment)
        },
        released(amount) {
          count.held -= amount
          payment.mustShare = true
          changed(payment)
          void run(payment)
        },
        get settled() {
          return settledOf(count)
        },
        get isBusy() {
          return payment.isRunning || busy.has(payment)
        }
      }
    },
    stop() {
      isStopped = true
      timer?.cancel()
    }
  }
}

function createPayment(id: string, accountId: bigint, count: PaymentCount, hasHistory: boolean): Payment {
  return {
    id,
    accountId,
    count,
    isNew: true,
    hasHistory,
    readTo: undefined,
    mustRead: false,
    written: undefined,
    isUncertain: false,
    writtenAtMs: 0,
    isDirty: false,
    mustShare: false,
    restsUntilMs: -Infinity,
    waiting: [],
    isRunning: false
  }
}
