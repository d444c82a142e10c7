import type { IntrospectionHttpClient } from './client.ts'

/**
 * Sends with the platform's `fetch`. For servers that bring no HTTP client of their own: this package runs in
 * their processes, with their clock and sockets. A node gives its own client.
 */
export function createFetchHttpClient(): IntrospectionHttpClient {
  return {
    async request({ method, url, headers, body, timeoutMs, maxResponseBytes }) {
      const answer = await fetch(url, {
        method,
        headers,
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs)
      }).catch((error: unknown) => {
        throw new Error(explain(error as Error, timeoutMs), { cause: error })
      })
      const chunks: Uint8Array[] = []
      let bytes = 0
      for await (const chunk of answer.body ?? []) {
        bytes += chunk.byteLength
        if (bytes > maxResponseBytes) throw new Error(`the answer is longer than ${maxResponseBytes} bytes`)
        chunks.push(chunk)
      }
      return { status: answer.status, body: Buffer.concat(chunks) }
    }
  }
}

/** `fetch failed` says nothing: what happened stands in its cause. */
function explain(error: Error, timeoutMs: number): string {
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  return error.cause instanceof Error ? error.cause.message : error.message
}
