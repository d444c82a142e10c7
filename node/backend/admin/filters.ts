import { adminError } from '../../admin-api/index.ts'
import type { InitiatedBy } from '../incoming-payments/model.ts'
import { OUTGOING_PAYMENT_STATES } from '../outgoing-payments/model.ts'
import type { OutgoingPaymentState } from '../outgoing-payments/model.ts'
import { PAYMENT_STATES, PAYMENT_TYPES } from '../payments/model.ts'
import type { PaymentFilter } from '../payments/model.ts'
import { parseTime } from './arguments.ts'

/** The contract's filter on a text: both lists are optional. */
export interface FilterString {
  in?: string[] | null
  notIn?: string[] | null
}

const INITIATORS: readonly InitiatedBy[] = ['CARD', 'OPEN_PAYMENTS', 'ADMIN']
/** Of both kinds, which share some. */
const ALL_PAYMENT_STATES = [...new Set(Object.values(PAYMENT_STATES).flat())]

/** Those of a closed set of values that pass the filter; undefined when all do. */
function passing<Value extends string>(
  values: readonly Value[],
  filter: FilterString | null | undefined
): Value[] | undefined {
  if (!filter?.in && !filter?.notIn) return undefined
  return values.filter((value) => (!filter.in || filter.in.includes(value)) && !filter.notIn?.includes(value))
}

export function incomingPaymentFilter(filter: { initiatedBy?: FilterString | null } | null | undefined): {
  initiatedBy?: InitiatedBy[]
} {
  const initiatedBy = passing(INITIATORS, filter?.initiatedBy)
  return initiatedBy ? { initiatedBy } : {}
}

/** @throws BAD_USER_INPUT for `notIn` on open sets, which would silently show what was to be left out */
export function outgoingPaymentFilter(
  filter:
    | {
        receiver?: FilterString | null
        walletAddressId?: FilterString | null
        state?: FilterString | null
      }
    | null
    | undefined
): { receiver?: string[]; walletAddressId?: string[]; state?: OutgoingPaymentState[] } {
  refuseNotIn('receiver', filter?.receiver)
  refuseNotIn('walletAddressId', filter?.walletAddressId)
  const state = passing(OUTGOING_PAYMENT_STATES, filter?.state)
  return {
    ...(filter?.receiver?.in && { receiver: filter.receiver.in }),
    ...(filter?.walletAddressId?.in && { walletAddressId: filter.walletAddressId.in }),
    ...(state && { state })
  }
}

/** What `payments` is asked. */
export interface PaymentFilterInput {
  type?: FilterString | null
  walletAddressId?: FilterString | null
  state?: FilterString | null
  receiver?: FilterString | null
  createdAfter?: string | null
  createdBefore?: string | null
}

/** @throws BAD_USER_INPUT for `notIn` on open sets, as for outgoing payments, and for times that are none */
export function paymentFilter(filter: PaymentFilterInput | null | undefined): PaymentFilter {
  refuseNotIn('walletAddressId', filter?.walletAddressId)
  refuseNotIn('receiver', filter?.receiver)
  const types = passing(PAYMENT_TYPES, filter?.type)
  const states = passing(ALL_PAYMENT_STATES, filter?.state)
  return {
    ...(types && { types }),
    ...(states && { states }),
    ...(filter?.walletAddressId?.in && { walletAddressId: filter.walletAddressId.in }),
    ...(filter?.receiver?.in && { receiver: filter.receiver.in }),
    ...(filter?.createdAfter != null && { createdAfter: parseTime(filter.createdAfter, 'createdAfter') }),
    ...(filter?.createdBefore != null && { createdBefore: parseTime(filter.createdBefore, 'createdBefore') })
  }
}

/** @throws BAD_USER_INPUT for `notIn` on an open set of values */
export function refuseNotIn(name: string, filter: FilterString | null | undefined): void {
  if (!filter?.notIn) return
  throw adminError('BAD_USER_INPUT', `filter.${name}.notIn is not supported: use filter.${name}.in`)
}
