import { createHmac } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { WebhookEvent } from './webhooks.ts'

/** The `Rafiki-Signature` of an event, as a node makes it. For tests only. */
export function signWebhook(secret: string, event: WebhookEvent, timestampMs: number): string {
  const digest = createHmac('sha256', secret)
    .update(`${timestampMs}.${canonicalize(event)}`)
    .digest('hex')
  return `t=${timestampMs}, v1=${digest}`
}
