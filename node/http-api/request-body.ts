import type { IncomingMessage } from 'node:http'

/** Bytes of a request's body that are read unless a server says otherwise. */
export const DEFAULT_MAX_BODY_BYTES = 1_048_576

export type RequestBody = { ok: true; body: Buffer } | { ok: false; code: 'too_large' | 'aborted' }

/** Reads a request's body, as bytes. Stops reading when it is longer than `maxBytes`, or when the client leaves. */
export function readRequestBody(
  request: IncomingMessage,
  maxBytes = DEFAULT_MAX_BODY_BYTES
): Promise<RequestBody> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    return Promise.resolve({ ok: false, code: 'too_large' })
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    const settle = (result: RequestBody) => {
      request.off('data', onData).off('end', onEnd).off('error', onAborted).off('close', onAborted)
      resolve(result)
    }
    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length <= maxBytes) return void chunks.push(chunk)
      request.pause()
      settle({ ok: false, code: 'too_large' })
    }
    const onEnd = () => settle({ ok: true, body: Buffer.concat(chunks) })
    const onAborted = () => settle({ ok: false, code: 'aborted' })
    request.on('data', onData).on('end', onEnd).on('error', onAborted).on('close', onAborted)
  })
}

/** Whether a header names a JSON media type (RFC 8259, RFC 6839 section 3.1). */
export function isJsonContentType(contentType: string | undefined): boolean {
  return /^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(contentType ?? '')
}

/**
 * The JSON of a body. Undefined where it is not valid JSON, or where a string in it holds a NUL character: no text
 * of PostgreSQL can.
 */
export function parseJson(body: Buffer): { json: unknown } | undefined {
  const text = body.toString('utf8')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  // A NUL can only be written as an escape: bodies without one need no look at every string.
  return text.includes('\\u0000') && holdsNul(json) ? undefined : { json }
}

function holdsNul(value: unknown): boolean {
  const left: unknown[] = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next === 'string' && next.includes('\0')) return true
    if (typeof next === 'object' && next !== null) {
      for (const [key, member] of Object.entries(next)) left.push(key, member)
    }
  }
  return false
}
