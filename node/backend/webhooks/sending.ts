import { HttpClientError } from '../../runtime/index.ts'
import type { Clock, HttpClient } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import type { RunningTenantDirectory } from '../tenants/directory.ts'
import { CARD_SERVICE, POINT_OF_SALE } from './model.ts'
import type { WebhookEventType } from './model.ts'
import { canonicalJson, signWebhook } from './signature.ts'
import type { ClaimedDelivery } from './store.ts'

/** A receiver's timeout that is set longer counts as this. */
export const MAX_WEBHOOK_TIMEOUT_MS = 60_000
/** An answer's body is of no interest. */
const MAX_ANSWER_BYTES = 65_536
/** A request ends so long before its lease: for skew of clocks, and to write down the outcome. */
const WRITING_MARGIN_MS = 5_000

export interface WebhookSendingDependencies {
  clock: Clock
  /** By whether the receiver's URL is one that a tenant chose. */
  httpClients: { plain: Pick<HttpClient, 'request'>; guarded: Pick<HttpClient, 'request'> }
  tenants: Pick<RunningTenantDirectory, 'get' | 'refresh'>
  /** What is sent of an event's stored data; all, where not given. @throws Error when that cannot be read */
  reveal?(type: WebhookEventType, data: Record<string, unknown>): Record<string, unknown>
  config: Pick<
    BackendConfig,
    | 'SIGNATURE_SECRET'
    | 'SIGNATURE_VERSION'
    | 'WEBHOOK_TIMEOUT'
    | 'WEBHOOK_MAX_RETRY'
    | 'CARD_WEBHOOK_SERVICE_URL'
    | 'POS_WEBHOOK_SERVICE_URL'
  >
}

/** What became of a request: a status, or why there is none. */
export interface Answer {
  statusCode?: number
  problem?: string
  /** How many attempts the receiver has in all. */
  maxAttempts: number
}

/** Sends a delivery once, as the settings of its tenant say; a failure is an answer. */
export function createWebhookSending(dependencies: WebhookSendingDependencies): {
  send(delivery: ClaimedDelivery): Promise<Answer>
} {
  const { clock, httpClients, tenants, config } = dependencies
  const reveal = dependencies.reveal ?? ((_type, data) => data)

  /** The settings in force. A tenant that another process just made may not be known here yet. */
  async function settingsOf(tenantId: string) {
    const known = tenants.get(tenantId)
    if (known) return known.settings
    await tenants.refresh(tenantId)
    return tenants.get(tenantId)?.settings
  }

  return {
    async send({ eventId, type, data, receiver, recipientTenantId, leaseDeadlineMs }) {
      const settings = await settingsOf(recipientTenantId)
      const maxAttempts = settings?.webhookMaxRetry ?? config.WEBHOOK_MAX_RETRY
      const url =
        receiver === CARD_SERVICE
          ? config.CARD_WEBHOOK_SERVICE_URL
          : receiver === POINT_OF_SALE
            ? config.POS_WEBHOOK_SERVICE_URL
            : settings?.webhookUrl
      const isOfConfiguration = receiver === CARD_SERVICE || receiver === POINT_OF_SALE
      const isGuarded = !isOfConfiguration && settings?.isWebhookUrlGuarded === true
      if (url === undefined) return { problem: `no URL is known of ${receiver}`, maxAttempts }
      let body: { id: string; type: WebhookEventType; data: Record<string, unknown> }
      try {
        body = { id: eventId, type, data: reveal(type, data) }
      } catch (error) {
        return { problem: (error as Error).message, maxAttempts }
      }
      const secret = config.SIGNATURE_SECRET
      const timeoutMs = Math.min(
        settings?.webhookTimeoutMs ?? config.WEBHOOK_TIMEOUT,
        MAX_WEBHOOK_TIMEOUT_MS,
        Math.max(1, leaseDeadlineMs - clock.nowMs() - WRITING_MARGIN_MS)
      )
      try {
        const { status } = await (isGuarded ? httpClients.guarded : httpClients.plain).request({
          method: 'POST',
          url,
          headers: {
            'content-type': 'application/json',
            ...(secret !== undefined && {
              'rafiki-signature': signWebhook({
                body,
                secret,
                version: config.SIGNATURE_VERSION,
                timestampMs: clock.nowMs()
              })
            })
          },
          body: canonicalJson(body),
          timeoutMs,
          maxResponseBytes: MAX_ANSWER_BYTES,
          isBodyIgnored: true
        })
        return { statusCode: status, maxAttempts }
      } catch (error) {
        if (error instanceof HttpClientError) return { problem: error.message, maxAttempts }
        throw error
      }
    }
  }
}
