import { createRatio, scaleRatio } from '../../ilp/index.ts'
import type { Ratio } from '../../ilp/index.ts'
import { HttpClientError } from '../../runtime/index.ts'
import type { Clock, HttpClient, Logger } from '../../runtime/index.ts'
import { failure, isFailure } from '../model.ts'
import type { Failure } from '../model.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import type { AssetUnit, Rates, RatesFailure } from './model.ts'
import { parseRates } from './parse.ts'
import type { BaseRates } from './parse.ts'

export interface RatesDependencies {
  /** By whether the URL is one that a tenant chose. */
  httpClients: { plain: Pick<HttpClient, 'request'>; guarded: Pick<HttpClient, 'request'> }
  clock: Clock
  logger: Logger
  tenants: Pick<TenantDirectory, 'get'>
  /** EXCHANGE_RATES_LIFETIME: a rate is never used longer than this after it was asked for. */
  lifetimeMs: number
}

export const RATES_TIMEOUT_MS = 5_000
export const MAX_RATES_BYTES = 1_048_576
/** Bases that are kept at most, of all tenants; the oldest are dropped first. */
export const MAX_CACHED_BASES = 1_000
/** Conversions that are kept ready per base; others are worked out each time. */
export const MAX_RATIOS_PER_BASE = 1_000
/** After a failure its answer stands this long, so that packets do not hammer a service that is down. */
export const FAILURE_LIFETIME_MS = 1_000
/** A base in use is fetched again after this part of its life, so that packets rarely wait for it. */
const REFRESH_AFTER = 0.8

type Answer = BaseRates | Failure<RatesFailure>

interface Entry {
  answer: Answer
  expiresMs: number
  /** When it is fetched again in advance, if it is in use. */
  refreshAtMs: number
  ratios: Map<string, Ratio>
}

/** Where rates are asked for. */
interface Source {
  key: string
  url: string
  isGuarded: boolean
}

/** Exchange rates of tenants, exact as the rates service wrote them, by tenant and base. */
export function createRates({ httpClients, clock, logger, tenants, lifetimeMs }: RatesDependencies): Rates {
  const entries = new Map<string, Entry>()
  const fetches = new Map<string, Promise<Entry>>()

  function fresh(key: string): Entry | undefined {
    const entry = entries.get(key)
    return entry !== undefined && entry.expiresMs > clock.nowMs() ? entry : undefined
  }

  /** One fetch per tenant and base at a time; everyone who asks meanwhile shares it. Never rejects. */
  function fetchShared({ key, url, isGuarded }: Source, base: string): Promise<Entry> {
    const running = fetches.get(key)
    if (running !== undefined) return running
    const askedMs = clock.nowMs()
    const fetching = fetchRates(isGuarded ? httpClients.guarded : httpClients.plain, url, base).then(
      (answer) => {
        fetches.delete(key)
        return keep(key, answer, askedMs)
      }
    )
    fetches.set(key, fetching)
    return fetching
  }

  function keep(key: string, answer: Answer, askedMs: number): Entry {
    const old = fresh(key)
    const retryAtMs = clock.nowMs() + FAILURE_LIFETIME_MS
    if (isFailure(answer) && old !== undefined && !isFailure(old.answer)) {
      // A failed refresh leaves what is still fresh in force.
      old.refreshAtMs = retryAtMs
      return old
    }
    const entry: Entry = isFailure(answer)
      ? { answer, expiresMs: retryAtMs, refreshAtMs: retryAtMs, ratios: new Map() }
      : {
          answer,
          // The answer may be as old as the question.
          expiresMs: askedMs + lifetimeMs,
          refreshAtMs: askedMs + lifetimeMs * REFRESH_AFTER,
          ratios: new Map()
        }
    entries.delete(key)
    entries.set(key, entry)
    for (const [oldest] of entries) {
      if (entries.size <= MAX_CACHED_BASES) break
      entries.delete(oldest)
    }
    return entry
  }

  async function fetchRates(
    httpClient: Pick<HttpClient, 'request'>,
    rawUrl: string,
    base: string
  ): Promise<Answer> {
    if (!URL.canParse(rawUrl)) {
      return failed('CouldNotFetchRates', `EXCHANGE_RATES_URL is "${rawUrl}", which is no URL`)
    }
    const url = new URL(rawUrl)
    url.searchParams.set('base', base)
    try {
      const { status, body } = await httpClient.request({
        method: 'GET',
        url: url.href,
        headers: { accept: 'application/json' },
        timeoutMs: RATES_TIMEOUT_MS,
        maxResponseBytes: MAX_RATES_BYTES
      })
      if (status !== 200) return failed('CouldNotFetchRates', `${url.href} answered ${status}`)
      const rates = parseRates(body.toString('utf8'))
      if (rates === undefined) {
        return failed('CouldNotFetchRates', `${url.href} did not answer {"base": "${base}", "rates": {…}}`)
      }
      if (rates.base === '') return failed('MissingBaseAsset', `${url.href} answered without a base`)
      if (rates.base !== base) {
        return failed('InvalidBaseAsset', `${url.href} answered rates of ${rates.base} for ${base}`)
      }
      return rates
    } catch (error) {
      if (!(error instanceof HttpClientError)) logger.error({ err: error }, 'fetching exchange rates failed')
      return failed('CouldNotFetchRates', error instanceof Error ? error.message : String(error))
    }
  }

  function failed(code: RatesFailure, message: string): Failure<RatesFailure> {
    logger.warn({ code, reason: message }, 'no exchange rates')
    return failure(code, message)
  }

  function ratioOf(entry: Entry, source: AssetUnit, destination: AssetUnit): Ratio | Failure<RatesFailure> {
    const { answer } = entry
    if (isFailure(answer)) return answer
    const key = `${source.scale} ${destination.scale} ${destination.code}`
    const known = entry.ratios.get(key)
    if (known !== undefined) return known
    const rate = answer.rates.get(destination.code)
    if (rate === undefined) {
      return failure('InvalidDestinationPrice', `there is no rate from ${source.code} to ${destination.code}`)
    }
    const ratio = scaleRatio(rate, source.scale, destination.scale)
    if (entry.ratios.size < MAX_RATIOS_PER_BASE) entry.ratios.set(key, ratio)
    return ratio
  }

  /** What needs no rates at all, or cannot have any; else where to fetch them. */
  function prepare(
    tenantId: string,
    source: AssetUnit,
    destination: AssetUnit
  ): { ready: Ratio | Failure<RatesFailure> } | Source {
    if (source.code === destination.code) {
      return { ready: scaleRatio(createRatio(1n, 1n), source.scale, destination.scale) }
    }
    const settings = tenants.get(tenantId)?.settings
    const url = settings?.exchangeRatesUrl
    if (url === undefined) {
      return {
        ready: failure(
          'MissingExchangeRatesUrl',
          'Exchange rate conversion currently not supported: set EXCHANGE_RATES_URL'
        )
      }
    }
    const isGuarded = settings?.isExchangeRatesUrlGuarded ?? false
    return { key: JSON.stringify([tenantId, url, isGuarded, source.code]), url, isGuarded }
  }

  return {
    async ratio(tenantId, source, destination) {
      const prepared = prepare(tenantId, source, destination)
      if ('ready' in prepared) return prepared.ready
      const entry = fresh(prepared.key) ?? (await fetchShared(prepared, source.code))
      return ratioOf(entry, source, destination)
    },
    cachedRatio(tenantId, source, destination) {
      const prepared = prepare(tenantId, source, destination)
      if ('ready' in prepared) return prepared.ready
      const entry = fresh(prepared.key)
      if (entry === undefined) return undefined
      if (clock.nowMs() >= entry.refreshAtMs) {
        void fetchShared(prepared, source.code)
      }
      return ratioOf(entry, source, destination)
    }
  }
}
