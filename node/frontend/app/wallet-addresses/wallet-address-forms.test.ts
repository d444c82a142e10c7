import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyForm, propertiesForm, writeProperties } from './wallet-address-forms.ts'

describe('the text of properties', () => {
  const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9:/.-]{0,20}$/)

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ key: word, value: word, visibleInOpenPayments: fc.boolean() }), {
          maxLength: 50
        }),
        (properties) => {
          const { success, data } = propertiesForm.safeParse({ properties: writeProperties(properties) })
          expect(success).toBe(true)
          expect(data!.properties).toEqual(properties)
        }
      )
    )
  })

  it('names the line that is none', () => {
    const { error } = propertiesForm.safeParse({ properties: 'a = b\nnonsense' })
    expect(error!.issues[0]!.message).toContain('nonsense')
  })
})

describe('a key', () => {
  const x = 'A'.repeat(43)
  const read = (value: unknown) => keyForm.safeParse({ jwk: JSON.stringify(value) })

  it('is a public Ed25519 key', () => {
    expect(read({ kid: 'a', x, kty: 'OKP', crv: 'Ed25519' }).data!.jwk).toEqual({
      kid: 'a',
      x,
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA'
    })
  })

  it.each([
    ['no JSON', 'not json'],
    ['another curve', JSON.stringify({ kid: 'a', x, kty: 'OKP', crv: 'X25519' })],
    ['a short x', JSON.stringify({ kid: 'a', x: 'A', kty: 'OKP', crv: 'Ed25519' })]
  ])('is not %s', (_, jwk) => expect(keyForm.safeParse({ jwk }).success).toBe(false))

  it('is never a private one', () => {
    const { error } = read({ kid: 'a', x, kty: 'OKP', crv: 'Ed25519', d: x })
    expect(error!.issues[0]!.message).toContain('private key')
  })
})
