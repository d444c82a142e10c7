import { describe, expect, it } from 'vitest'
import { normalizeWalletAddressUrl, resolveWalletAddressUrl } from './url.ts'

const BASE = 'https://wallet.example/base'

describe('wallet address URLs', () => {
  it.each([
    ['alice', 'https://wallet.example/base/alice'],
    ['/Alice', 'https://wallet.example/base/alice'],
    ['https://Wallet.Example/base/Alice/', 'https://wallet.example/base/alice'],
    ['a/b', 'https://wallet.example/base/a/b']
  ])('%s below the base is %s', (address, url) => {
    expect(resolveWalletAddressUrl(address, BASE)).toEqual({ url })
  })

  it.each([
    'https://wallet.example.evil/base/alice',
    'https://wallet.example/other',
    'https://wallet.example/baseline',
    'https://wallet.example/base',
    'https://wallet.example/base/../alice',
    'http://wallet.example/base/alice',
    'https://wallet.example/base/alice?x=1',
    'https://wallet.example/base/alice#x',
    'https://user@wallet.example/base/alice',
    'https://wallet.example/base/quotes',
    'https://wallet.example/base/alice/incoming-payments',
    'alice/outgoing-payments',
    '../alice',
    'mailto:alice',
    '',
    '/'
  ])('%s is refused', (address) => {
    expect(resolveWalletAddressUrl(address, BASE)).toHaveProperty('problem')
  })

  it('needs https and a path of its own', () => {
    expect(resolveWalletAddressUrl('alice', 'http://localhost:3000')).toHaveProperty('problem')
    expect(resolveWalletAddressUrl('https://localhost:3000/', 'https://localhost:3000')).toHaveProperty(
      'problem'
    )
    expect(resolveWalletAddressUrl('alice', 'https://localhost:3000')).toEqual({
      url: 'https://localhost:3000/alice'
    })
  })

  it('is looked up whatever its letter case', () => {
    expect(normalizeWalletAddressUrl('HTTPS://Localhost:3000/ALICE/')).toBe('https://localhost:3000/alice')
    expect(normalizeWalletAddressUrl('alice')).toBeUndefined()
  })

  it('is the same with a dot after the host’s name', () => {
    expect(normalizeWalletAddressUrl('https://localhost.:3000/alice')).toBe('https://localhost:3000/alice')
    expect(resolveWalletAddressUrl('https://localhost.:3000/alice', 'https://localhost:3000')).toEqual({
      url: 'https://localhost:3000/alice'
    })
    expect(resolveWalletAddressUrl('alice', 'https://localhost.:3000')).toEqual({
      url: 'https://localhost:3000/alice'
    })
  })
})
