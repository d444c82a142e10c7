import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createWalletAddressCache, MAX_ABSENT_WALLET_ADDRESSES } from './cache.ts'
import type { WalletAddress } from './model.ts'

const address = (id: string) => ({ id }) as WalletAddress

describe('wallet address cache', () => {
  it('forgets after its lifetime and on a change', async () => {
    const clock = createManualClock()
    const cache = createWalletAddressCache({ clock, lifetimeMs: 1_000 })
    cache.keep('a', address('1'), cache.begin())
    cache.keep('b', address('2'), cache.begin())
    expect(cache.get('a')?.id).toBe('1')
    cache.drop('1')
    expect(cache.get('a')).toBeUndefined()
    expect(cache.get('b')?.id).toBe('2')
    await clock.advance(1_000)
    expect(cache.get('b')).toBeUndefined()
  })

  it('does not keep what was read before a change', () => {
    const cache = createWalletAddressCache({ clock: createManualClock(), lifetimeMs: 1_000 })
    const begun = cache.begin()
    cache.drop('1')
    cache.keep('a', address('1'), begun)
    expect(cache.get('a')).toBeUndefined()
  })

  it('knows what it keeps by id as well', async () => {
    const clock = createManualClock()
    const cache = createWalletAddressCache({ clock, lifetimeMs: 1_000 })
    cache.keep('a', address('1'), cache.begin())
    expect(cache.byId('1')).toBe(cache.get('a'))
    cache.drop('1')
    expect(cache.byId('1')).toBeUndefined()
    cache.keep('a', address('1'), cache.begin())
    await clock.advance(1_000)
    expect(cache.byId('1')).toBeUndefined()
  })

  it('remembers what is not there until its lifetime is over, or anything changed', async () => {
    const clock = createManualClock()
    const cache = createWalletAddressCache({ clock, lifetimeMs: 1_000 })
    cache.keepAbsent('a', cache.begin())
    expect(cache.get('a')).toBeNull()
    cache.drop('any')
    expect(cache.get('a')).toBeUndefined()
    const begun = cache.begin()
    cache.drop('created meanwhile')
    cache.keepAbsent('a', begun)
    expect(cache.get('a')).toBeUndefined()
    cache.keepAbsent('a', cache.begin())
    await clock.advance(1_000)
    expect(cache.get('a')).toBeUndefined()
  })

  it('remembers a bounded number of what is not there', () => {
    const cache = createWalletAddressCache({ clock: createManualClock(), lifetimeMs: 1_000 })
    for (let index = 0; index <= MAX_ABSENT_WALLET_ADDRESSES; index++) {
      cache.keepAbsent(`u${index}`, cache.begin())
    }
    expect([cache.get('u0'), cache.get('u1')]).toEqual([undefined, null])
  })

  it('drops the longest unused at its limit', () => {
    const cache = createWalletAddressCache({ clock: createManualClock(), lifetimeMs: 1_000, maxEntries: 2 })
    cache.keep('a', address('1'), cache.begin())
    cache.keep('b', address('2'), cache.begin())
    cache.get('a')
    cache.keep('c', address('3'), cache.begin())
    expect(['a', 'b', 'c'].map((url) => cache.get(url)?.id)).toEqual(['1', undefined, '3'])
  })
})
