import type { IlpReject, OutgoingReply } from '../../../ilp/index.ts'
import { createBooking, legsBetween } from '../books.ts'
import type { Booking, BookingOutcome, BookingRefusal, BookingTags } from '../books.ts'
import { uuidToId } from '../../../runtime/index.ts'
import type { Peer } from '../../peers/model.ts'
import type { ConnectorContext } from '../context.ts'
import { rejectPacket, shedPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'

/**
 * Reserves all legs of a packet before it is sent, as one chain. What becomes of it:
 *
 *   RESERVING ──known before the outgoing expiry──▶ RESERVED
 *      ├──refused, busy──▶ T04 | T03
 *      ├──outcome unknown──▶ T00; asked again until known, then VOIDED
 *      └──not known by the outgoing expiry──▶ R00, and never sent; when it is known, VOIDED
 *
 *   RESERVED ──valid Fulfill in time──▶ POSTING (steps/post.ts) ──▶ POSTED
 *      │  ╲
 *      │   ──any other answer, expiry, not sent──▶ VOIDED
 *      └──answer lost──▶ peer's packet: kept until the outgoing expiry, then VOIDED
 *                        own packet:    kept; the payment's evidence decides
 */
export function reserve(packet: PacketInHand, context: ConnectorContext): StepAnswer | Promise<StepAnswer> {
  if (packet.isFreeOfMoney || packet.destination?.kind !== 'peer') return undefined
  return reserveTo(packet.destination.peer, packet, context)
}

function reserveTo(peer: Peer, packet: PacketInHand, context: ConnectorContext): Promise<StepAnswer> {
  const { books, clock, deadlines } = context
  const { outgoingExpiresAtMs } = packet
  const booking = createBooking(
    legsBetween(
      { accountId: packet.accountId, asset: packet.asset, amount: packet.prepare.amount },
      { accountId: context.accountIdOf(peer), asset: peer.asset, amount: packet.outgoingAmount }
    ),
    context.random.orderedId(),
    tagsOf(packet, context),
    timeoutOf(packet, context)
  )
  const reserved = books.reserve(booking, outgoingExpiresAtMs)
  return new Promise((answer, fail) => {
    let isExpired = false
    const expire = () => {
      isExpired = true
      packet.unsettled = reserved.then((outcome) => undo(booking, outcome, context))
      answer(rejectPacket(packet, 'R00', 'packet expired.'))
    }
    const expiry = deadlines.at(outgoingExpiresAtMs, expire)
    reserved.then((outcome) => {
      if (isExpired) return
      expiry.cancel()
      try {
        // The deadline may be called late, the clock is not.
        if (clock.nowMs() >= outgoingExpiresAtMs) expire()
        else answer(answerFor(packet, outcome, booking, context))
      } catch (error) {
        fail(error as Error)
      }
    }, fail)
  })
}

/** The outcome is known before the outgoing expiry, or known to be unknown. */
function answerFor(
  packet: PacketInHand,
  outcome: BookingOutcome,
  booking: Booking,
  context: ConnectorContext
): StepAnswer {
  switch (outcome.kind) {
    case 'done':
      packet.reservation = booking
      return undefined
    case 'busy':
    case 'tooLate':
      return shedPacket(packet, 'T03', 'the ledger is busy')
    case 'refused':
      return rejectRefusedBooking(packet, outcome, booking, context)
    case 'unknown':
      packet.unsettled = undo(booking, outcome, context)
      return rejectPacket(packet, 'T00', 'the ledger does not answer')
  }
}

/** Nothing was sent, so whatever the ledger did or will have done is undone, in whatever time that takes. */
async function undo(booking: Booking, { kind }: BookingOutcome, { books }: ConnectorContext): Promise<void> {
  const isReserved = kind === 'unknown' ? await books.reserveUntilKnown(booking) : kind === 'done'
  if (isReserved) await books.voidUntilKnown(booking)
}

/** Ends a reservation that was not posted. */
export function release(
  packet: PacketInHand,
  context: ConnectorContext,
  answer: OutgoingReply
): void | Promise<void> {
  const { reservation } = packet
  if (reservation === undefined || answer.type === 'inDoubt') return
  if (answer.type === 'fulfill' || packet.unsettled !== undefined) return
  return voidWhenOver(packet, reservation, context)
}

async function voidWhenOver(
  packet: PacketInHand,
  reservation: Booking,
  context: ConnectorContext
): Promise<void> {
  const { exchange, source } = packet
  if (exchange?.kind === 'lost' && source.kind === 'peer') {
    const remainingMs = packet.outgoingExpiresAtMs - context.clock.nowMs()
    if (remainingMs > 0) await context.clock.sleep(remainingMs, context.stopped)
  }
  await context.books.voidUntilKnown(reservation)
}

function tagsOf(packet: PacketInHand, { incarnationId }: ConnectorContext): BookingTags {
  const { source } = packet
  if (source.kind === 'peer') {
    return {
      userData128: incarnationId,
      userData64: BigInt(packet.outgoingExpiresAtMs),
      userData32: 0
    }
  }
  const account = source.sender.account!
  return {
    userData128: uuidToId(account.paymentId),
    userData64: source.packet.minimumDelivered,
    userData32: account.epoch
  }
}

/** Packets that we originate are not ended by time: only evidence says what became of them. */
function timeoutOf(packet: PacketInHand, { clock, limits }: ConnectorContext): number {
  if (packet.source.kind === 'local') return 0
  const lifetimeS = Math.ceil((packet.outgoingExpiresAtMs - clock.nowMs()) / 1000)
  return Math.max(limits.minReservationTimeoutS, lifetimeS + limits.reservationMarginS)
}

/**
 * What the ledger's refusal means to the upstream. `exceeds_credits` is a balance that does not suffice: on
 * the first leg the sender's, on the second the liquidity of the destination's asset.
 */
export function rejectRefusedBooking(
  packet: PacketInHand,
  { result, refusedLeg }: BookingRefusal,
  booking: Booking,
  { logger }: ConnectorContext
): IlpReject {
  // A repeat whose first attempt was refused, unseen: the refusals that spend an id are those of balances.
  if (result === 'exceeds_credits' || result === 'exceeds_debits' || result === 'id_already_failed') {
    return shedPacket(packet, 'T04', refusedLeg === 0 ? 'insufficient balance' : 'insufficient liquidity')
  }
  logger.error(
    {
      event: 'booking_refused',
      result,
      refusedLeg,
      transferId: booking.ids.reserve[refusedLeg]?.toString(16)
    },
    'the ledger refused a packet for another reason than a balance'
  )
  return rejectPacket(packet, 'T00', 'unexpected internal error')
}
