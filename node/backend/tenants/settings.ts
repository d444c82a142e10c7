import { isValidAddress } from '../../ilp/index.ts'
import type { BackendConfig } from '../config.ts'
import { failure } from '../model.ts'
import type { Failure } from '../model.ts'
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

/** One spelling of a base URL, by which two are compared: addresses are lower-cased, a last slash says nothing. */
export function baseKey(url: string): string {
  return (URL.canParse(url) ? new URL(url).href : url).toLowerCase().replace(/\/+$/, '')
}

/** Whether one base lies below the other, or is it: an address could then be either tenant's. */
export function basesOverlap(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  return long === short || long.startsWith(`${short}/`)
}

/**
 * The base and all bases above it, by their keys; with the default port too, which a setting may spell out. Of
 * https://a/b: https://a/b, https://a.
 */
export function basesAbove(key: string): string[] {
  const { protocol, host, port } = new URL(key)
  const origin = `${protocol}//${host}`
  const path = key.slice(origin.length)
  const paths = ['']
  for (const [index, part] of path.split('/').slice(1).entries()) paths.push(`${paths[index]}/${part}`)
  const spelled = port === '' ? [origin, `${origin}:${protocol === 'https:' ? 443 : 80}`] : [origin]
  return spelled.flatMap((start) => paths.map((rest) => start + rest))
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
