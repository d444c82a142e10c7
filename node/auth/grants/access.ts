import { isDeepStrictEqual } from 'node:util'
import { parseRepeatingInterval } from '../../intervals/index.ts'
import type { AuthConfig } from '../config.ts'
import type { AccessItem } from './model.ts'

/** Characters of a URI that a client sends: an identifier must fit an index of the database, a finish URI a header. */
export const MAX_URI_LENGTH = 2_048
/** Characters of an asset's code. */
export const MAX_ASSET_CODE_LENGTH = 255
const MAX_UINT64 = (1n << 64n) - 1n

type Limits = NonNullable<AccessItem['limits']>
type Amount = NonNullable<Limits['debitAmount']>

/**
 * The access items of a request that its OpenAPI document and `checkAccess` have accepted, without members that
 * are not named for their type.
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

/**
 * What is wrong with the access items of a request beyond what the OpenAPI document says; undefined when nothing
 * is. Of amounts in limits the document says nothing: an alternative without amounts accepts whatever stands there.
 */
export function checkAccess(access: readonly AccessItem[]): string | undefined {
  for (const { type, identifier, limits } of access) {
    if (identifier !== undefined && identifier.length > MAX_URI_LENGTH) {
      return `access identifier must have at most ${MAX_URI_LENGTH} characters`
    }
    const wrongLimits = type === 'outgoing-payment' && limits !== undefined && checkLimits(limits)
    if (wrongLimits) return wrongLimits
  }
  return undefined
}

function checkLimits({ receiver, interval, debitAmount, receiveAmount }: Limits): string | undefined {
  if (debitAmount !== undefined && receiveAmount !== undefined) return 'only one access amount allowed'
  const amount = debitAmount === undefined ? receiveAmount : debitAmount
  if (amount !== undefined) {
    const wrongAmount = checkAmount(amount)
    if (wrongAmount) return wrongAmount
  }
  if (receiver !== undefined && receiver.length > MAX_URI_LENGTH) {
    return `access receiver must have at most ${MAX_URI_LENGTH} characters`
  }
  if (interval !== undefined && parseRepeatingInterval(interval) === undefined) {
    return 'access interval must be an ISO 8601 repeating interval'
  }
  return undefined
}

function checkAmount(amount: unknown): string | undefined {
  const { value, assetCode, assetScale } = (amount ?? {}) as Record<string, unknown>
  if (typeof value !== 'string' || !isUint64(value)) {
    return 'access amount value must be an unsigned 64-bit integer'
  }
  if (typeof assetCode !== 'string' || assetCode === '' || assetCode.length > MAX_ASSET_CODE_LENGTH) {
    return `access amount asset code must have 1 to ${MAX_ASSET_CODE_LENGTH} characters`
  }
  if (!Number.isInteger(assetScale) || (assetScale as number) < 0 || (assetScale as number) > 255) {
    return 'access amount asset scale must be an integer from 0 to 255'
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
