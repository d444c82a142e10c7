import { createHmac } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Clock, HttpClient } from '../../node/runtime/index.ts'

/** A GraphQL error that an Admin API answered. */
export class AdminApiError extends Error {
  override name = 'AdminApiError'
  readonly code: string
  constructor(operation: string, code: string, message: string) {
    super(`${operation}: ${message} (${code})`)
    this.code = code
  }
}

/** The Admin API as a wallet calls it: signed GraphQL over HTTP. */
export interface AdminClient {
  /**
   * Runs one operation and gives its `data`.
   *
   * @throws AdminApiError with the answered code; HttpClientError when no answer came
   */
  call<Data>(query: string, variables?: Record<string, unknown>): Promise<Data>
}

export function createAdminClient(
  { http, clock }: { http: HttpClient; clock: Clock },
  { url, tenantId, secret }: { url: string; tenantId: string; secret: string }
): AdminClient {
  // Two equal requests within one millisecond would carry one signature, and the second be refused as replayed.
  let lastTimestampMs = 0
  return {
    async call<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
      const operationName = /\b(?:query|mutation)\s+(\w+)/.exec(query)?.[1]
      const body = { query, variables, ...(operationName !== undefined && { operationName }) }
      const timestampMs = Math.max(clock.nowMs(), lastTimestampMs + 1)
      lastTimestampMs = timestampMs
      const digest = createHmac('sha256', secret)
        .update(`${timestampMs}.${canonicalize(body)}`)
        .digest('hex')
      const response = await http.request({
        method: 'POST',
        url: `${url}/graphql`,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'tenant-id': tenantId,
          signature: `t=${timestampMs}, v1=${digest}`
        },
        body: JSON.stringify(body),
        timeoutMs: 30_000
      })
      const name = operationName ?? 'query'
      const text = response.body.toString('utf8')
      let answer: { data?: Data; errors?: { message: string; extensions?: { code?: string } }[] }
      try {
        answer = JSON.parse(text) as typeof answer
      } catch {
        throw new AdminApiError(name, `HTTP_${response.status}`, text.slice(0, 200))
      }
      const error = answer.errors?.[0]
      if (error) throw new AdminApiError(name, error.extensions?.code ?? 'UNKNOWN', error.message)
      if (answer.data === undefined)
        throw new AdminApiError(name, `HTTP_${response.status}`, text.slice(0, 200))
      return answer.data
    }
  }
}
