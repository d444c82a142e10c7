import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createManualClock, createRandom } from '../runtime/index.ts'
import { loadInstanceKey } from './instance-key.ts'

const random = createRandom((length) => Buffer.alloc(length, 7), createManualClock())
const runtime = (files: Record<string, string>) => ({
  random,
  readTextFile: async (path: string) => files[path] ?? Promise.reject(new Error(`ENOENT: ${path}`))
})
const pem = (type: 'ed25519' | 'x25519') =>
  generateKeyPairSync(type as 'ed25519')
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()

describe('instance key', () => {
  it('is drawn from the runtime where no file is named: the same draw, the same key', async () => {
    const key = await loadInstanceKey({ KEY_ID: 'k' }, runtime({}))
    const again = await loadInstanceKey({ KEY_ID: 'k' }, runtime({}))
    expect(again.jwk).toEqual(key.jwk)
    expect(key.jwk).toMatchObject({ kid: 'k', alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' })
    const signature = sign(null, Buffer.from('m'), key.privateKey)
    const publicKey = createPublicKey({ key: key.jwk, format: 'jwk' })
    expect(verify(null, Buffer.from('m'), publicKey, signature)).toBe(true)
  })

  it('comes from the file', async () => {
    const text = pem('ed25519')
    const key = await loadInstanceKey({ KEY_ID: 'k', PRIVATE_KEY_FILE: '/k' }, runtime({ '/k': text }))
    expect(key.privateKey.export({ type: 'pkcs8', format: 'pem' })).toBe(text)
  })

  it.each([
    ['a file that is not there', {}],
    ['a file that is no PEM', { '/k': 'x' }],
    ['a key of another kind', { '/k': pem('x25519') }]
  ])('refuses %s, naming the variable', async (_what, files) => {
    const loading = loadInstanceKey(
      { KEY_ID: 'k', PRIVATE_KEY_FILE: '/k' },
      runtime(files as Record<string, string>)
    )
    await expect(loading).rejects.toThrow(/^PRIVATE_KEY_FILE holds "\/k"/)
  })
})
