import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryCache, MAX_COUNTER, MAX_MEMORY_CACHE_ENTRIES } from './cache.ts'
import { createManualClock } from './clock.ts'

function create() {
  const clock = createManualClock()
  return { clock, cache: createMemoryCache({ clock }) }
}

describe('the cache in memory', () => {
  test('forgets at the end of an entry’s life', async () => {
    const { clock, cache } = create()
    await cache.set('a', '1', 1000)
    await clock.advance(999)
    expect(await cache.get('a')).toBe('1')
    await clock.advance(1)
    expect(await cache.get('a')).toBeUndefined()
    await cache.ping()
  })

  test('sets where nothing is, and deletes what one holds', async () => {
    const { clock, cache } = create()
    expect(await cache.setIfAbsent('lock', 'mine', 1000)).toBe(true)
    expect(await cache.setIfAbsent('lock', 'yours', 1000)).toBe(false)
    expect(await cache.deleteIfEqual('lock', 'yours')).toBe(false)
    expect(await cache.deleteIfEqual('lock', 'mine')).toBe(true)
    expect(await cache.setIfAbsent('lock', 'yours', 1000)).toBe(true)
    await clock.advance(1000)
    expect(await cache.setIfAbsent('lock', 'mine', 1000)).toBe(true)
    await cache.delete('lock')
    expect(await cache.get('lock')).toBeUndefined()
  })

  test('counts exactly, renews the counter’s life, and refuses to pass 63 bits', async () => {
    const { clock, cache } = create()
    await fc.assert(
      fc.asyncProperty(
        fc.uuid(),
        fc.array(fc.bigInt(-(2n ** 58n), 2n ** 58n), { maxLength: 20 }),
        async (key, amounts) => {
          let sum = 0n
          for (const amount of amounts) {
            sum += amount
            expect(await cache.increment(key, amount, 1000)).toBe(sum)
          }
        }
      )
    )
    await cache.increment('life', 1n, 1000)
    await clock.advance(900)
    await cache.increment('life', 1n, 1000)
    await clock.advance(900)
    expect(await cache.increment('life', MAX_COUNTER - 2n, 1000)).toBe(MAX_COUNTER)
    await expect(cache.increment('life', 1n, 1000)).rejects.toThrow(RangeError)
    expect(await cache.get('life')).toBe(MAX_COUNTER.toString())
  })

  test('shares fields of a record while it lives: each call tells what was there before it', async () => {
    const { clock, cache } = create()
    expect(await cache.shareField('totals', 'a', '1', 1000)).toEqual(new Map())
    await clock.advance(900)
    expect(await cache.shareField('totals', 'b', '2', 1000)).toEqual(new Map([['a', '1']]))
    await clock.advance(900)
    const both = [
      ['a', '1'],
      ['b', '2']
    ] as const
    expect(await cache.shareField('totals', 'a', '3', 1000)).toEqual(new Map(both))
    await clock.advance(1000)
    expect(await cache.shareField('totals', 'a', '4', 1000)).toEqual(new Map())
    await cache.set('text', 'x', 1000)
    await expect(cache.shareField('text', 'a', '1', 1000)).rejects.toThrow(TypeError)
    await expect(cache.get('totals')).rejects.toThrow(TypeError)
  })

  test('holds a limited number of entries, the oldest leave first', async () => {
    const { cache } = create()
    for (let index = 0; index <= MAX_MEMORY_CACHE_ENTRIES; index += 1) await cache.set(`${index}`, 'x', 1000)
    expect(await cache.get('0')).toBeUndefined()
    expect(await cache.get('1')).toBe('x')
    expect(await cache.get(`${MAX_MEMORY_CACHE_ENTRIES}`)).toBe('x')
    await cache.close()
    expect(await cache.get('1')).toBeUndefined()
  })
})
