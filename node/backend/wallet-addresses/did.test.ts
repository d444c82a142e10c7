import { describe, expect, it } from 'vitest'
import { didDocument, didOf } from './did.ts'

describe('DIDs of wallet addresses', () => {
  it.each([
    ['https://wallet.example/alice', 'did:web:wallet.example:alice'],
    ['https://wallet.example:8443/a/b', 'did:web:wallet.example%3A8443:a:b'],
    ['https://wallet.example/a:b/~c', 'did:web:wallet.example:a%3Ab:%7Ec'],
    ['https://wallet.example/%c3%a4', 'did:web:wallet.example:%c3%a4']
  ])('%s is %s', (url, did) => {
    expect(didOf(url)).toBe(did)
  })

  it('name every key once, under an id of its own', () => {
    const key = (kid: string) => ({ kid, x: 'x', kty: 'OKP' as const, crv: 'Ed25519' as const })
    const { verificationMethod, assertionMethod } = didDocument('https://w.example/a', [key('1'), key('k#2')])
    expect(verificationMethod.map(({ id }) => id)).toEqual([
      'did:web:w.example:a#1',
      'did:web:w.example:a#k%232'
    ])
    expect(assertionMethod).toEqual(verificationMethod.map(({ id }) => id))
  })
})
