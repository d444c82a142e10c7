import type { TransmitData } from '../secrets.ts'
import type { WebhookEventType } from '../webhooks/model.ts'

/** What a wallet is sent of an event: a sender's data, which lies encrypted in the event's row, is opened. */
export function revealEventData(transmitData: TransmitData) {
  return (type: WebhookEventType, data: Record<string, unknown>): Record<string, unknown> =>
    type === 'incoming_payment.partial_payment_received'
      ? { ...data, dataFromSender: transmitData.read(String(data.dataFromSender)) }
      : data
}
