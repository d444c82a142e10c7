import { isValidAddress } from '../../ilp/index.ts'
import type { BackendConfig } from '../config.ts'
import { failure } from '../model.ts'
import type { Failure } from '../model.ts'
import { normalizeWalletAddressUrl } from '../wallet-addresses/url.ts'
import type { TenantSetting, TenantSettingKey, TenantSettings } from './model.ts'

/** An event's receiver may take this long: what is on its way holds a lease that is longer still. */
export const MAX_WEBHOOK_TIMEOUT_MS = 300_000
/** Attempts at an event, counted all together. */
export const MAX_WEBHOOK_ATTEMPTS = 1_000
export const MAX_URL_LENGTH = 2_048

/** What a tenant starts with where it is given nothing else. */
export const DEFAULT_WEBHOOK_TIMEOUT_MS = 2_000
export const DEFAULT_WEBHOOK_MAX_RETRY = 10

export type SettingsConfig = Pick<
  BackendConfig,
  | 'OPERATOR_TENANT_ID'
  | 'EXCHANGE_RATES_URL'
  | 'WEBHOOK_URL'
  | 'WEBHOOK_TIMEOUT'
  | 'WEBHOOK_MAX_RETRY'
  | 'OPEN_PAYMENTS_URL'
  | 'WALLET_ADDRESS_URL'
  | 'ILP_ADDRESS'
>

/** The defaults of a new tenant, with what it was given over them. */
export function initialSettings(
  { ILP_ADDRESS }: Pick<SettingsConfig, 'ILP_ADDRESS'>,
  tenantId: string,
  given: readonly TenantSetting[]
): TenantSetting[] {
  const values = new Map<TenantSettingKey, string>([
    ['WEBHOOK_TIMEOUT', DEFAULT_WEBHOOK_TIMEOUT_MS.toString()],
    ['WEBHOOK_MAX_RETRY', DEFAULT_WEBHOOK_MAX_RETRY.toString()],
    ['ILP_ADDRESS', `${ILP_ADDRESS}.${tenantId}`]
  ])
  for (const { key, value } of given) values.set(key, value)
  return [...values].map(([key, value]) => ({ key, value }))
}

/** What is wrong with settings; undefined when nothing is. */
export function checkSettings(settings: readonly TenantSetting[]): Failure<'InvalidSetting'> | undefined {
  const named = new Set<string>()
  for (const { key, value } of settings) {
    if (named.has(key)) return failure('InvalidSetting', `${key} is named twice`)
    named.add(key)
    const problem = PROBLEM[key](value)
    if (problem !== undefined) return failure('InvalidSetting', `${key}: ${problem}`)
  }
  return undefined
}

const PROBLEM: Record<TenantSettingKey, (value: string) => string | undefined> = {
  EXCHANGE_RATES_URL: urlProblem,
  WEBHOOK_URL: urlProblem,
  WEBHOOK_TIMEOUT: (value) => numberProblem(value, 1, MAX_WEBHOOK_TIMEOUT_MS),
  WEBHOOK_MAX_RETRY: (value) => numberProblem(value, 0, MAX_WEBHOOK_ATTEMPTS),
  WALLET_ADDRESS_URL(value) {
    const problem = urlProblem(value)
    if (problem !== undefined) return problem
    const { search, hash, username, password } = new URL(value)
    if (username !== '' || password !== '') return 'a URL without credentials is needed'
    return search === '' && hash === '' ? undefined : 'a URL without query and fragment is needed'
  },
  ILP_ADDRESS: (value) =>
    isValidAddress(value) ? undefined : 'an ILP address is needed, such as test.wallet.tenant'
}

/** What is wrong with an http(s) URL. */
export function urlProblem(value: string): string | undefined {
  if (value.length > MAX_URL_LENGTH) return `a URL has at most ${MAX_URL_LENGTH} characters`
  const isUrl = !value.includes('\0') && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
  return isUrl ? undefined : 'an http(s) URL is needed'
}

function numberProblem(value: string, least: number, most: number): string | undefined {
  const isOne = /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most
  return isOne ? undefined : `a whole number from ${least} to ${most} is needed`
}

/**
 * One spelling of a base URL, by which two are compared: wallet addresses are https and lower-cased, a last slash and
 * the dot after a host's name say nothing.
 */
export function baseKey(url: string): string {
  const normalized = normalizeWalletAddressUrl(url)
  if (normalized === undefined) return url.toLowerCase()
  const parsed = new URL(normalized)
  parsed.protocol = 'https:'
  return parsed.href.replace(/\/+$/, '')
}

/** Whether one base lies below the other, or is it: an address could then be either tenant's. */
export function basesOverlap(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  return isAtOrBelow(long, short)
}

/** Whether one key is the other, or lies below it. */
export function isAtOrBelow(key: string, above: string): boolean {
  return key === above || key.startsWith(`${above}/`)
}

/**
 * The base and all bases above it, by their keys, each in all spellings that a stored setting may have: with http, with
 * the default port, with a dot after the host's name. Of https://a/b: https://a/b, https://a, http://a/b, …
 */
export function basesAbove(key: string): string[] {
  const { protocol, hostname, host, port } = new URL(key)
  const path = key.slice(`${protocol}//${host}`.length)
  const paths = ['']
  for (const [index, part] of path.split('/').slice(1).entries()) paths.push(`${paths[index]}/${part}`)
  const ports = (standard: string) => (port === '' ? ['', `:${standard}`] : [`:${port}`])
  const schemes = [
    { scheme: 'https', ends: ports('443') },
    { scheme: 'http', ends: ports('80') }
  ]
  return schemes.flatMap(({ scheme, ends }) =>
    ends.flatMap((end) =>
      [hostname, `${hostname}.`].flatMap((name) => paths.map((rest) => `${scheme}://${name}${end}${rest}`))
    )
  )
}

/** A setting as it is stored: as given, but a base in a spelling that others could not be compared with by its key. */
export function asStored({ key, value }: TenantSetting): TenantSetting {
  if (key !== 'WALLET_ADDRESS_URL') return { key, value }
  const base = baseKey(value)
  const isComparable = basesAbove(base).includes(value.toLowerCase().replace(/\/+$/, ''))
  return { key, value: isComparable ? value : base }
}

/** The settings in force: a tenant's own, else the operator's configuration. */
export function settingsInForce(
  config: SettingsConfig,
  own: Partial<Record<TenantSettingKey, string>>,
  tenantId: string
): TenantSettings {
  const isOperator = tenantId === config.OPERATOR_TENANT_ID.toLowerCase()
  const exchangeRatesUrl = own.EXCHANGE_RATES_URL ?? config.EXCHANGE_RATES_URL
  const walletAddressUrl = own.WALLET_ADDRESS_URL ?? (isOperator ? config.OPEN_PAYMENTS_URL : undefined)
  return {
    ...(exchangeRatesUrl !== undefined && { exchangeRatesUrl }),
    ...(own.EXCHANGE_RATES_URL !== undefined && !isOperator && { isExchangeRatesUrlGuarded: true }),
    webhookUrl: own.WEBHOOK_URL ?? config.WEBHOOK_URL,
    ...(own.WEBHOOK_URL !== undefined && !isOperator && { isWebhookUrlGuarded: true }),
    webhookTimeoutMs: Number(own.WEBHOOK_TIMEOUT ?? config.WEBHOOK_TIMEOUT),
    webhookMaxRetry: Number(own.WEBHOOK_MAX_RETRY ?? config.WEBHOOK_MAX_RETRY),
    ...(walletAddressUrl !== undefined && { walletAddressUrl }),
    ilpAddress: own.ILP_ADDRESS ?? (isOperator ? config.ILP_ADDRESS : `${config.ILP_ADDRESS}.${tenantId}`)
  }
}
