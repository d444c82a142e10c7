import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Makes values unreadable and unchangeable for whoever keeps them, here: the browser, in a cookie. */
export interface Sealer {
  /** A value that JSON can hold, as base64url. */
  seal(value: unknown): string
  /** What was sealed; undefined where it was not sealed with this secret and purpose, or was changed since. */
  open(sealed: string): unknown
}

/** AES-256-GCM under a key that HKDF-SHA-256 (RFC 5869) derives from the secret, one for each purpose. */
export function createSealer(secret: string, purpose: string): Sealer {
  const key = Buffer.from(hkdfSync('sha256', secret, '', `rafiki-lab frontend ${purpose}`, 32))
  return {
    seal(value) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, iv)
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES
      })
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      try {
        const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8')
        return JSON.parse(text + decipher.final('utf8'))
      } catch {
        // Not ours, or changed: whoever asks starts anew, as without a cookie.
        return undefined
      }
    }
  }
}
