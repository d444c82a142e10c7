import type { IncomingPayment } from './incoming-payments.ts'
import type { OutgoingPayment } from './outgoing-payments.ts'

/** What can be done with a payment now; where it cannot, why not. */
export type Possible = true | string

const othersOnly = 'Only the tenant whose payment it is may do that: sign in with its credentials.'

/** What a signed-in tenant may do with an outgoing payment in its state (facts 9.2). */
export function outgoingActions(
  { state, liquidity, tenant }: Pick<OutgoingPayment, 'state' | 'liquidity' | 'tenant'>,
  tenantId: string
): Record<'deposit' | 'withdraw' | 'cancel', Possible> {
  const isOwn = tenant?.id === tenantId
  const whileFunding = (what: string): Possible =>
    state !== 'FUNDING' ? `Only a payment that waits for its deposit can be ${what}.` : isOwn || othersOnly
  return {
    deposit: whileFunding('given one'),
    cancel: whileFunding('cancelled'),
    withdraw: withdrawal(state === 'COMPLETED' || state === 'FAILED', liquidity)
  }
}

/** The same for an incoming payment. The wallet's word is given once, and only while nothing was received. */
export function incomingActions(
  {
    state,
    liquidity,
    cancelledAt,
    tenant
  }: Pick<IncomingPayment, 'state' | 'liquidity' | 'cancelledAt' | 'tenant'>,
  tenantId: string
): Record<'approve' | 'cancel' | 'withdraw', Possible> {
  const isOwn = tenant?.id === tenantId
  const word: Possible =
    state !== 'PENDING'
      ? 'That is decided while nothing was received: this payment is past it.'
      : cancelledAt !== null
        ? 'This payment is cancelled already.'
        : isOwn || othersOnly
  return {
    approve: word,
    cancel: word,
    withdraw: withdrawal(state === 'COMPLETED' || state === 'EXPIRED', liquidity)
  }
}

function withdrawal(hasEnded: boolean, liquidity: bigint | null): Possible {
  if (!hasEnded) return 'Money can be withdrawn once the payment has ended.'
  return (liquidity ?? 0n) > 0n || 'The payment’s account is empty: there is nothing to withdraw.'
}
