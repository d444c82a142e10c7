import { hmac } from 'k6/crypto'
import http from 'k6/http'
// k6 finds no packages by name.
import canonicalize from '../../../node_modules/canonicalize/lib/canonicalize.js'
import type { AdminTarget } from './targets.ts'

/**
 * One operation of the Admin API, signed as it wants it: HMAC-SHA256 over `timestamp.canonical body`. Requests of equal
 * body and millisecond carry the same signature, and the second is refused as replayed: give each an id of its own.
 *
 * @throws Error with the coded answer, or the HTTP status where there was none
 */
export function callAdmin<Data>(
  { url, tenantId, secret }: AdminTarget,
  query: string,
  variables: Record<string, unknown>
): Data {
  const body = { query, variables }
  const timestampMs = Date.now()
  const digest = hmac('sha256', secret, `${timestampMs}.${canonicalize(body)}`, 'hex')
  const response = http.post(`${url}/graphql`, JSON.stringify(body), {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'tenant-id': tenantId,
      signature: `t=${timestampMs}, v1=${digest}`
    },
    timeout: '30s'
  })
  if (response.status === 0) throw new Error(`no answer: ${response.error}`)
  if (response.status !== 200) throw new Error(`HTTP ${response.status}`)
  const { data, errors } = response.json() as unknown as {
    data?: Data
    errors?: { message: string; extensions?: { code?: string } }[]
  }
  const error = errors?.[0]
  if (error) throw new Error(`${error.message} (${error.extensions?.code ?? 'no code'})`)
  if (!data) throw new Error('an answer without data')
  return data
}
