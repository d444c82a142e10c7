import type { Mutant } from '../model.ts'

/** Planted bugs of webhooks. */
export const webhookMutants: readonly Mutant[] = [
  {
    name: 'webhook-order-lost-on-retry',
    breaks: 'an event is sent though an earlier one of its resource waits for its next attempt',
    edits: [
      {
        file: 'node/backend/webhooks/store.ts',
        find: "                   AND earlier.sequence < w.sequence AND earlier.state = 'PENDING'\n               )",
        replace:
          "                   AND earlier.sequence < w.sequence AND earlier.state = 'PENDING' AND earlier.attempts = 0\n               )"
      }
    ],
    expects: ['always: events of a payment', 'webhook order'],
    searches: [{ scenario: 'webhooks-retried' }]
  },
  {
    name: 'webhook-lost-on-crash',
    breaks: 'an event counts as delivered before it is sent: a crash in between loses it',
    edits: [
      {
        file: 'node/backend/webhooks/delivery.ts',
        find: '    const { statusCode, problem, maxAttempts } = await attempt(delivery)\n',
        replace: `    await store.finish(delivery, { state: 'DELIVERED', statusCode: 200, problem: undefined, processAtMs: clock.nowMs() })
    const { statusCode, problem, maxAttempts } = await attempt(delivery)
`
      }
    ],
    expects: ['always: events of a payment', 'liveness'],
    searches: [{ scenario: 'webhooks-retried' }]
  },
  {
    name: 'expired-event-forgotten',
    breaks: 'no wallet hears of an incoming payment that expired with a part of its money',
    edits: [
      {
        file: 'node/backend/incoming-payments/worker.ts',
        find: '    if (received > 0n)\n',
        replace: "    if (received > 0n && row.state === 'COMPLETED')\n"
      }
    ],
    expects: ['liveness'],
    searches: [{ scenario: 'incoming-payment-expires' }]
  },
  {
    name: 'webhook-given-up-at-once',
    breaks: 'an event that was refused once is never sent again',
    edits: [
      {
        file: 'node/backend/webhooks/delivery.ts',
        find: '    if (attempts >= maxAttempts) {',
        replace: '    if (attempts >= Math.min(1, maxAttempts)) {'
      }
    ],
    expects: ['always: events of a payment', 'liveness'],
    searches: [{ scenario: 'webhooks-retried' }]
  }
]
