import { Badge } from '../ui/badge.tsx'
import { Facts } from '../ui/page.tsx'
import type { ServiceHealth } from './health.server.ts'

const WORDS = {
  well: { name: 'Well', look: 'good' },
  failing: { name: 'Failing', look: 'bad' },
  'not configured': { name: 'Not configured', look: 'plain' }
} as const

/** How each service of the node answers to the question whether it is well. */
export function Health({ services }: { services: ServiceHealth[] }) {
  return (
    <Facts
      facts={services.map(({ name, state, tookMs, detail }) => [
        name,
        <span key={name} className="flex flex-wrap items-center gap-2">
          <Badge look={WORDS[state].look}>{WORDS[state].name}</Badge>
          {state === 'well' && tookMs !== undefined && (
            <span className="text-sm text-muted">answered in {tookMs} ms</span>
          )}
          {detail !== undefined && <span className="break-words text-sm text-muted">{detail}</span>}
        </span>
      ])}
    />
  )
}
