import { Badge } from '../ui/badge.tsx'
import type { Delivery } from './webhook-events.ts'

const LOOKS = {
  PENDING: { name: 'On its way', look: 'plain' },
  DELIVERED: { name: 'Delivered', look: 'good' },
  FAILED: { name: 'Given up', look: 'bad' }
} as const

/** What became of an event at each receiver. */
export function Deliveries({ deliveries }: { deliveries: readonly Delivery[] }) {
  if (deliveries.length === 0) return 'To nobody'
  return (
    <ul className="flex flex-col gap-1">
      {deliveries.map((delivery) => (
        <li key={delivery.id}>
          <Badge look={LOOKS[delivery.state].look}>{LOOKS[delivery.state].name}</Badge>{' '}
          <span className="break-words text-sm">{wordsOf(delivery)}</span>
        </li>
      ))}
    </ul>
  )
}

/** How a delivery went, in one sentence. */
function wordsOf({ attempts, statusCode, lastError, state, processAt }: Delivery): string {
  const tried = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  const answer = lastError ?? (statusCode === null ? undefined : `answered ${statusCode}`)
  const next =
    state === 'PENDING' && processAt !== null
      ? `next at ${new Date(processAt).toISOString().slice(11, 19)} UTC`
      : undefined
  return [tried, answer, next].filter((part) => part !== undefined).join(', ')
}
