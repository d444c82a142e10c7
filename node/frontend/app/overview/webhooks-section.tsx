import { Link } from '@remix-run/react'
import { DateTime } from '../ui/date-time.tsx'
import { Table } from '../ui/table.tsx'
import type { FailedWebhooks } from './webhooks.server.ts'

/** Where they are listed, read and sent again. */
const LIST = '/webhook-events?deliveryState=FAILED'

/** Webhook events that were given up: how many, and the newest of them. */
export function FailedWebhookEvents({ failed: { count, hasMore, newest } }: { failed: FailedWebhooks }) {
  if (count === 0) return <p>Every webhook event was taken, or is still on its way.</p>
  return (
    <>
      <p>
        <strong>{hasMore ? `More than ${count}` : count}</strong>{' '}
        {count === 1 && !hasMore ? 'event was' : 'events were'} given up: their receiver did not take them.{' '}
        <Link to={LIST} className="text-accent underline">
          Read them and send them again
        </Link>
      </p>
      <Table
        caption="The newest webhook events that were given up"
        rows={newest}
        keyOf={({ id }) => id}
        empty="None."
        columns={[
          { name: 'Event', cell: ({ type }) => <code className="break-all font-mono text-sm">{type}</code> },
          { name: 'Date', cell: ({ createdAt }) => <DateTime value={createdAt} /> },
          { name: 'Why', cell: ({ reason }) => <span className="break-words">{reason}</span> }
        ]}
      />
    </>
  )
}
