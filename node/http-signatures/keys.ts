import { z } from 'zod'
import { HttpClientError } from '../runtime/index.ts'
import type { HttpClient } from '../runtime/index.ts'
import { isJwk } from './jwk.ts'
import type { Jwk } from './jwk.ts'

/** Time for one document of a client, from the connection to its last byte. */
export const CLIENT_DOCUMENT_TIMEOUT_MS = 5_000
/** A longer document of a client is refused. */
export const MAX_CLIENT_DOCUMENT_BYTES = 65_536
/** Documents that are being fetched at the same time; further requests are refused. */
export const MAX_CLIENT_FETCHES = 256

export interface ClientFailure {
  ok: false
  code: 'invalid_url' | 'busy' | 'unreachable' | 'malformed' | 'unknown_key'
  /** For logs: what was wrong with which document. */
  message: string
}

/** A wallet address as its server publishes it (Open Payments, wallet address server, `GET /`). */
export interface WalletAddressDocument {
  id: string
  publicName?: string | undefined
  assetCode: string
  assetScale: number
  authServer: string
  resourceServer: string
}

/** Reads what clients publish at their wallet addresses. */
export interface ClientKeyFetcher {
  /** The first key of the wallet address's key set whose `kid` is one of `keyIds`, in the order of `keyIds`. */
  getKey(
    walletAddress: string,
    keyIds: string | readonly string[]
  ): Promise<{ ok: true; key: Jwk } | ClientFailure>
  getWalletAddress(
    walletAddress: string
  ): Promise<{ ok: true; walletAddress: WalletAddressDocument } | ClientFailure>
}

const keySet = z.object({ keys: z.array(z.unknown()).max(1_000) })

const walletAddressDocument = z.object({
  id: z.string().refine((text) => URL.canParse(text)),
  publicName: z.string().optional(),
  assetCode: z.string(),
  assetScale: z.number().int().min(0).max(255),
  authServer: z.string().refine((text) => URL.canParse(text)),
  resourceServer: z.string().refine((text) => URL.canParse(text))
})

/**
 * A reader of clients' documents: `<wallet address>/jwks.json` and the wallet address itself. Nothing is kept (a
 * key that was revoked is dead at once); requests for a document that is being fetched share the answer. No
 * redirect is followed. Whether private addresses may be asked is the http client's matter.
 *
 * @param scheme `http` asks over plain http what the address names as https; `https` refuses anything else
 */
export function createClientKeyFetcher({
  httpClient,
  scheme,
  timeoutMs = CLIENT_DOCUMENT_TIMEOUT_MS,
  maxBytes = MAX_CLIENT_DOCUMENT_BYTES
}: {
  httpClient: HttpClient
  scheme: 'http' | 'https'
  timeoutMs?: number
  maxBytes?: number
}): ClientKeyFetcher {
  const pending = new Map<string, Promise<{ ok: true; json: unknown } | ClientFailure>>()

  function documentUrl(walletAddress: string, suffix: string): string | undefined {
    if (!URL.canParse(walletAddress)) return undefined
    const url = new URL(walletAddress)
    if (scheme === 'http' && url.protocol === 'https:') url.protocol = 'http:'
    const { protocol, username, password, search, hash } = url
    if (protocol !== `${scheme}:` || username || password || search || hash) return undefined
    if (suffix !== '') url.pathname = url.pathname.replace(/\/$/, '') + suffix
    return url.href
  }

  async function fetchJson(url: string): Promise<{ ok: true; json: unknown } | ClientFailure> {
    let response
    try {
      response = await httpClient.request({
        method: 'GET',
        url,
        headers: { accept: 'application/json' },
        timeoutMs,
        maxResponseBytes: maxBytes
      })
    } catch (error) {
      if (!(error instanceof HttpClientError)) throw error
      return failed('unreachable', `${url}: ${error.message}`)
    }
    if (response.status !== 200) return failed('unreachable', `${url} answered ${response.status}`)
    try {
      return { ok: true, json: JSON.parse(response.body.toString('utf8')) as unknown }
    } catch {
      return failed('malformed', `${url} did not answer JSON`)
    }
  }

  /** Callers that ask while a request is under way get its answer; the next one after that asks again. */
  function fetchShared(url: string): Promise<{ ok: true; json: unknown } | ClientFailure> {
    const underWay = pending.get(url)
    if (underWay) return underWay
    if (pending.size >= MAX_CLIENT_FETCHES) {
      return Promise.resolve(failed('busy', `${MAX_CLIENT_FETCHES} documents are being fetched already`))
    }
    const started = fetchJson(url).finally(() => pending.delete(url))
    pending.set(url, started)
    return started
  }

  return {
    async getKey(walletAddress, keyIds) {
      const url = documentUrl(walletAddress, '/jwks.json')
      if (url === undefined) return invalidUrl(walletAddress, scheme)
      const fetched = await fetchShared(url)
      if (!fetched.ok) return fetched
      const parsed = keySet.safeParse(fetched.json)
      if (!parsed.success) return failed('malformed', `${url} is no key set`)
      const keys = parsed.data.keys.filter(isJwk)
      for (const keyId of typeof keyIds === 'string' ? [keyIds] : keyIds) {
        const key = keys.find(({ kid }) => kid === keyId)
        if (key) return { ok: true, key }
      }
      return failed('unknown_key', `${url} has no Ed25519 key of that id`)
    },
    async getWalletAddress(walletAddress) {
      const url = documentUrl(walletAddress, '')
      if (url === undefined) return invalidUrl(walletAddress, scheme)
      const fetched = await fetchShared(url)
      if (!fetched.ok) return fetched
      const parsed = walletAddressDocument.safeParse(fetched.json)
      if (!parsed.success) return failed('malformed', `${url} is no wallet address`)
      return { ok: true, walletAddress: parsed.data }
    }
  }
}

function invalidUrl(walletAddress: string, scheme: string): ClientFailure {
  return failed('invalid_url', `${JSON.stringify(walletAddress)} is no ${scheme} wallet address`)
}

function failed(code: ClientFailure['code'], message: string): ClientFailure {
  return { ok: false, code, message }
}
