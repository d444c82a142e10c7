import { createHmac, timingSafeEqual } from 'node:crypto'
import canonicalize from 'canonicalize'

/** The header `signature` of an Admin API request, taken apart: `t=<milliseconds>, v<version>=<hex digest>[, …]`. */
export interface AdminSignature {
  timestampMs: number
  version: number
  /** Lower-case hex. */
  digest: string
}

/** What is signed: the timestamp, a dot, and the body as canonical JSON (RFC 8785). */
function digestOf(secret: string, timestampMs: number, body: unknown): Buffer {
  return createHmac('sha256', secret)
    .update(`${timestampMs}.${canonicalize(body)}`)
    .digest()
}

/** The value of the header `signature` for a request body. */
export function signAdminRequest({
  body,
  secret,
  version,
  timestampMs
}: {
  body: unknown
  secret: string
  version: number
  timestampMs: number
}): string {
  return `t=${timestampMs}, v${version}=${digestOf(secret, timestampMs, body).toString('hex')}`
}

const HEADER = /^t=(\d{1,15}), ?v(\d{1,9})=([0-9a-f]{64})(?:, ?[^,]{1,200}){0,8}$/

/**
 * Reads the header; undefined where it does not have the form above. Trailing parts are allowed and say nothing:
 * the digest does not cover them, so that anybody could have added them.
 */
export function parseAdminSignature(header: string): AdminSignature | undefined {
  const parts = HEADER.exec(header)
  if (!parts) return undefined
  return { timestampMs: Number(parts[1]), version: Number(parts[2]), digest: parts[3]! }
}

/**
 * Whether the digest is the body's, in constant time. A body that has no canonical form (half a surrogate pair, a
 * number beyond doubles, nested too deep) cannot have been signed.
 */
export function isAdminDigest(signature: AdminSignature, secret: string, body: unknown): boolean {
  let expected: Buffer
  try {
    expected = digestOf(secret, signature.timestampMs, body)
  } catch {
    return false
  }
  return timingSafeEqual(Buffer.from(signature.digest, 'hex'), expected)
}
