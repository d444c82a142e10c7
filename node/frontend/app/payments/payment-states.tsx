import { Badge } from '../ui/badge.tsx'
import type { BadgeLook } from '../ui/badge.tsx'

interface StateWords {
  name: string
  look: BadgeLook
}

const WORDS: Readonly<Record<string, StateWords>> = {
  PENDING: { name: 'Pending', look: 'plain' },
  PROCESSING: { name: 'Processing', look: 'plain' },
  COMPLETED: { name: 'Completed', look: 'good' },
  EXPIRED: { name: 'Expired', look: 'warn' },
  FUNDING: { name: 'Funding', look: 'warn' },
  SENDING: { name: 'Sending', look: 'plain' },
  FAILED: { name: 'Failed', look: 'bad' },
  CANCELLED: { name: 'Cancelled', look: 'warn' }
}

export function nameOfState(state: string): string {
  return WORDS[state]?.name ?? state
}

/** A payment's state in one word. */
export function PaymentState({ state }: { state: string }) {
  return <Badge look={WORDS[state]?.look ?? 'plain'}>{nameOfState(state)}</Badge>
}
