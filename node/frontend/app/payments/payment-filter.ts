import { parseWithZod } from '@conform-to/zod/v4'
import type { SubmissionResult } from '@conform-to/react'
import { z } from 'zod'

/** Every state that a payment of either kind can be in, in the order of their lives. */
export const STATES = [
  'PENDING',
  'PROCESSING',
  'FUNDING',
  'SENDING',
  'COMPLETED',
  'EXPIRED',
  'FAILED',
  'CANCELLED'
] as const

/** A moment as `<input type="datetime-local">` sends it, which is UTC here, or whole in ISO 8601. */
const moment = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/, 'A date and time is needed, such as 2030-01-31 12:00')
  .transform((text) => new Date(/(Z|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text}Z`))
  .refine((date) => !Number.isNaN(date.getTime()), 'There is no such date')
  .transform((date) => date.toISOString())

/** What of the list of payments is asked for: the form above it, and its address. */
export const paymentFilterForm = z
  .object({
    type: z.enum(['INCOMING', 'OUTGOING'], { error: 'A kind is INCOMING or OUTGOING' }).optional(),
    state: z.array(z.enum(STATES)).optional(),
    receiver: z.url({ error: 'A receiver is the URL of an incoming payment' }).optional(),
    walletAddressId: z.uuid({ error: 'A wallet address is named by its id, a UUID' }).optional(),
    createdAfter: moment.optional(),
    createdBefore: moment.optional(),
    tenantId: z.uuid({ error: 'A tenant is named by its id, a UUID' }).optional()
  })
  .refine(
    ({ createdAfter, createdBefore }) =>
      createdAfter === undefined || createdBefore === undefined || createdAfter < createdBefore,
    { path: ['createdBefore'], error: 'It must be later than the first moment' }
  )

export type PaymentFilterForm = z.output<typeof paymentFilterForm>

/** Names of the parameters that filter. */
const NAMES = Object.keys(paymentFilterForm.shape)

/**
 * The filter of an address.
 *
 * @returns what is wrong with it, beside its fields, where it cannot be
 */
export function readPaymentFilter({
  searchParams
}: URL): { ok: true; filter: PaymentFilterForm } | { ok: false; refused: SubmissionResult<string[]> } {
  const given = new URLSearchParams([...searchParams].filter(([name]) => NAMES.includes(name)))
  const submission = parseWithZod(given, { schema: paymentFilterForm })
  if (submission.status === 'success') return { ok: true, filter: submission.value }
  return { ok: false, refused: submission.reply() }
}

/** Whether an address filters at all: cursors of its pages do not. */
export function isFilter({ searchParams }: URL): boolean {
  return NAMES.some((name) => searchParams.has(name))
}

/** The address without the fields of the form that were left empty; undefined where it has none. */
export function withoutEmptyFields({ pathname, searchParams }: URL): string | undefined {
  const kept = [...searchParams].filter(([, value]) => value.trim() !== '')
  if (kept.length === searchParams.size) return undefined
  const query = new URLSearchParams(kept).toString()
  return query === '' ? pathname : `${pathname}?${query}`
}

/** The variables of the Admin API's list that a filter asks for. */
export function paymentListVariables({
  type,
  state,
  receiver,
  walletAddressId,
  tenantId,
  ...created
}: PaymentFilterForm): { filter?: Record<string, unknown>; tenantId?: string } {
  const filter = {
    ...(type && { type: { in: [type] } }),
    ...(state && state.length > 0 && { state: { in: state } }),
    ...(receiver !== undefined && { receiver: { in: [receiver] } }),
    ...(walletAddressId !== undefined && { walletAddressId: { in: [walletAddressId] } }),
    ...created
  }
  return {
    ...(Object.keys(filter).length > 0 && { filter }),
    ...(tenantId !== undefined && { tenantId })
  }
}
