import { Link } from '@remix-run/react'
import { Badge } from '../ui/badge.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { Section } from '../ui/page.tsx'
import { Table } from '../ui/table.tsx'
import type { PaymentDelivery, PaymentWebhooks } from './payment-webhooks.ts'

const LOOKS = {
  PENDING: { name: 'On its way', look: 'plain' },
  DELIVERED: { name: 'Delivered', look: 'good' },
  FAILED: { name: 'Given up', look: 'bad' }
} as const

/** What wallets were told of a payment, and how they took it. */
export function WebhooksSection({
  paymentId,
  webhooks: { events, hasMore }
}: {
  paymentId: string
  webhooks: PaymentWebhooks
}) {
  const all = `/webhook-events?${new URLSearchParams({ resourceId: paymentId }).toString()}`
  return (
    <Section title="Webhooks" help="What the wallet was told of this payment, and how it took it.">
      <Table
        caption="Webhook events of this payment, oldest first"
        rows={events}
        keyOf={({ id }) => id}
        empty="The wallet was told nothing of this payment yet."
        columns={[
          { name: 'Event', cell: ({ type }) => <code className="break-all font-mono text-sm">{type}</code> },
          { name: 'Date', cell: ({ createdAt }) => <DateTime value={createdAt} /> },
          {
            name: 'Deliveries',
            cell: ({ deliveries }) =>
              deliveries.length === 0 ? (
                'To nobody'
              ) : (
                <ul className="flex flex-col gap-1">
                  {deliveries.map((delivery) => (
                    <li key={delivery.id}>
                      <Badge look={LOOKS[delivery.state].look}>{LOOKS[delivery.state].name}</Badge>{' '}
                      <span className="text-sm">{wordsOf(delivery)}</span>
                    </li>
                  ))}
                </ul>
              )
          }
        ]}
      />
      {events.length > 0 && (
        <p className="text-sm">
          <Link to={all} className="text-accent underline">
            {hasMore ? 'All of them, and what they said' : 'What they said, and sending them again'}
          </Link>
        </p>
      )}
    </Section>
  )
}

/** How a delivery went, in one sentence. */
function wordsOf({ attempts, statusCode, lastError, state, processAt }: PaymentDelivery): string {
  const tried = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  const answer = lastError ?? (statusCode === null ? undefined : `answered ${statusCode}`)
  const next =
    state === 'PENDING' && processAt !== null
      ? `next at ${new Date(processAt).toISOString().slice(11, 19)} UTC`
      : undefined
  return [tried, answer, next].filter((part) => part !== undefined).join(', ')
}
