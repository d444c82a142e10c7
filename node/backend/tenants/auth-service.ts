import { HttpClientError } from '../../runtime/index.ts'
import type { HttpClient, Logger } from '../../runtime/index.ts'
import type { TenantRow } from './store.ts'

/** One request to the authorization server's service API takes at most this long. */
export const AUTH_SERVICE_TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 65_536

/**
 * What the authorization server made of it. `unknown`: it may or may not have happened, and is to be told again;
 * each of its three operations may be repeated.
 */
export type Told =
  { kind: 'known' } | { kind: 'refused'; reason: string } | { kind: 'unknown'; reason: string }

/** The tenant service API of the authorization server (AUTH_SERVICE_API_URL). */
export interface AuthService {
  /** Tells what the row's state owes. Never rejects. */
  tell(row: TenantRow): Promise<Told>
}

export function createAuthService({
  httpClient,
  logger,
  url
}: {
  httpClient: Pick<HttpClient, 'request'>
  logger: Logger
  /** AUTH_SERVICE_API_URL */
  url: string
}): AuthService {
  const base = url.replace(/\/+$/, '')

  async function send(method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object): Promise<Answer> {
    try {
      const answer = await httpClient.request({
        method,
        url: `${base}${path}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        timeoutMs: AUTH_SERVICE_TIMEOUT_MS,
        maxResponseBytes: MAX_ANSWER_BYTES
      })
      return { status: answer.status, text: `${method} ${path} was answered ${answer.status}` }
    } catch (error) {
      if (!(error instanceof HttpClientError))
        logger.error({ err: error }, 'the tenant service was not reached')
      return { status: 0, text: error instanceof Error ? error.message : String(error) }
    }
  }

  return {
    async tell(row) {
      const { id, revision, pending } = row
      switch (row.state) {
        case 'CREATING': {
          const { apiSecret, idpConsentUrl, idpSecret } = row
          const body = { id, apiSecret, ...given({ idpConsentUrl, idpSecret }), revision }
          return judge(await send('POST', '/tenant', body), { refusals: [400, 409] })
        }
        case 'UPDATING': {
          const { apiSecret, idpConsentUrl, idpSecret } = pending ?? {}
          const body = { ...defined({ apiSecret, idpConsentUrl, idpSecret }), revision }
          return judge(await send('PATCH', `/tenant/${id}`, body), { refusals: [400, 404] })
        }
        case 'DELETING': {
          // One that it does not know needs no deletion: it was done before.
          const body = { deletedAt: row.deletedAt!.toISOString() }
          return judge(await send('DELETE', `/tenant/${id}`, body), { done: [404] })
        }
        default:
          return { kind: 'known' }
      }
    }
  }
}

interface Answer {
  status: number
  text: string
}

function judge(
  { status, text }: Answer,
  { done = [], refusals = [] }: { done?: number[]; refusals?: number[] }
): Told {
  if ((status >= 200 && status < 300) || done.includes(status)) return { kind: 'known' }
  if (refusals.includes(status))
    return { kind: 'refused', reason: `the authorization server refused: ${text}` }
  return { kind: 'unknown', reason: `the authorization server gave no usable answer: ${text}` }
}

function given(values: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as never
}

function defined(values: Record<string, string | null | undefined>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
