import { Link } from '@remix-run/react'
import { DateTime } from '../ui/date-time.tsx'
import { Section } from '../ui/page.tsx'
import { Table } from '../ui/table.tsx'
import { Deliveries } from '../webhook-events/deliveries.tsx'
import type { PaymentWebhooks } from './payment-webhooks.ts'

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
            cell: ({ deliveries }) => <Deliveries deliveries={deliveries} />
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
