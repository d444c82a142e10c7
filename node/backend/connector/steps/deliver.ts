import type { IlpReject, IlpReply, StreamRequest } from '../../../ilp/index.ts'
import type { DeliveryTarget } from '../../incoming-payments/model.ts'
import { createBooking, legsBetween } from '../books.ts'
import type { Booking, BookingRefusal } from '../books.ts'
import { beforeDeadline } from '../context.ts'
import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'
import { recordPostedAfterAnswer } from './orphaned.ts'
import { rejectRefusedBooking } from './reserve.ts'

/**
 * Local delivery (RFC 29, 4): a packet for an account of this node ends here.
 *
 *   opened ──probe, zero amount, below the minimum──▶ answered, no booking
 *      │
 *      ├──not admitted──▶ F02 closed | F99 full
 *      │
 *   admitted ──booked in time──▶ posted ──▶ Fulfill
 *      ├──refused, busy, too late──▶ released ──▶ T04 | T03 | R02
 *      └──outcome unknown──▶ asked again until known ──▶ posted | released
 *                            answered R00 at the packet's expiry, if it is not known by then
 */
export async function deliver(packet: PacketInHand, context: ConnectorContext): Promise<StepAnswer> {
  if (packet.destination?.kind !== 'account') return undefined
  const { target } = packet.destination
  const request = context.streamReceiver.open(
    { ...packet.prepare, amount: packet.outgoingAmount },
    packet.ownAddress
  )
  if ('reject' in request) return request.reject
  if (request.standardReply) return answerWithoutMoney(packet, target, request, request.standardReply)

  const admission = target.admit(request.amount)
  if (admission === 'closed') return rejectClosed(packet, request)
  if (admission === 'full') return request.decline(totalsOf(target))
  return bookAdmitted(packet, target, request, context)
}

/** Probes and zero amounts touch no ledger. A closed account says so to probes, for nothing can be paid. */
function answerWithoutMoney(
  packet: PacketInHand,
  target: DeliveryTarget,
  request: StreamRequest,
  standardReply: IlpReply
): IlpReply {
  if (request.amount === 0n) {
    return standardReply.type === 'fulfill' ? request.accept(totalsOf(target)) : standardReply
  }
  const admission = target.admit(request.amount)
  if (admission === 'admitted') target.released(request.amount)
  return admission === 'closed' ? rejectClosed(packet, request) : standardReply
}

async function bookAdmitted(
  packet: PacketInHand,
  target: DeliveryTarget,
  request: StreamRequest,
  context: ConnectorContext
): Promise<IlpReply> {
  const { amount } = request
  const booking = createBooking(
    legsBetween(
      { accountId: packet.accountId, asset: packet.asset, amount: packet.prepare.amount },
      { accountId: target.accountId, asset: target.asset, amount }
    ),
    context.random.orderedId(),
    { userData128: context.incarnationId, userData64: BigInt(packet.prepare.expiresAtMs), userData32: 0 }
  )
  const booked = book(booking, packet, context).then((outcome) => {
    if (outcome === 'booked') target.posted(amount)
    else target.released(amount)
    return outcome
  })
  packet.unsettled = booked

  const outcome = await beforeDeadline(context.clock, packet.prepare.expiresAtMs, booked)
  if (outcome === 'booked') return request.accept(totalsOf(target))
  if (outcome !== undefined) return outcome
  packet.unsettled = booked.then((late) => {
    if (late === 'booked') recordPostedAfterAnswer(packet, context)
  })
  return rejectPacket(packet, 'R00', 'packet expired.')
}

/** Books, or gives the Reject that says why nothing was booked. Waits until it is known. */
async function book(
  booking: Booking,
  packet: PacketInHand,
  context: ConnectorContext
): Promise<'booked' | IlpReject> {
  const { books, clock, limits } = context
  const startBeforeMs = packet.prepare.expiresAtMs - limits.minDeliveryWindowMs
  const tooLate = () => rejectPacket(packet, 'R02', 'too little time was left to book the packet')

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

function totalsOf(target: DeliveryTarget): { totalReceived: bigint; receiveMax?: bigint } {
  const { received: totalReceived, receiveMax } = target
  return receiveMax === undefined ? { totalReceived } : { totalReceived, receiveMax }
}
