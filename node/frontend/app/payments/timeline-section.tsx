import { Amount } from '../ui/amount.tsx'
import { Badge } from '../ui/badge.tsx'
import { Section } from '../ui/page.tsx'
import { nameOfState } from './payment-states.tsx'
import type { TimelineEntry } from './timeline.ts'

const KINDS = {
  STATE: { name: 'State', look: 'good' },
  WEBHOOK: { name: 'Webhook', look: 'plain' },
  TRANSFER: { name: 'Ledger', look: 'warn' }
} as const

/** What happened to a payment, in order: its states, what the wallet was told, and where its money went. */
export function TimelineSection({ timeline }: { timeline: readonly TimelineEntry[] }) {
  return (
    <Section
      title="Timeline"
      help="States, webhooks and what the ledger moved, oldest first. Many packets of one second are one entry."
    >
      {timeline.length === 0 ? (
        <p className="text-muted">Nothing is known of it any more.</p>
      ) : (
        <ol className="flex flex-col">
          {timeline.map((entry, index) => (
            // Two entries may be of one record: its reservation and its end.
            <li
              key={`${entry.id ?? entry.title}-${index}`}
              className="grid gap-x-4 gap-y-1 border-l-2 border-line py-2 pl-4 sm:grid-cols-[14.5rem_6rem_minmax(0,1fr)]"
            >
              <time dateTime={entry.at} className="whitespace-nowrap text-sm text-muted">
                {momentOf(entry.at)}
              </time>
              <span>
                <Badge look={KINDS[entry.kind].look}>{KINDS[entry.kind].name}</Badge>
              </span>
              <Entry entry={entry} />
            </li>
          ))}
        </ol>
      )}
    </Section>
  )
}

function Entry({
  entry: { kind, title, detail, amount, assetCode, assetScale, count }
}: {
  entry: TimelineEntry
}) {
  return (
    <div className="min-w-0 break-words">
      {kind === 'WEBHOOK' ? (
        <code className="break-all font-mono text-sm">{title}</code>
      ) : (
        <span className="font-medium">{kind === 'STATE' ? nameOfState(title) : title}</span>
      )}
      {amount !== null && assetCode !== null && assetScale !== null && (
        <>
          {': '}
          <Amount value={amount} code={assetCode} scale={assetScale} />
        </>
      )}
      {count !== null && <span className="text-muted"> in {count} records</span>}
      {detail !== null && <p className="text-sm text-muted">{detail}</p>}
    </div>
  )
}

/** To the millisecond: what belongs together happens within one second. */
function momentOf(at: string): string {
  const text = new Date(at).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 23)} UTC`
}
