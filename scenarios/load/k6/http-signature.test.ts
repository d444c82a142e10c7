import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { validateSignature } from '@interledger/http-signature-utils'
import type { JWK } from '@interledger/http-signature-utils'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { signRequest } from './http-signature.ts'
import type { RequestToSign } from './http-signature.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'EdDSA' } as unknown as JWK
const signer = {
  keyId: 'key',
  sign: (text: string) => sign(null, Buffer.from(text), privateKey).toString('base64'),
  sha512: (text: string) => createHash('sha512').update(text).digest('base64'),
  nowS: () => Math.floor(Date.now() / 1_000)
}

const requests: fc.Arbitrary<RequestToSign> = fc.record(
  {
    method: fc.constantFrom('GET', 'POST', 'DELETE'),
    url: fc.webUrl({ withQueryParameters: true }),
    authorization: fc.stringMatching(/^GNAP [a-zA-Z0-9]{1,40}$/),
    body: fc.json().map((text) =>
      Buffer.from(text)
        .toString('latin1')
        .replace(/[^ -~]/g, '?')
    )
  },
  { requiredKeys: ['method', 'url'] }
)

describe('the requests that k6 signs', () => {
  it('are accepted by the reference library, and not when anything else is sent', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const { method, url, body } = request
        const headers = signRequest(request, signer)
        const sent = { method, url, headers, body }
        expect(await validateSignature(jwk, sent)).toBe(true)
        expect(await validateSignature(jwk, { ...sent, url: `${url}x` })).toBe(false)
        expect(await validateSignature(jwk, { ...sent, method: 'PUT' })).toBe(false)
      })
    )
  })
})
