import { askTotalReceived, ceilTimes, maxOf } from '../../ilp/index.ts'
import type { StreamCredentials } from '../../ilp/index.ts'
import { idToUuid } from '../../runtime/index.ts'
import type { Clock, Database, Logger, Random } from '../../runtime/index.ts'
import type { Connector } from '../connector/model.ts'
import { isFailure } from '../model.ts'
import type { Quote } from '../quotes/model.ts'
import { RemoteUnavailableError } from '../receivers/index.ts'
import type { Receiver, Receivers } from '../receivers/model.ts'
import { epochAccountId } from './accounts.ts'
import { inquirySequenceOf } from './attempts.ts'
import type { Attempts } from './attempts.ts'
import { decideInDoubt, weighArrivals } from './evidence.ts'
import type { ArrivalEvidence } from './evidence.ts'
import { CLOCK_SKEW_MS } from './lease.ts'
import type { Lease } from './lease.ts'
import type { EpochBooks, PaymentLedger } from './payment-ledger.ts'
import { othersPaidReceiver } from './store.ts'

/** The life of a payment's packets at first: what is in doubt can be settled so soon. */
export const PACKET_LIFETIME_MS = 10_000
/** The longest, where a path needs more: a connector holds no packet for longer. */
export const MAX_PACKET_LIFETIME_MS = 30_000
/** The receiver's baseline was read so long before its attempt was written, at most. */
export const BASELINE_AGE_MS = 60_000
/** How long a receiver may take to answer about an old connection. */
export const INQUIRY_LIFETIME_MS = 5_000
/** Deployed receivers forget a connection's total after 600 s without packets. Ours never does. */
export const RECEIVER_MEMORY_MS = 540_000
/** Of a connection that nothing was sent on. */
const FIRST_SEQUENCE = 1

/** What is booked of a payment, with nothing in doubt. */
export interface SettledTotals {
  /** Source units. */
  sent: bigint
  /** Destination units. */
  delivered: bigint
}

export interface Settlement {
  /**
   * Ends the doubts that former epochs left. Either all is settled, or packets may still be fulfilled and it
   * has to be looked at again later.
   */
  settle(lease: Lease, quote: Quote): Promise<SettledTotals | { waitUntilMs: number }>
  /** When what the lease's own epoch left in doubt can be settled; undefined where nothing is. */
  inDoubtUntilMs(lease: Lease): Promise<number | undefined>
}

export interface SettlementDependencies {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  connector: Pick<Connector, 'senderFor'>
  receivers: Pick<Receivers, 'get'>
  attempts: Attempts
  ledger: PaymentLedger
}

/**
 * The takeover of a payment. Packets that a former epoch reserved and that have no outcome (its process died,
 * or their answers were lost) may have been paid by the peer: neither voiding them and sending again, nor
 * posting them, is right without evidence.
 *
 *   move free money up ──▶ nothing reserved ──▶ settled
 *          ▲                    │
 *          │                    ▼ something is
 *          │               wait until no such packet can be fulfilled ──▶ ask what arrived ──▶ post or void
 *          └────────────────────────────────────────────────────────────────────────────────────┘
 */
export function createSettlement(dependencies: SettlementDependencies): Settlement {
  const { database, clock, random, logger, connector, receivers, attempts, ledger } = dependencies

  async function settle(lease: Lease, quote: Quote): Promise<SettledTotals | { waitUntilMs: number }> {
    if (lease.epoch === 1) return { sent: 0n, delivered: 0n }
    const seenMs = clock.nowMs()
    for (;;) {
      await ledger.sweepFormerEpochs(quote, lease.epoch, lease.signal)
      const books = await ledger.epochBooks(quote.id, lease.epoch - 1)
      const reservations = books.flatMap((epoch) => epoch.inDoubt)
      if (reservations.length === 0) {
        return {
          sent: books.reduce((sum, epoch) => sum + epoch.sent, 0n),
          delivered: books.reduce((sum, epoch) => sum + epoch.delivered, 0n)
        }
      }
      const { settleAtMs, isMeasured } = await settleTime(quote.id, books, seenMs)
      const waitMs = settleAtMs - clock.nowMs()
      if (waitMs <= 0) await decide(lease, quote, books)
      else if (isMeasured) return { waitUntilMs: settleAtMs }
      // Counted from this look: a later one would count anew.
      else await clock.sleep(waitMs, lease.signal)
    }
  }

  /** `isMeasured`: every reservation tells when it was made; else it counts as made at `seenMs`. */
  async function settleTime(paymentId: string, books: readonly EpochBooks[], seenMs: number) {
    const known = await attempts.ofPayment(database.knex, paymentId)
    const times = books.flatMap(({ epoch, inDoubt }) => {
      const attempt = known.find((one) => one.epoch === epoch)
      // From a reservation until its packet can be fulfilled by nobody any more.
      const waitMs = (attempt?.packetLifetimeMs ?? MAX_PACKET_LIFETIME_MS) + CLOCK_SKEW_MS
      return inDoubt.map(({ id }) => ({ madeMs: reservedAtMs(id, clock.nowMs()), waitMs }))
    })
    return {
      settleAtMs: times.reduce((latest, { madeMs = seenMs, waitMs }) => Math.max(latest, madeMs + waitMs), 0),
      isMeasured: times.every(({ madeMs }) => madeMs !== undefined)
    }
  }

  async function decide(lease: Lease, quote: Quote, books: readonly EpochBooks[]): Promise<void> {
    const reservations = books.flatMap((epoch) => epoch.inDoubt)
    const evidence = await gather(lease, quote, books)
    const packets = reservations.map(({ amount, userData64 }) => ({ amount, minimum: userData64 }))
    const decision = decideInDoubt(packets, evidence, quote.ilp?.highRate)
    for (const [index, reservation] of reservations.entries()) {
      const delivered = decision.outcomes[index]?.delivered
      const agreed = await ledger.settle(reservation, delivered, lease.signal)
      const fields = {
        outgoingPaymentId: quote.id,
        transferId: idToUuid(reservation.id),
        amount: reservation.amount.toString(),
        minimum: reservation.userData64.toString(),
        ...(delivered !== undefined && { delivered: delivered.toString() })
      }
      if (!agreed) {
        logger.warn(fields, 'a packet in doubt was ended by its own process first')
      } else if (delivered !== undefined) {
        logger.info({ event: 'in_doubt_posted', ...fields }, 'a packet in doubt had arrived')
      } else if (decision.riskCount > 0) {
        logger.warn(
          { event: 'in_doubt', ...fields },
          'a packet may have been paid, and is not debited: reconcile it with the peer'
        )
      }
    }
    if (decision.unexplained > 0n) {
      logger.warn(
        { outgoingPaymentId: quote.id, arrived: decision.unexplained.toString() },
        'more arrived at the receiver than this payment can be shown to have sent'
      )
    }
  }

  /**
   * Asks the receiver's side what arrived beyond what is booked: first how much the incoming payment has, then how
   * much came on each connection with packets in doubt, and on a fresh one (a reading brings credentials of its own).
   */
  async function gather(lease: Lease, quote: Quote, books: readonly EpochBooks[]): Promise<ArrivalEvidence> {
    const known = await attempts.ofPayment(database.knex, quote.id)
    const asked = books.filter((epoch) => epoch.inDoubt.length > 0)
    const inDoubt = asked.flatMap((epoch) => epoch.inDoubt)
    const earliest = known.find((attempt) => attempt.epoch === asked[0]?.epoch)
    const receiver = await readReceiver(lease, quote)
    const ask = (credentials: StreamCredentials | undefined, sequence: number) =>
      credentials && totalOnConnection(lease, quote, credentials, sequence)
    const [freshTotal, ...connections] = await Promise.all([
      ask(receiver?.credentials, FIRST_SEQUENCE),
      ...asked.map(async ({ epoch, delivered }) => {
        const attempt = known.find((one) => one.epoch === epoch)
        const total = attempt && (await ask(attempt.credentials, inquirySequenceOf(attempt)))
        return { total, booked: delivered }
      })
    ])
    const since = new Date((earliest?.createdAt ?? quote.createdAt).getTime() - BASELINE_AGE_MS)
    const highRate = quote.ilp?.highRate
    const nowMs = clock.nowMs()
    return weighArrivals({
      baseline: earliest?.receivedAmountBaseline,
      receivedNow: receiver?.receivedAmount.value,
      bookedSince: books
        .filter(({ epoch }) => earliest !== undefined && epoch >= earliest.epoch)
        .reduce((sum, { delivered }) => sum + delivered, 0n),
      connections,
      freshTotal,
      mayHaveForgotten: inDoubt.some(({ id }) => nowMs - (reservedAtMs(id, nowMs) ?? 0) > RECEIVER_MEMORY_MS),
      possible:
        highRate &&
        inDoubt.reduce(
          (sum, { amount, userData64 }) => sum + maxOf(userData64, ceilTimes(amount, highRate)),
          0n
        ),
      othersPay:
        known[0]?.receivedAmountBaseline !== 0n ||
        (await othersPaidReceiver(database.knex, lease.payment, since))
    })
  }

  /**
   * @throws RemoteUnavailableError: then it is asked again later. A payment that has failed in the end is not
   * kept waiting for it.
   */
  async function readReceiver(lease: Lease, quote: Quote): Promise<Receiver | undefined> {
    try {
      const receiver = await receivers.get(quote.tenantId, quote.receiver)
      if (!isFailure(receiver)) return receiver
      logger.warn(
        { outgoingPaymentId: quote.id, failure: receiver.failure },
        'the receiver cannot be read: what arrived is unknown'
      )
    } catch (error) {
      if (!(error instanceof RemoteUnavailableError) || lease.payment.error === null) throw error
      logger.warn({ err: error, outgoingPaymentId: quote.id }, 'the receiver does not answer')
    }
    return undefined
  }

  /** Asked with a zero-amount packet, as this payment: it moves nothing. */
  function totalOnConnection(
    lease: Lease,
    quote: Quote,
    credentials: StreamCredentials,
    sequence: number
  ): Promise<bigint | undefined> {
    const sendPacket = connector.senderFor({
      tenantId: quote.tenantId,
      asset: quote.asset,
      account: { id: epochAccountId(quote.id, lease.epoch), paymentId: quote.id, epoch: lease.epoch }
    })
    return askTotalReceived({
      credentials,
      sendPacket,
      clock,
      random,
      sequence,
      lifetimeMs: INQUIRY_LIFETIME_MS
    })
  }

  return {
    settle,
    async inDoubtUntilMs(lease) {
      const books = await ledger.epochBooks(lease.payment.id, lease.epoch)
      if (books.every((epoch) => epoch.inDoubt.length === 0)) return undefined
      return (await settleTime(lease.payment.id, books, clock.nowMs())).settleAtMs
    }
  }
}

/**
 * When a reservation was made: its id is a UUIDv7 (RFC 9562, 5.7), which begins with milliseconds. Undefined for
 * an id that is none, or of a clock that is ahead by more than clocks may be.
 */
export function reservedAtMs(transferId: bigint, nowMs: number): number | undefined {
  const version = (transferId >> 76n) & 0xfn
  const madeMs = Number(transferId >> 80n)
  return version === 7n && madeMs <= nowMs + CLOCK_SKEW_MS ? madeMs : undefined
}
