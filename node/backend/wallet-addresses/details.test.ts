import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createDetails } from './details.ts'

/** A store whose reads answer when the test says so. */
function slowStore() {
  const reads: ((value: string) => void)[] = []
  return { reads, read: () => new Promise<string>((resolve) => reads.push(resolve)) }
}

describe('details of wallet addresses', () => {
  it('are read once for a lifetime, by all who ask at once too, and again after it', async () => {
    const clock = createManualClock()
    let reads = 0
    const details = createDetails({ clock, lifetimeMs: 1_000, read: async (id) => `${id} ${++reads}` })
    expect(await Promise.all([details.get('a'), details.get('a')])).toEqual(['a 1', 'a 1'])
    await clock.advance(999)
    expect(await details.get('a')).toBe('a 1')
    await clock.advance(1)
    expect(await details.get('a')).toBe('a 2')
  })

  it('are read afresh after a change, and what was read before it is not kept', async () => {
    const { reads, read } = slowStore()
    const details = createDetails({ clock: createManualClock(), lifetimeMs: 1_000, read })
    const before = details.get('a')
    details.drop('a')
    const after = details.get('a')
    reads[1]!('new')
    reads[0]!('old')
    expect([await before, await after]).toEqual(['old', 'new'])
    expect(await details.get('a')).toBe('new')
    expect(reads).toHaveLength(2)
    const unclear = details.get('b')
    details.clear()
    reads[2]!('old')
    await unclear
    void details.get('a')
    void details.get('b')
    expect(reads).toHaveLength(5)
  })

  it('are not kept where nothing is to be, after a failed read, or beyond the limit', async () => {
    const clock = createManualClock()
    const asked: string[] = []
    const read = async (id: string) => {
      asked.push(id)
      if (id === 'broken') throw new Error('no answer')
      return id
    }
    const none = createDetails({ clock, lifetimeMs: 0, read })
    await none.get('a')
    await none.get('a')
    expect(asked).toEqual(['a', 'a'])
    const few = createDetails({ clock, lifetimeMs: 1_000, read, maxEntries: 1 })
    await expect(few.get('broken')).rejects.toThrow('no answer')
    await expect(few.get('broken')).rejects.toThrow('no answer')
    await few.get('b')
    await few.get('c')
    await few.get('b')
    expect(asked.slice(2)).toEqual(['broken', 'broken', 'b', 'c', 'b'])
  })
})
