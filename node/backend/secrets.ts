import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Random } from '../runtime/index.ts'

const IV_BYTES = 12
const TAG_BYTES = 16

/** Keeps secrets in text columns: AES-256-GCM, base64 of IV ‖ ciphertext ‖ tag. */
export interface SecretBox {
  seal(plain: Buffer): string
  /** @throws Error when the text was not sealed with this key */
  open(sealed: string): Buffer
}

/** @param secret 32 bytes; `purpose` gives each use a key of its own (HKDF, RFC 5869) */
export function createSecretBox(secret: Buffer, purpose: string, random: Pick<Random, 'bytes'>): SecretBox {
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), purpose, 32))
  return {
    seal(plain) {
      const iv = random.bytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64')
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES
      })
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
      return Buffer.concat([
        decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES)),
        decipher.final()
      ])
    }
  }
}

const PLAIN = 'plain:'
const SEALED = 'aes-256-gcm:'

/** What a payer's wallet hands over for the receiver, in its column: encrypted where the operator has a key. */
export interface TransmitData {
  write(data: string): string
  /** @throws Error when it is encrypted and there is no key, or another */
  read(column: string): string
}

export function createTransmitData(secret: Buffer | undefined, random: Pick<Random, 'bytes'>): TransmitData {
  const box = secret && createSecretBox(secret, 'data to transmit', random)
  return {
    write: (data) => (box ? SEALED + box.seal(Buffer.from(data)) : PLAIN + data),
    read(column) {
      if (column.startsWith(PLAIN)) return column.slice(PLAIN.length)
      if (!column.startsWith(SEALED)) throw new Error('the data to transmit is in no known form')
      if (!box) throw new Error('the data to transmit is encrypted: set DB_ENCRYPTION_SECRET')
      return box.open(column.slice(SEALED.length)).toString()
    }
  }
}
