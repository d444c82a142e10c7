import { serializeInnerList, serializeItem } from './structured-fields.ts'
import type { InnerList, Item } from './structured-fields.ts'

/** Header fields as node:http gives them, by lower-case names. */
export type RequestHeaders = Record<string, string | string[] | undefined>

/** What a request's signature covers. */
export interface SignedMessage {
  method: string
  /** The public URL that the client asked for, without fragment. */
  targetUri: string
  headers: RequestHeaders
}

/**
 * The value of a header field as a component (RFC 9421 section 2.1): the lines in order, trimmed, obsolete line
 * folding replaced by a space, joined by a comma and a space.
 */
export function fieldValue(headers: RequestHeaders, name: string): string | undefined {
  // A component may be named "constructor": what every object inherits is no header field.
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  if (value === undefined) return undefined
  const lines = Array.isArray(value) ? value : [value]
  return lines.map((line) => line.replace(/[ \t]*\r?\n[ \t]+/g, ' ').trim()).join(', ')
}

/**
 * The signature base (RFC 9421 section 2.5): one line per covered component, and the parameters as they stand in
 * the inner list, in their order.
 *
 * @returns undefined where a component is not in the message, occurs twice or is of a kind that is not supported
 */
export function createSignatureBase(message: SignedMessage, covered: InnerList): string | undefined {
  const lines: string[] = []
  const seen = new Set<string>()
  for (const item of covered.items) {
    const identifier = serializeItem(item)
    if (seen.has(identifier)) return undefined
    seen.add(identifier)
    const value = componentValue(message, item)
    // A line break in a value would forge further lines of the base.
    if (value === undefined || /[\r\n]/.test(value)) return undefined
    lines.push(`${identifier}: ${value}`)
  }
  lines.push(`"@signature-params": ${serializeInnerList(covered)}`)
  return lines.join('\n')
}

function componentValue(message: SignedMessage, { value: name, parameters }: Item): string | undefined {
  // Component parameters (sf, key, bs, req, tr, name) change the meaning: what is not understood is refused.
  if (typeof name !== 'string' || parameters.size > 0) return undefined
  if (!name.startsWith('@'))
    return name === name.toLowerCase() ? fieldValue(message.headers, name) : undefined
  if (name === '@method') return message.method
  if (name === '@target-uri') return message.targetUri
  if (!URL.canParse(message.targetUri)) return undefined
  const url = new URL(message.targetUri)
  switch (name) {
    case '@authority':
      return url.host
    case '@scheme':
      return url.protocol.slice(0, -1)
    case '@path':
      return url.pathname
    case '@query':
      return url.search || '?'
    case '@request-target':
      return url.pathname + url.search
    default:
      return undefined
  }
}
