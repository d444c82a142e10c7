import { z } from 'zod'

/** Every type of event, as wallets are told of them. */
export const EVENT_TYPES = [
  'incoming_payment.created',
  'incoming_payment.completed',
  'incoming_payment.expired',
  'incoming_payment.partial_payment_received',
  'outgoing_payment.created',
  'outgoing_payment.completed',
  'outgoing_payment.failed',
  'outgoing_payment.funded',
  'outgoing_payment.cancelled',
  'wallet_address.not_found',
  'wallet_address.web_monetization',
  'asset.liquidity_low',
  'peer.liquidity_low'
] as const

export const DELIVERY_STATES = [
  { value: 'PENDING', label: 'On its way' },
  { value: 'DELIVERED', label: 'Delivered' },
  { value: 'FAILED', label: 'Given up' }
] as const

/** What of the events is asked for: the form above the list, and its address. */
export const eventFilterForm = z.object({
  type: z.array(z.enum(EVENT_TYPES, { error: 'There is no such type of event' })).optional(),
  deliveryState: z
    .enum(['PENDING', 'DELIVERED', 'FAILED'], { error: 'A delivery is on its way, delivered or given up' })
    .optional(),
  resourceId: z
    .string()
    .trim()
    .max(255, 'An id has at most 255 characters')
    .regex(/^\S+$/, 'An id has no spaces')
    .optional(),
  tenantId: z.uuid({ error: 'A tenant is named by its id, a UUID' }).optional()
})
export type EventFilter = z.output<typeof eventFilterForm>

/** The variables of the Admin API's list that a filter asks for. */
export function eventListVariables({ type, deliveryState, resourceId, tenantId }: EventFilter): {
  filter: Record<string, unknown>
  tenantId?: string
} {
  return {
    filter: {
      // A filter of its own on types: else funded and cancelled payments would be left out (facts 1.9).
      type: type && type.length > 0 ? { in: type } : { notIn: [] },
      ...(deliveryState !== undefined && { deliveryState }),
      ...(resourceId !== undefined && { resourceId: { in: [resourceId] } })
    },
    ...(tenantId !== undefined && { tenantId })
  }
}

/** Where what an event is about has a page, by the event's type and data. */
export function pageOfResource(type: string, data: Readonly<Record<string, unknown>>): string | undefined {
  const id = typeof data.id === 'string' ? data.id : undefined
  if (id === undefined) return undefined
  if (type.startsWith('incoming_payment.')) return `/payments/incoming/${id}`
  if (type.startsWith('outgoing_payment.')) return `/payments/outgoing/${id}`
  if (type.startsWith('peer.')) return `/peers/${id}`
  if (type.startsWith('asset.')) return `/assets/${id}`
  return undefined
}
