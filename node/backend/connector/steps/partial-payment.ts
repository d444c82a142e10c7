import type { IlpReject, StreamRequest } from '../../../ilp/index.ts'
import type { DeliveryTarget } from '../../incoming-payments/model.ts'
import type { ConnectorContext } from '../context.ts'
import type { PacketInHand } from '../packet.ts'

/**
 * The wallet's decline of a packet with data for an incoming payment, where the operator lets wallets decide.
 * Undefined: the packet is taken. The connection is closed for good, with the reason as data of stream 1
 * (RFC 29, 4.4.3 ConnectionClose).
 */
export async function declinedByWallet(
  packet: PacketInHand,
  target: DeliveryTarget,
  request: StreamRequest,
  { partialPayments }: ConnectorContext
): Promise<IlpReject | undefined> {
  const { applicationData } = request
  if (!partialPayments || target.kind !== 'incomingPayment' || !applicationData?.length) return undefined
  const decision = await partialPayments.decide({
    incomingPaymentId: target.id,
    dataFromSender: applicationData,
    expiresAtMs: packet.prepare.expiresAtMs
  })
  return decision.kind === 'declined' ? request.finalDecline(decision.reason) : undefined
}
