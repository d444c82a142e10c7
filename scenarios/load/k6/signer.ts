import { sha512 } from 'k6/crypto'
import { b64encode } from 'k6/encoding'
// k6 finds no packages by name; its own cryptography has no Ed25519. It breaks where bindings are imported by name.
import * as ed25519 from '../../../node_modules/@noble/ed25519/index.js'
import type { Signer } from './http-signature.ts'
import type { ClientKey } from './targets.ts'

ed25519.hashes.sha512 = (message) => new Uint8Array(sha512(exactly(message), 'binary'))

/**
 * Signs in plain JavaScript: about ten milliseconds of k6's processor time each (docs/performance.md). Made at the top of a
 * script: the first signature computes tables that take a second, before any call counts.
 */
export function createSigner({ keyId, seed }: ClientKey): Signer {
  const secretKey = Uint8Array.from(seed.match(/../g)!.map((byte) => parseInt(byte, 16)))
  ed25519.sign(new Uint8Array(1), secretKey)
  return {
    keyId,
    sign: (text) => b64encode(exactly(ed25519.sign(ascii(text), secretKey)), 'std'),
    sha512: (text) => sha512(text, 'base64'),
    nowS: () => Math.floor(Date.now() / 1_000)
  }
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(Array.from(text, (character) => character.charCodeAt(0)))
}

/** k6 takes whole buffers: an array may be a part of one. */
function exactly({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
}
