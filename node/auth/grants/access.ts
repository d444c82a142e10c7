import { isDeepStrictEqual } from 'node:util'
import type { AuthConfig } from '../config.ts'
import type { AccessItem } from './model.ts'
import { isRepeatingInterval } from './repeating-interval.ts'

const MAX_UINT64 = (1n << 64n) - 1n

type Limits = NonNullable<AccessItem['limits']>
type Amount = NonNullable<Limits['debitAmount']>

/**
 * The access items of a request that its OpenAPI document has accepted, without members that it does not name
 * for their type.
 */
export function readAccess(items: readonly AccessItem[]): AccessItem[] {
  return items.map(({ type, actions, identifier, limits }) => ({
    type,
    actions,
    ...(type !== 'quote' && identifier !== undefined && { identifier }),
    ...(type === 'outgoing-payment' && limits !== undefined && { limits: readLimits(limits) })
  }))
}

function readLimits({ receiver, interval, debitAmount, receiveAmount }: Limits): Limits {
  return {
    ...(receiver !== undefined && { receiver }),
    ...(interval !== undefined && { interval }),
    ...(debitAmount !== undefined && { debitAmount: readAmount(debitAmount) }),
    ...(receiveAmount !== undefined && { receiveAmount: readAmount(receiveAmount) })
  }
}

function readAmount({ value, assetCode, assetScale }: Amount): Amount {
  return { value, assetCode, assetScale }
}

/** What is wrong with limits beyond what the OpenAPI document can say; undefined when nothing is. */
export function checkLimits(access: readonly AccessItem[]): string | undefined {
  for (const { limits } of access) {
    if (limits === undefined) continue
    if (limits.debitAmount && limits.receiveAmount) return 'only one access amount allowed'
    for (const amount of [limits.debitAmount, limits.receiveAmount]) {
      if (amount && !isUint64(amount.value)) return 'access amount value must be an unsigned 64-bit integer'
    }
    if (limits.interval !== undefined && !isRepeatingInterval(limits.interval)) {
      return 'access interval must be an ISO 8601 repeating interval'
    }
  }
  return undefined
}

function isUint64(text: string): boolean {
  return /^\d{1,20}$/.test(text) && BigInt(text) <= MAX_UINT64
}

export type InteractionRules = Pick<
  AuthConfig,
  'INCOMING_PAYMENT_INTERACTION' | 'QUOTE_INTERACTION' | 'LIST_ALL_ACCESS_INTERACTION'
>

/** Whether an account holder must be asked about an access item. */
export function needsInteraction({ type, actions }: AccessItem, rules: InteractionRules): boolean {
  if (rules.LIST_ALL_ACCESS_INTERACTION && actions.includes('list-all')) return true
  if (type === 'incoming-payment') return rules.INCOMING_PAYMENT_INTERACTION
  if (type === 'quote') return rules.QUOTE_INTERACTION
  return true
}

/**
 * Whether a granted item gives what a resource server asks for: the type, every action (`read-all` covers `read`,
 * `list-all` covers `list`), the limits where some are named, the identifier where both name one.
 */
export function coversAccess(granted: AccessItem, requested: AccessItem): boolean {
  if (granted.type !== requested.type) return false
  if (!requested.actions.every((action) => allows(granted.actions, action))) return false
  if (requested.limits !== undefined && !isDeepStrictEqual(granted.limits, requested.limits)) return false
  return (
    granted.identifier === undefined ||
    requested.identifier === undefined ||
    granted.identifier === requested.identifier
  )
}

function allows(actions: AccessItem['actions'], action: AccessItem['actions'][number]): boolean {
  if (actions.includes(action)) return true
  if (action === 'read') return actions.includes('read-all')
  return action === 'list' && actions.includes('list-all')
}
