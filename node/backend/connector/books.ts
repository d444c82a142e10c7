import { AMOUNT_ALL, LedgerBusyError, TransferCode, chainFailure, chainIsDone } from '../../ledger/index.ts'
import type { LedgerWriter, NewTransfer, SubmissionResult } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import type { Clock, Logger } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { ConnectorLimits } from './limits.ts'
import { packetTransferIds } from './transfer-ids.ts'
import type { PacketTransferIds } from './transfer-ids.ts'

/** One movement within one ledger. */
export interface Leg {
  debitAccountId: bigint
  creditAccountId: bigint
  amount: bigint
  ledger: number
}

/** What one leg carries for whoever finds it later (docs/architecture.md, Ledger). */
export interface BookingTags {
  userData128: bigint
  userData64: bigint
  userData32: number
}

/** The movement of one packet's money, as one chain. */
export interface Booking {
  legs: readonly Leg[]
  ids: PacketTransferIds
  tags: BookingTags
  /** Of a booking at once: the index of the leg that carries the tags. Of a reservation it is always the first. */
  taggedLeg: number
  /** Of a reservation; 0: never. */
  timeoutS: number
}

/** `refusedLeg` is the index of the leg that failed. */
export interface BookingRefusal {
  kind: 'refused'
  result: SubmissionResult
  refusedLeg: number
}

/** `tooLate`: nothing was booked. `busy`: nothing was booked. `unknown`: perhaps. */
export type BookingOutcome = { kind: 'done' | 'busy' | 'tooLate' | 'unknown' } | BookingRefusal

/**
 * `gone`: nothing of it is reserved or posted. `posted`: by someone else, and stays so. `refused`: it is reserved until
 * its timeout, or until evidence decides it.
 */
export type VoidOutcome = 'gone' | 'posted' | 'refused'

interface End {
  accountId: bigint
  asset: Asset
  amount: bigint
}

/**
 * The legs from one account to another: one within an asset; between assets one to the source asset's
 * liquidity and one from that of the destination's asset.
 */
export function legsBetween(source: End, destination: End): Leg[] {
  if (source.asset.id === destination.asset.id) {
    return [
      {
        debitAccountId: source.accountId,
        creditAccountId: destination.accountId,
        amount: source.amount,
        ledger: source.asset.ledger
      }
    ]
  }
  return [
    {
      debitAccountId: source.accountId,
      creditAccountId: uuidToId(source.asset.id),
      amount: source.amount,
      ledger: source.asset.ledger
    },
    {
      debitAccountId: uuidToId(destination.asset.id),
      creditAccountId: destination.accountId,
      amount: destination.amount,
      ledger: destination.asset.ledger
    }
  ]
}

export function createBooking(
  legs: readonly Leg[],
  firstLegId: bigint,
  tags: BookingTags,
  timeoutS = 0
): Booking {
  return { legs, ids: packetTransferIds(firstLegId), tags, taggedLeg: 0, timeoutS }
}

/** A booking at once whose tags stand on the credit of the destination, in its asset's units. */
export function createDelivery(legs: readonly Leg[], firstLegId: bigint, tags: BookingTags): Booking {
  return { ...createBooking(legs, firstLegId, tags), taggedLeg: legs.length - 1 }
}

/** Raised by what waits for the ledger when the connector stops. */
export class ConnectorStoppedError extends Error {
  override name = 'ConnectorStoppedError'
}

/**
 * Books packets. Where an outcome stays unknown, the identical transfers are submitted again until it is
 * known: an id makes the repeat harmless.
 */
export interface Books {
  /** Two-phase: reserves all legs, starting before `startBeforeMs` or not at all. */
  reserve(booking: Booking, startBeforeMs: number): Promise<BookingOutcome>
  /** Repeats a reservation whose outcome is unknown until it is; true: it stands. */
  reserveUntilKnown(booking: Booking): Promise<boolean>
  /**
   * Posts all legs of a reservation. `userData64` goes on the first post, where given. True: posted, now or
   * before. Otherwise the ledger's reason, which no repeat can change.
   */
  postUntilKnown(booking: Booking, userData64?: bigint): Promise<true | SubmissionResult>
  /** Voids all legs of a reservation, and says in the log where that could not be. */
  voidUntilKnown(booking: Booking): Promise<VoidOutcome>
  /** Single-phase, starting before `startBeforeMs` or not at all. Unknown: see `fenceUntilKnown`. */
  book(booking: Booking, startBeforeMs: number): Promise<BookingOutcome>
  /**
   * Ends the doubt about a single-phase booking that may no longer happen: takes its first id for a void
   * reservation. True: it was booked before. A plain repeat would book now what the upstream no longer pays.
   */
  fenceUntilKnown(booking: Booking): Promise<boolean>
}

export function createBooks(dependencies: {
  writer: LedgerWriter
  clock: Clock
  logger: Logger
  limits: Pick<ConnectorLimits, 'ledgerRetryMs' | 'maxLedgerRetryMs'>
  /** Ends waiting: everything that waits rejects with ConnectorStoppedError. */
  stopped: AbortSignal
}): Books {
  const { writer, clock, logger, limits, stopped } = dependencies

  function submitOnce(
    transfers: readonly NewTransfer[],
    options?: { startBeforeMs?: number }
  ): Promise<BookingOutcome> {
    return writer.submit(transfers, options).then(outcomeOf, outcomeOfError)
  }

  function outcomeOfError(error: unknown): BookingOutcome {
    if (error instanceof LedgerBusyError) return { kind: 'busy' }
    logger.warn({ err: error, event: 'ledger_outcome_unknown' }, 'the outcome of a booking is unknown')
    return { kind: 'unknown' }
  }

  function outcomeOf(results: readonly SubmissionResult[]): BookingOutcome {
    if (chainIsDone(results)) return { kind: 'done' }
    const result = chainFailure(results) ?? 'linked_event_failed'
    if (result === 'not_started_in_time') return { kind: 'tooLate' }
    return { kind: 'refused', result, refusedLeg: results.indexOf(result) }
  }

  async function submitUntilKnown(transfers: readonly NewTransfer[]): Promise<true | BookingRefusal> {
    for (let delayMs = limits.ledgerRetryMs; ; delayMs = Math.min(delayMs * 2, limits.maxLedgerRetryMs)) {
      const outcome = await submitOnce(transfers)
      if (outcome.kind === 'done') return true
      if (outcome.kind === 'refused') return outcome
      if (stopped.aborted) throw new ConnectorStoppedError('the connector stopped')
      await clock.sleep(delayMs, stopped)
    }
  }

  return {
    reserve: (booking, startBeforeMs) => submitOnce(firstPhase(booking, true), { startBeforeMs }),

    reserveUntilKnown: async (booking) => (await submitUntilKnown(firstPhase(booking, true))) === true,

    async postUntilKnown(booking, userData64) {
      const outcome = await submitUntilKnown(secondPhase(booking, 'post', userData64))
      if (outcome === true) return true
      switch (outcome.result) {
        case 'pending_transfer_already_posted':
        // This very post, with another delivered amount: who took the payment over settled it by evidence.
        case 'exists_with_different_fields':
          return true
        default:
          return outcome.result
      }
    },

    async voidUntilKnown(booking) {
      const outcome = await submitUntilKnown(secondPhase(booking, 'void'))
      if (outcome === true) return 'gone'
      const transferId = booking.ids.reserve[0].toString(16)
      switch (outcome.result) {
        case 'pending_transfer_already_voided':
        case 'pending_transfer_expired':
        case 'pending_transfer_not_found':
          return 'gone'
        case 'pending_transfer_already_posted':
          // A payment's next holder may have found evidence that it arrived, a process that counted as dead may live.
          logger.warn(
            { event: 'void_met_post', transferId },
            'a reservation that was to be voided is posted; its amount stays booked'
          )
          return 'posted'
        default:
          logger.error(
            { event: 'void_refused', result: outcome.result, transferId },
            'the ledger refused to void a reservation; it stays until its timeout'
          )
          return 'refused'
      }
    },

    book: (booking, startBeforeMs) => submitOnce(firstPhase(booking, false), { startBeforeMs }),

    async fenceUntilKnown(booking) {
      const [first] = firstPhase(booking, true)
      const fence: NewTransfer = { ...first!, timeoutS: 1, flags: { pending: true } }
      const outcome = await submitUntilKnown([fence])
      if (outcome === true) {
        await submitUntilKnown(secondPhase({ ...booking, legs: booking.legs.slice(0, 1) }, 'void'))
        return false
      }
      return outcome.result === 'exists_with_different_fields'
    }
  }
}

/** The legs as transfers: pending, or posted at once. Written out field by field: it is done for every packet. */
function firstPhase({ legs, ids, tags, taggedLeg, timeoutS }: Booking, isPending: boolean): NewTransfer[] {
  const { reserve } = ids
  const last = legs.length - 1
  return legs.map(({ debitAccountId, creditAccountId, amount, ledger }, index) => ({
    id: reserve[index]!,
    debitAccountId,
    creditAccountId,
    amount,
    ledger,
    code: TransferCode.TRANSFER,
    flags: { pending: isPending, linked: index < last },
    timeoutS: isPending ? timeoutS : 0,
    userData128: index === taggedLeg ? tags.userData128 : 0n,
    userData64: index === taggedLeg ? tags.userData64 : 0n,
    userData32: index === taggedLeg ? tags.userData32 : 0
  }))
}

/** What posts or voids the legs. Zero fields take over those of the reservation. */
function secondPhase({ legs, ids, tags }: Booking, end: 'post' | 'void', userData64?: bigint): NewTransfer[] {
  const { reserve } = ids
  const own = ids[end]
  const isPost = end === 'post'
  const last = legs.length - 1
  return legs.map(({ debitAccountId, creditAccountId, ledger }, index) => ({
    id: own[index]!,
    debitAccountId,
    creditAccountId,
    amount: isPost ? AMOUNT_ALL : 0n,
    ledger,
    code: TransferCode.TRANSFER,
    flags: { postPending: isPost, voidPending: !isPost, linked: index < last },
    pendingId: reserve[index]!,
    userData128: index === 0 ? tags.userData128 : 0n,
    userData64: index === 0 ? (userData64 ?? tags.userData64) : 0n,
    userData32: index === 0 ? tags.userData32 : 0
  }))
}
