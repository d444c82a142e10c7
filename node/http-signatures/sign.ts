import { sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { createContentDigest } from './content-digest.ts'
import { createSignatureBase } from './signature-base.ts'
import { serializeInnerList } from './structured-fields.ts'
import type { InnerList } from './structured-fields.ts'

export interface SignRequestOptions {
  method: string
  url: string
  /** Headers that are sent besides; an `authorization` among them is signed. */
  headers?: Record<string, string>
  /** JSON, as it goes over the wire. */
  body?: string
  keyId: string
  /** Ed25519. */
  privateKey: KeyObject
  /** The clock's time: `created` is its whole seconds. */
  nowMs: number
}

/**
 * Signs a request as `@interledger/http-signature-utils` does: label `sig1`, parameters `keyid` and `created`;
 * covered are `@method`, `@target-uri`, `authorization` where it is sent, and with a body `content-digest`
 * (SHA-512), `content-length` and `content-type` (RFC 9421, RFC 9530).
 *
 * @returns all headers to send, by lower-case names
 */
export function signRequest({
  method,
  url,
  headers = {},
  body,
  keyId,
  privateKey,
  nowMs
}: SignRequestOptions): Record<string, string> {
  const sent: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = value
  const components = ['@method', '@target-uri']
  if (sent.authorization !== undefined) components.push('authorization')
  if (body !== undefined && body !== '') {
    sent['content-type'] ??= 'application/json'
    sent['content-length'] = Buffer.byteLength(body).toString()
    sent['content-digest'] = createContentDigest(body)
    components.push('content-digest', 'content-length', 'content-type')
  }
  const { origin, pathname, search } = new URL(url)
  const covered: InnerList = {
    items: components.map((value) => ({ value, parameters: new Map() })),
    parameters: new Map<string, string | bigint>([
      ['keyid', keyId],
      ['created', BigInt(Math.floor(nowMs / 1000))]
    ])
  }
  const base = createSignatureBase({ method, targetUri: origin + pathname + search, headers: sent }, covered)
  if (base === undefined) throw new TypeError(`${method} ${url} has a header with a line break`)
  sent['signature-input'] = `sig1=${serializeInnerList(covered)}`
  sent.signature = `sig1=:${sign(null, Buffer.from(base), privateKey).toString('base64')}:`
  return sent
}
