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

/** Whether a body is sent as it is, by its Content-Encoding (RFC 9110 section 8.4): nothing is unpacked here. */
export function isPlainEncoding(contentEncoding: string | undefined): boolean {
  return /^\s*(identity\s*)?$/i.test(contentEncoding ?? '')
}

/** Objects and arrays within each other that a body may have. */
export const MAX_JSON_DEPTH = 64

/**
 * The JSON of a body. Undefined where it is not valid JSON, where a string in it holds a NUL character or half of
 * a surrogate pair (no text of PostgreSQL can; RFC 7493 section 2.1), where a number is beyond every double (it
 * would be written again as null; section 2.2), or where it is nested deeper than `MAX_JSON_DEPTH`: what walks it
 * later may be recursive.
 */
export function parseJson(body: Buffer): { json: unknown } | undefined {
  const text = body.toString('utf8')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  return mayHoldUnfitValue(text) && holdsUnfitValue(json) ? undefined : { json }
}

/**
 * Such characters can only be written as escapes, such numbers with an exponent of three digits or with 210 of their
 * own, and depth only by brackets: most bodies need no look inside.
 */
function mayHoldUnfitValue(text: string): boolean {
  if (/\\u(?:0000|[dD][89a-fA-F])|\d[eE]\+?\d{3}|\d{210}/.test(text)) return true
  let brackets = 0
  for (let at = 0; at < text.length && brackets <= MAX_JSON_DEPTH; at += 1) {
    const character = text.charCodeAt(at)
    if (character === OPENING_BRACKET || character === OPENING_BRACE) brackets += 1
  }
  return brackets > MAX_JSON_DEPTH
}

const OPENING_BRACKET = '['.charCodeAt(0)
const OPENING_BRACE = '{'.charCodeAt(0)

function holdsUnfitValue(json: unknown): boolean {
  let level: unknown[] = [json]
  for (let depth = 0; level.length > 0; depth += 1) {
    const below: unknown[] = []
    for (const value of level) {
      if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) return true
      if (typeof value === 'number' && !Number.isFinite(value)) return true
      if (typeof value !== 'object' || value === null) continue
      if (depth === MAX_JSON_DEPTH) return true
      for (const [key, member] of Object.entries(value)) below.push(key, member)
    }
    level = below
  }
  return false
}
