import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createInteractionHash, isFinishNonce, isFinishUri, MAX_NONCE_LENGTH, withQuery } from './finish.ts'

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
    'filesystem:https://a.example/x',
    'view-source:https://a.example/',
    'jar:https://a.example/!/x',
    'mailto:a@a.example',
    'ws://a.example/',
    'wss://a.example/',
    'blob:https://a.example/x',
    'about:blank',
    'https://user@a.example/',
    'https://user:password@a.example/',
    'https://:password@a.example/',
    'shop://user@back',
    'https://a.example/#fragment',
    'https://a.example/#',
    'java\tscript:alert(1)',
    ' https://a.example/',
    'https://a.example/\r\nx',
    '//a.example/',
    '/back',
    ''
  ])('refuses %j', (uri) => {
    expect(isFinishUri(uri)).toBe(false)
  })
})

describe('isFinishNonce', () => {
  it.each(['n', 'client nonce', 'ä', 'x'.repeat(MAX_NONCE_LENGTH)])('takes %j', (nonce) => {
    expect(isFinishNonce(nonce)).toBe(true)
  })
  it.each(['', 'a\nb', '\n', 'a\r', '\t', '\u007f', '\u0085', 'x'.repeat(MAX_NONCE_LENGTH + 1)])(
    'refuses %j',
    (nonce) => {
      expect(isFinishNonce(nonce)).toBe(false)
    }
  )
})
