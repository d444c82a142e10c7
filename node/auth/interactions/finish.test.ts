import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createInteractionHash, isFinishUri, withQuery } from './finish.ts'

describe('createInteractionHash', () => {
  it('is the SHA-256 of the four lines in standard base64', () => {
    // printf 'a\nb\nc\nhttps://auth.example/t' | openssl dgst -sha256 -binary | base64
    expect(
      createInteractionHash({
        clientNonce: 'a',
        interactionNonce: 'b',
        interactRef: 'c',
        grantEndpoint: 'https://auth.example/t'
      })
    ).toBe('m4EKMmJrWUpZLvY1YAAYLvBGV5kCmxbZakdjt2s9xvw=')
  })
})

describe('withQuery', () => {
  it('keeps what the URI has and adds what can be read back', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ withQueryParameters: true, withFragments: true }),
        fc.string({ unit: 'grapheme' }),
        (uri, value) => {
          const url = new URL(withQuery(uri, { added: value, other: 'a+b c' }))
          const before = new URL(uri)
          expect(url.searchParams.get('added')).toBe(value.toWellFormed())
          expect(url.searchParams.get('other')).toBe('a+b c')
          expect(url.search.startsWith(before.search)).toBe(true)
          expect([url.origin, url.pathname, url.hash]).toEqual([before.origin, before.pathname, before.hash])
        }
      )
    )
  })

  it('works for addresses of apps', () => {
    expect(withQuery('shop://back', { result: 'x y' })).toBe('shop://back?result=x%20y')
  })
})

describe('isFinishUri', () => {
  it.each(['https://a.example/', 'http://localhost:3000/x?y=z', 'shop://back'])('takes %s', (uri) => {
    expect(isFinishUri(uri)).toBe(true)
  })
  it.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    '/back',
    ''
  ])('refuses %j', (uri) => {
    expect(isFinishUri(uri)).toBe(false)
  })
})
