import { createHash, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** A client's public key: Ed25519 as a JSON Web Key (RFC 8037 section 2), as Open Payments publishes it. */
export interface Jwk {
  kid: string
  alg: 'EdDSA'
  kty: 'OKP'
  crv: 'Ed25519'
  /** The 32 bytes of the key in base64url. */
  x: string
  use?: 'sig'
}

/** Whether a value of the outside is an Ed25519 signing key. Further members are allowed (RFC 7517 section 4). */
export function isJwk(value: unknown): value is Jwk {
  if (typeof value !== 'object' || value === null) return false
  const { kid, alg, kty, crv, x, use } = value as Record<string, unknown>
  return (
    typeof kid === 'string' &&
    kid !== '' &&
    alg === 'EdDSA' &&
    kty === 'OKP' &&
    crv === 'Ed25519' &&
    typeof x === 'string' &&
    isKeyText(x) &&
    (use === undefined || use === 'sig')
  )
}

function isKeyText(text: string): boolean {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === 32 && bytes.toString('base64url') === text.replace(/=$/, '')
}

/** The key for node:crypto; undefined where the bytes are no key. */
export function toPublicKey(jwk: Jwk): KeyObject | undefined {
  if (!isJwk(jwk)) return undefined
  return createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, format: 'jwk' })
}

/** A name for a key that stands for its owner: the URI of its thumbprint (RFC 9278; RFC 7638, RFC 8037 2). */
export function thumbprintUri({ kty, crv, x }: Pick<Jwk, 'kty' | 'crv' | 'x'>): string {
  const members = JSON.stringify({ crv, kty, x: Buffer.from(x, 'base64url').toString('base64url') })
  const digest = createHash('sha256').update(members).digest('base64url')
  return `urn:ietf:params:oauth:jwk-thumbprint:sha-256:${digest}`
}

/** Publishes the public half of an Ed25519 key. */
export function toJwk(key: KeyObject, kid: string): Jwk {
  const { x, crv } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  if (crv !== 'Ed25519' || x === undefined) throw new TypeError('an Ed25519 key is needed')
  return { alg: 'EdDSA', kid, kty: 'OKP', crv: 'Ed25519', x }
}
