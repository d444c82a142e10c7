import crypto from 'node:crypto'
import { refuse } from './refusal.ts'
import type { Stage } from './stage.ts'

/** PKCS #8 of an Ed25519 private key, up to its 32 bytes (RFC 8410, section 7). */
const ED25519_PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const MAX_INTEGER_RANGE = 2 ** 48 - 1

/**
 * Gives the process the world's randomness: every draw comes from the random stream of the owner whose code asks, or
 * of the world's fallback where no owner's code runs.
 */
export function installRandomness(stage: Stage): void {
  const owner = () => stage.owner() ?? stage.fallback()
  const draw = (length: number) => owner().draw(length)

  function randomBytes(
    size: number,
    callback?: (error: Error | null, bytes: Buffer) => void
  ): Buffer | undefined {
    const bytes = draw(size)
    if (!callback) return bytes
    process.nextTick(callback, null, bytes)
    return undefined
  }

  function view(target: ArrayBuffer | NodeJS.ArrayBufferView): Uint8Array {
    return target instanceof ArrayBuffer
      ? new Uint8Array(target)
      : new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
  }

  function randomFillSync<T extends NodeJS.ArrayBufferView>(target: T, offset = 0, size?: number): T {
    const bytes = view(target)
    const unit = (target as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
    const from = offset * unit
    const length = size === undefined ? bytes.length - from : size * unit
    bytes.set(draw(length), from)
    return target
  }

  function randomFill(target: NodeJS.ArrayBufferView, ...rest: unknown[]): void {
    const callback = rest.pop() as (error: Error | null, target: NodeJS.ArrayBufferView) => void
    const [offset, size] = rest as [number?, number?]
    process.nextTick(callback, null, randomFillSync(target, offset, size))
  }

  function randomInt(...args: unknown[]): number | undefined {
    const callback =
      typeof args.at(-1) === 'function' ? (args.pop() as (error: null, value: number) => void) : undefined
    const [min, max] = (args.length === 1 ? [0, args[0]] : args) as [number, number]
    const range = max - min
    if (!(
      Number.isSafeInteger(min) &&
      Number.isSafeInteger(max) &&
      range >= 1 &&
      range <= MAX_INTEGER_RANGE
    )) {
      throw new RangeError(
        `The value of "max" is out of range: it must be above ${min} by at most ${MAX_INTEGER_RANGE}`
      )
    }
    const limit = 2 ** 48 - (2 ** 48 % range)
    let drawn = limit
    while (drawn >= limit) drawn = draw(6).readUIntBE(0, 6)
    const value = min + (drawn % range)
    if (!callback) return value
    process.nextTick(callback, null, value)
    return undefined
  }

  function randomUUID(): string {
    const id = draw(16)
    id[6] = (id[6]! & 0x0f) | 0x40
    id[8] = (id[8]! & 0x3f) | 0x80
    const hex = id.toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  function getRandomValues<T extends NodeJS.ArrayBufferView>(target: T): T {
    return randomFillSync(target)
  }

  /** Keys that are bytes are drawn; others come from a generator inside OpenSSL, which no seed reaches. */
  function generateKeyPairSync(
    type: string,
    options: {
      publicKeyEncoding?: crypto.KeyExportOptions<'pem'>
      privateKeyEncoding?: crypto.KeyExportOptions<'pem'>
    } = {}
  ) {
    if (type !== 'ed25519')
      return refuse(`crypto.generateKeyPairSync('${type}')`, 'no seed reaches its randomness')
    const privateKey = crypto.createPrivateKey({
      key: Buffer.concat([ED25519_PKCS8_HEAD, draw(32)]),
      format: 'der',
      type: 'pkcs8'
    })
    const publicKey = crypto.createPublicKey(privateKey)
    return {
      publicKey: options.publicKeyEncoding ? publicKey.export(options.publicKeyEncoding) : publicKey,
      privateKey: options.privateKeyEncoding ? privateKey.export(options.privateKeyEncoding) : privateKey
    }
  }

  const realSign = crypto.sign
  function sign(...args: Parameters<typeof crypto.sign>): Buffer {
    const [algorithm, data, key, callback] = args as unknown as [string, Buffer, crypto.KeyLike, unknown]
    const inner = (key as { key?: crypto.KeyLike }).key ?? key
    const type = inner instanceof crypto.KeyObject ? inner.asymmetricKeyType : undefined
    if (type === 'ec' || type === 'dsa' || type === 'rsa-pss') {
      return refuse(`crypto.sign with a key of type ${type}`, 'no seed reaches its randomness')
    }
    if (callback) return refuse('crypto.sign with a callback', 'it works on another thread')
    return realSign(algorithm, data, key)
  }

  Math.random = () => owner().fraction()
  patch(crypto, {
    randomBytes,
    pseudoRandomBytes: randomBytes,
    prng: randomBytes,
    rng: randomBytes,
    randomFillSync,
    randomFill,
    randomInt,
    randomUUID,
    generateKeyPairSync,
    sign
  })
  // `crypto.getRandomValues` calls the method of the prototype.
  patch(Object.getPrototypeOf(crypto.webcrypto) as object, { getRandomValues, randomUUID })
  patch(Object.getPrototypeOf(crypto.webcrypto.subtle) as object, subtleOfSynchronousFunctions())
}

function patch(target: object, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: true })
  }
}

/** `crypto.subtle` works on other threads; what libraries need of it is done here at once, the rest refuses. */
function subtleOfSynchronousFunctions(): Record<string, unknown> {
  const refused = [
    'encrypt',
    'decrypt',
    'sign',
    'verify',
    'generateKey',
    'deriveKey',
    'deriveBits',
    'importKey',
    'exportKey',
    'wrapKey',
    'unwrapKey'
  ]
  return {
    ...Object.fromEntries(
      refused.map((name) => [name, () => refuse(`crypto.subtle.${name}`, 'it works on another thread')])
    ),
    async digest(
      algorithm: string | { name: string },
      data: ArrayBuffer | NodeJS.ArrayBufferView
    ): Promise<ArrayBuffer> {
      const name = (typeof algorithm === 'string' ? algorithm : algorithm.name).replace('-', '').toLowerCase()
      const bytes =
        data instanceof ArrayBuffer
          ? Buffer.from(data)
          : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      const digest = crypto.createHash(name).update(bytes).digest()
      return new Uint8Array(digest).buffer
    }
  }
}
