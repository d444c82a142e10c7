import { createHash, timingSafeEqual } from 'node:crypto'
import { isBytes, isInnerList, parseDictionary } from './structured-fields.ts'

/** Algorithms of RFC 9530 section 5 that are not deprecated, by the names of node:crypto. */
const ALGORITHMS = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512']
])

/** The `Content-Digest` of a body (RFC 9530 section 2), with SHA-512 as Open Payments clients make it. */
export function createContentDigest(body: Buffer | string): string {
  return `sha-512=:${createHash('sha512').update(body).digest('base64')}:`
}

/**
 * Whether a `Content-Digest` field is right for the bytes of a body. Digests of unknown algorithms are left
 * alone (RFC 9530 section 2); at least one known one must be there, and every known one must be right.
 */
export function verifyContentDigest(field: string, body: Buffer): boolean {
  const digests = parseDictionary(field)
  if (digests === undefined) return false
  let known = 0
  for (const [name, member] of digests) {
    const algorithm = ALGORITHMS.get(name)
    if (algorithm === undefined) continue
    if (isInnerList(member) || !isBytes(member.value)) return false
    const digest = createHash(algorithm).update(body).digest()
    const claimed = member.value.bytes
    if (claimed.length !== digest.length || !timingSafeEqual(claimed, digest)) return false
    known += 1
  }
  return known > 0
}
