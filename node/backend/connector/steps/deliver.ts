import { maxOf } from '../../../ilp/index.ts'
import type { IlpReject, IlpReply, ReceivedTotals, StreamRequest } from '../../../ilp/index.ts'
import type { DeliveryTarget } from '../../incoming-payments/model.ts'
import { createDelivery, legsBetween } from '../books.ts'
import type { Booking, BookingRefusal } from '../books.ts'
import type { ConnectionTotal } from '../connection-totals.ts'
import { beforeDeadline } from '../context.ts'
import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'
import { recordPostedAfterAnswer } from './orphaned.ts'
import { declinedByWallet } from './partial-payment.ts'
import { rejectRefusedBooking } from './reserve.ts'

/** What must be left of a packet's life for its answer to wait for the connection's total. */
export const TOTAL_MARGIN_MS = 100

const TOO_LATE = 'too little time was left to book the packet'

/**
 * Local delivery (RFC 29, 4): a packet for an account of this node ends here.
 *
 *   opened ──probe, below the minimum──▶ answered, no booking
 *      │  ╲
 *      │   ──zero amount──▶ Fulfill with the connection's total from the ledger: evidence for its payer
 *      │
 *      ├──connection's total not read in time──▶ T00 the ledger failed | R02 it did not answer
 *      ├──not admitted──▶ F02 closed | F99 full | T03 what other processes are booking may be the rest
 *      │
 *   admitted ──carries data, and the wallet declines──▶ released ──▶ F99, the connection closed
 *      │
 *      ├──booked in time──▶ posted ──counted among all processes──▶ Fulfill
 *      ├──refused, busy, too late──▶ released ──▶ T04 | T03 | R02
 *      └──outcome unknown──▶ asked again until known ──▶ posted | released
 *                            answered R00 at the packet's expiry, if it is not known by then
 */
export function deliver(packet: PacketInHand, context: ConnectorContext): StepAnswer | Promise<StepAnswer> {
  if (packet.destination?.kind !== 'account') return undefined
  return deliverTo(packet.destination.target, packet, context)
}

async function deliverTo(
  target: DeliveryTarget,
  packet: PacketInHand,
  context: ConnectorContext
): Promise<StepAnswer> {
  const request = context.streamReceiver.open(
    { ...packet.prepare, amount: packet.outgoingAmount },
    packet.ownAddress
  )
  if ('reject' in request) return request.reject
  if (request.standardReply)
    return answerWithoutMoney(packet, target, request, request.standardReply, context)

  const total = await holdInTime(packet, request.connectionId, context)
  if ('type' in total) return total
  target.learned(total.settled)
  const asked = target.admit(request.amount)
  // No other process has to be heard: nothing is waited for.
  const admission = typeof asked === 'string' ? asked : await asked
  if (admission === 'admitted') return takeAdmitted({ packet, target, request, total }, context)
  if (admission === 'closed') {
    total.release()
    return rejectClosed(packet, request)
  }
  if (admission === 'later') {
    total.release()
    return rejectPacket(packet, 'T03', 'other packets that may complete the payment are being booked')
  }
  const known = await inTime(packet, context, total.current())
  total.release()
  return request.decline(totalsOf(target, known))
}

/** The connection's total, or the Reject where it cannot be had while the packet can still be booked. */
async function holdInTime(
  packet: PacketInHand,
  connectionId: string,
  context: ConnectorContext
): Promise<ConnectionTotal | IlpReject> {
  const { connectionTotals, limits, logger } = context
  const cannotBeRead = (error: unknown) =>
    logger.error({ err: error }, 'what a connection received before cannot be read')
  const held = connectionTotals.hold(connectionId)
  try {
    const startBeforeMs = packet.prepare.expiresAtMs - limits.minDeliveryWindowMs
    const total = await beforeDeadline(context, startBeforeMs, held)
    if (total !== undefined) return total
  } catch (error) {
    cannotBeRead(error)
    return rejectPacket(packet, 'T00', 'the ledger does not answer')
  }
  void held.then((late) => late.release(), cannotBeRead)
  return rejectPacket(packet, 'R02', TOO_LATE)
}

/** A packet that may be booked, and what it is counted on. */
interface Delivery {
  packet: PacketInHand
  target: DeliveryTarget
  request: StreamRequest
  total: ConnectionTotal
}

/**
 * Probes and zero amounts book nothing. A closed account says so to probes, for nothing can be paid; to a zero
 * amount it answers what it got, whatever its state.
 */
async function answerWithoutMoney(
  packet: PacketInHand,
  target: DeliveryTarget,
  request: StreamRequest,
  standardReply: IlpReply,
  { connectionTotals, logger }: ConnectorContext
): Promise<IlpReply> {
  if (request.amount > 0n) {
    return target.isClosed ? rejectClosed(packet, request) : standardReply
  }
  if (standardReply.type !== 'fulfill') return standardReply
  try {
    return request.accept(totalsOf(target, await connectionTotals.fromLedger(request.connectionId)))
  } catch (error) {
    logger.error({ err: error }, 'a payer asked what arrived, and the ledger does not answer')
    return standardReply
  }
}

/** Books what the wallet lets through. */
async function takeAdmitted(delivery: Delivery, context: ConnectorContext): Promise<IlpReply> {
  const { packet, target, request, total } = delivery
  let isTaken = false
  try {
    const declined = await declinedByWallet(packet, target, request, context)
    if (declined) return declined
    isTaken = true
  } finally {
    if (!isTaken) {
      target.released(request.amount)
      total.release()
    }
  }
  return bookAdmitted(delivery, context)
}

/** Books, counts, and gives back what was held, in whatever time that takes. */
async function bookAdmitted(delivery: Delivery, context: ConnectorContext): Promise<IlpReply> {
  const { packet, target, request, total } = delivery
  const { amount } = request
  const booking = createDelivery(
    legsBetween(
      { accountId: packet.accountId, asset: packet.asset, amount: packet.prepare.amount },
      { accountId: target.accountId, asset: target.asset, amount }
    ),
    context.random.orderedId(),
    { userData128: total.tag, userData64: total.processTag, userData32: 0 }
  )
  let counted: Promise<bigint | undefined> = Promise.resolve(undefined)
  const bookAndCount = async () => {
    try {
      const outcome = await book(booking, packet, context)
      if (outcome === 'booked') {
        target.posted(amount)
        counted = total.posted(amount)
      } else target.released(amount)
      return outcome
    } finally {
      total.release()
    }
  }
  const booked = bookAndCount()
  packet.unsettled = booked

  const outcome = await beforeDeadline(context, packet.prepare.expiresAtMs, booked)
  if (outcome === 'booked') {
    packet.unsettled = undefined
    const known = await inTime(packet, context, counted)
    target.learned(total.settled)
    return request.accept(totalsOf(target, known))
  }
  if (outcome !== undefined) return outcome
  packet.unsettled = booked.then((late) => {
    if (late === 'booked') recordPostedAfterAnswer(packet, context)
  })
  return rejectPacket(packet, 'R00', 'packet expired.')
}

/** The total, or undefined where it comes too late for the answer: money that is booked is fulfilled all the same. */
function inTime(
  packet: PacketInHand,
  context: ConnectorContext,
  total: Promise<bigint | undefined>
): Promise<bigint | undefined> {
  return beforeDeadline(context, packet.prepare.expiresAtMs - TOTAL_MARGIN_MS, total)
}

/** Books, or gives the Reject that says why nothing was booked. Waits until it is known. */
async function book(
  booking: Booking,
  packet: PacketInHand,
  context: ConnectorContext
): Promise<'booked' | IlpReject> {
  const { books, clock, limits } = context
  const startBeforeMs = packet.prepare.expiresAtMs - limits.minDeliveryWindowMs
  const tooLate = () => rejectPacket(packet, 'R02', TOO_LATE)

  let outcome = await books.book(booking, startBeforeMs)
  if (outcome.kind === 'busy') return rejectPacket(packet, 'T03', 'the ledger is busy')
  if (outcome.kind === 'tooLate') return tooLate()
  // From here on the first attempt may have been booked: only the ledger's word ends the doubt.
  while (outcome.kind !== 'done' && outcome.kind !== 'refused') {
    if (outcome.kind === 'tooLate' || clock.nowMs() >= startBeforeMs) {
      return (await books.fenceUntilKnown(booking)) ? 'booked' : tooLate()
    }
    await clock.sleep(limits.ledgerRetryMs, context.stopped)
    outcome = await books.book(booking, startBeforeMs)
  }
  return outcome.kind === 'done'
    ? 'booked'
    : rejectRefusedBooking(packet, outcome as BookingRefusal, booking, context)
}

function rejectClosed(packet: PacketInHand, request: StreamRequest): IlpReject {
  // The code is the contract's; the data tells the sender authentically that the receiver closed.
  const { data } = request.finalDecline()
  return rejectPacket(packet, 'F02', 'destination account is in an incorrect state', data)
}

/**
 * Totals are the connection's, and what is left is the account's: the limit told is the total and what the account
 * still takes, whoever else pays it.
 */
function totalsOf(target: DeliveryTarget, totalReceived: bigint | undefined): ReceivedTotals | undefined {
  if (totalReceived === undefined) return undefined
  const { received, receiveMax } = target
  if (receiveMax === undefined) return { totalReceived }
  const left = maxOf(0n, receiveMax - maxOf(received, totalReceived))
  return { totalReceived, receiveMax: totalReceived + left }
}
