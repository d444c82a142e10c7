import type { SubmissionResult } from '../../../ledger/index.ts'
import { ConnectorStoppedError } from '../books.ts'
import { beforeDeadline } from '../context.ts'
import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'
import { recordOrphan, recordPostedAfterAnswer } from './orphaned.ts'

/**
 * A valid Fulfill that came in time is posted, however long the ledger takes.
 *
 *   POSTING ──known before the incoming expiry──▶ Fulfill
 *      ├──known later──▶ R00 was answered at the incoming expiry; listed as orphan of the upstream link
 *      └──refused──▶ T00; listed as orphan of the downstream link
 *
 * A sender within this node has no expiry to keep: it waits until the outcome is known.
 */
export async function post(packet: PacketInHand, context: ConnectorContext): Promise<StepAnswer> {
  const { exchange, reservation, source } = packet
  if (exchange?.kind !== 'reply' || exchange.reply.type !== 'fulfill') {
    return rejectPacket(packet, 'T00', 'unexpected internal error')
  }
  const fulfill = exchange.reply
  if (reservation === undefined) return fulfill

  const delivered = source.kind === 'local' ? readDelivered(packet, fulfill.data, context) : undefined
  const { expiresAtMs } = packet.prepare
  const posted = context.books.postUntilKnown(reservation, delivered).then(
    (result) => {
      if (result !== true) recordRefusedPost(packet, context, result)
      return result
    },
    (error: unknown) => {
      if (error instanceof ConnectorStoppedError) recordOrphan(packet, context, 'post_abandoned', false)
      throw error
    }
  )
  packet.unsettled = posted

  const result = source.kind === 'local' ? await posted : await beforeDeadline(context, expiresAtMs, posted)
  if (result === true) {
    packet.unsettled = undefined
    return fulfill
  }
  if (result !== undefined) return rejectPacket(packet, 'T00', 'the ledger refused to post')
  packet.unsettled = posted.then((late) => {
    if (late === true) recordPostedAfterAnswer(packet, context)
  })
  return rejectPacket(packet, 'R00', 'packet expired.')
}

/** Never less than the minimum that the receiver had to accept to fulfill. */
function readDelivered(packet: PacketInHand, data: Buffer, { logger }: ConnectorContext): bigint {
  const { packet: outgoing } = packet.source as Extract<PacketInHand['source'], { kind: 'local' }>
  try {
    return outgoing.readDelivered(data)
  } catch (error) {
    logger.error({ err: error }, 'the answer to an own packet could not be read; its minimum is booked')
    return outgoing.minimumDelivered
  }
}

function recordRefusedPost(packet: PacketInHand, context: ConnectorContext, result: SubmissionResult): void {
  context.logger.error(
    { event: 'post_refused', result, transferId: packet.reservation!.ids.reserve[0].toString(16) },
    'the ledger refused to post a packet that the next hop fulfilled'
  )
  recordOrphan(packet, context, 'post_refused', true)
}
