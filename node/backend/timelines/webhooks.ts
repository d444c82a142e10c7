import type { WebhookDelivery, WebhookEvent } from '../webhooks/model.ts'
import type { TimelineEntry } from './model.ts'

/** The entry of an event: when it was written, and what became of it since. */
export function webhookEntry(event: WebhookEvent, deliveries: readonly WebhookDelivery[]): TimelineEntry {
  const detail = deliveries.map((delivery) => describe(delivery, deliveries.length > 1)).join(' ')
  return {
    at: event.createdAt,
    kind: 'WEBHOOK',
    title: event.type,
    id: event.id,
    ...(detail !== '' && { detail })
  }
}

/** Without what went wrong at a receiver: that names the URLs of those who run it. */
function describe(
  { receiver, state, attempts, statusCode }: WebhookDelivery,
  isOneOfSeveral: boolean
): string {
  const to = isOneOfSeveral ? `To ${receiver}: ` : ''
  const tried = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  const answer = statusCode === undefined ? 'no answer' : `status ${statusCode}`
  switch (state) {
    case 'DELIVERED':
      return `${to}delivered by ${tried}.`
    case 'FAILED':
      return `${to}given up after ${tried}, the last one with ${answer}.`
    case 'PENDING':
      return attempts === 0
        ? `${to}not sent yet.`
        : `${to}tried again after ${tried}, the last one with ${answer}.`
  }
}
