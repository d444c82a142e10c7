import { createHmac } from 'node:crypto'
import canonicalize from 'canonicalize'

/**
 * The value of `Rafiki-Signature`: `t=<milliseconds>, v<version>=<hex>`, where hex is HMAC-SHA256 over
 * `<milliseconds>.<canonical JSON of the body>` (RFC 8785).
 */
export function signWebhook({
  body,
  secret,
  version,
  timestampMs
}: {
  body: { id: string; type: string; data: unknown }
  secret: string
  version: number
  timestampMs: number
}): string {
  const digest = createHmac('sha256', secret)
    .update(`${timestampMs}.${canonicalJson(body)}`)
    .digest('hex')
  return `t=${timestampMs}, v${version}=${digest}`
}

/** JSON with sorted keys and without white space (RFC 8785). */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('the value has no JSON')
  return text
}
