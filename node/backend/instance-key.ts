import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { ConfigurationError } from '../runtime/index.ts'
import type { Runtime } from '../runtime/index.ts'

/** PKCS#8 of an Ed25519 key up to the 32 bytes of its seed (RFC 8410, 7). */
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const ED25519_SEED_BYTES = 32

/** The key that this instance signs its own requests with. */
export interface InstanceKey {
  keyId: string
  privateKey: KeyObject
  /** What its jwks.json shows. */
  jwk: { kid: string; x: string; alg: 'EdDSA'; kty: 'OKP'; crv: 'Ed25519' }
}

/**
 * The key of PRIVATE_KEY_FILE, or a fresh one where no file is named: clients that cached the old one read
 * jwks.json again.
 *
 * @throws ConfigurationError when the file cannot be read or holds no Ed25519 key
 */
export async function loadInstanceKey(
  config: { KEY_ID: string; PRIVATE_KEY_FILE?: string | undefined },
  runtime: Pick<Runtime, 'random' | 'readTextFile'>
): Promise<InstanceKey> {
  const path = config.PRIVATE_KEY_FILE
  const privateKey =
    path === undefined
      ? privateKeyFromSeed(runtime.random.bytes(ED25519_SEED_BYTES))
      : parsePrivateKey(path, await readKeyFile(path, runtime))
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  if (x === undefined) throw new Error('the public key has no x')
  return {
    keyId: config.KEY_ID,
    privateKey,
    jwk: { kid: config.KEY_ID, x, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' }
  }
}

export function privateKeyFromSeed(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}

async function readKeyFile(path: string, runtime: Pick<Runtime, 'readTextFile'>): Promise<string> {
  try {
    return await runtime.readTextFile(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError(`PRIVATE_KEY_FILE holds "${path}": the file cannot be read (${reason})`)
  }
}

function parsePrivateKey(path: string, pem: string): KeyObject {
  const wrong = new ConfigurationError(
    `PRIVATE_KEY_FILE holds "${path}": the file must be an Ed25519 private key in PEM (openssl genpkey -algorithm ed25519)`
  )
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (error) {
    wrong.cause = error
    throw wrong
  }
  if (key.asymmetricKeyType !== 'ed25519') throw wrong
  return key
}
