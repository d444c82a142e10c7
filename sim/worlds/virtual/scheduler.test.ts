import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEventLog } from './event-log.ts'
import { createOwner } from './owner.ts'
import { createScheduler, WORLD_START_MS, WorldError } from './scheduler.ts'
import { createTimerHeap } from './timer-heap.ts'
import { createWorldCore } from './world-core.ts'

const create = () => createScheduler({ log: (nowMs) => createEventLog(nowMs) }).scheduler

describe('time', () => {
  test('starts at a fixed date and jumps from event to event', async () => {
    const scheduler = create()
    expect(scheduler.nowMs()).toBe(WORLD_START_MS)
    const seen: [string, number][] = []
    const note = (name: string) => () => void seen.push([name, scheduler.nowMs() - WORLD_START_MS])
    scheduler.after(3_600_000, note('hour'))
    scheduler.after(10, note('second'))
    scheduler.after(10, note('third'))
    scheduler.after(0, note('first'))
    await scheduler.run(() => seen.length === 4)
    expect(seen).toEqual([
      ['first', 0],
      ['second', 10],
      ['third', 10],
      ['hour', 3_600_000]
    ])
  })

  test('stands still while promises and immediates bring something new', async () => {
    const scheduler = create()
    const times: number[] = []
    scheduler.after(5, () => void times.push(scheduler.nowMs()))
    scheduler.after(1, () => {
      void (async () => {
        for (let turn = 0; turn < 20; turn += 1) {
          await new Promise((resolve) => setImmediate(resolve))
          scheduler.touch()
        }
        times.push(scheduler.nowMs())
      })()
    })
    await scheduler.run(() => times.length === 2)
    expect(times).toEqual([WORLD_START_MS + 1, WORLD_START_MS + 5])
  })

  test('stops as soon as the awaited promise is settled', async () => {
    const scheduler = create()
    const late = () => expect.unreachable()
    scheduler.after(11, late)
    const value = await scheduler.run(
      new Promise<string>((resolve) => scheduler.after(10, () => resolve('done')))
    )
    expect(value).toBe('done')
    expect(scheduler.nowMs()).toBe(WORLD_START_MS + 10)
    await expect(scheduler.run(Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  test('advances by exactly what was asked', async () => {
    const scheduler = create()
    await scheduler.advance(250)
    expect(scheduler.nowMs()).toBe(WORLD_START_MS + 250)
  })

  test('cancelled events and events of killed owners do not happen', async () => {
    const scheduler = create()
    const owner = createOwner({
      seed: '1',
      name: 'a',
      incarnation: 1,
      onDraw: () => undefined,
      onFraction: () => undefined
    })
    const happened: string[] = []
    scheduler.cancel(scheduler.after(1, () => void happened.push('cancelled')))
    scheduler.after(2, () => void happened.push('dead'), { owner })
    scheduler.after(3, () => void happened.push('nobody'), { owner: null })
    owner.killed = true
    await scheduler.advance(10)
    expect(happened).toEqual(['nobody'])
    expect(scheduler.pendingCount()).toBe(0)
  })
})

describe('a world that cannot go on says so', () => {
  test('when nothing is left to happen', async () => {
    const never = new Promise(() => undefined)
    await expect(create().run(never)).rejects.toThrow(/stuck at 2026-01-01T00:00:00.000Z/)
  })

  test('when the limit of simulated time is reached; what was due later is still to come', async () => {
    const scheduler = create()
    let happened = false
    scheduler.after(5000, () => (happened = true))
    await expect(scheduler.run(() => happened, { limitMs: 1000 })).rejects.toThrow(/limit of 1000 ms/)
    await scheduler.run(() => happened)
    expect(scheduler.nowMs()).toBe(WORLD_START_MS + 5000)
  })

  test('when code polls instead of waiting', async () => {
    const scheduler = create()
    let polling = true
    const poll = () => {
      scheduler.touch()
      if (polling) setImmediate(poll)
    }
    poll()
    const error = await scheduler.run(() => false).catch((caught: unknown) => caught)
    polling = false
    expect(error).toBeInstanceOf(WorldError)
    expect((error as Error).message).toMatch(/the world spins/)
  })

  test('when a blocker finds it stuck, before time moves on', async () => {
    const scheduler = create()
    let verdict: 'wait' | Error | undefined
    let asked = 0
    scheduler.addBlocker(() => {
      asked += 1
      if (asked === 3) verdict = new WorldError('blocked')
      return verdict
    })
    verdict = 'wait'
    await expect(scheduler.run(scheduler.advance(10))).rejects.toThrow('blocked')
    expect(scheduler.nowMs()).toBe(WORLD_START_MS)
  })
})

describe('the heap', () => {
  test('gives events by due time, then by sequence, whatever was deleted', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean())), (timers) => {
        const heap = createTimerHeap()
        const events = timers.map(([dueMs], sequence) => ({
          dueMs,
          sequence,
          callback: () => undefined,
          owner: undefined,
          logged: undefined
        }))
        for (const event of events) heap.push(event)
        const kept = events.filter((event, index) => !timers[index]![1] || !heap.delete(event))
        expect(heap.size()).toBe(kept.length)
        const order: unknown[] = []
        for (let next = heap.pop(); next; next = heap.pop()) order.push(next)
        expect(order).toEqual([...kept].sort((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence))
      })
    )
  })
})

describe('randomness', () => {
  test('follows from seed, name and incarnation, however it is drawn', () => {
    const draw = (seed: string, name: string, lengths: number[]) => {
      const core = createWorldCore({ seed })
      const owner = core.createOwner(name)
      return Buffer.concat(lengths.map((length) => owner.draw(length))).toString('hex')
    }
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat(9000), { maxLength: 4 }), (seed, lengths) => {
        const total = lengths.reduce((sum, length) => sum + length, 0)
        expect(draw(seed, 'a', lengths)).toBe(draw(seed, 'a', [total]))
      }),
      { numRuns: 20 }
    )
    expect(draw('1', 'a', [16])).not.toBe(draw('2', 'a', [16]))
    expect(draw('1', 'a', [16])).not.toBe(draw('1', 'b', [16]))
    const core = createWorldCore({ seed: '1' })
    const [first, second] = [core.createOwner('a'), core.createOwner('a')]
    expect([first.incarnation, second.incarnation]).toEqual([1, 2])
    expect(first.draw(16)).not.toEqual(second.draw(16))
  })
})

describe('the event log', () => {
  test('hashes what happened, when, to whom and in which order', () => {
    const write = (events: [string, string?][], startMs = 0) => {
      const log = createEventLog(() => startMs)
      for (const [subject, text] of events)
        log.append('message', subject, text === undefined ? undefined : Buffer.from(text))
      return log.hash()
    }
    expect(
      write([
        ['a', 'x'],
        ['b', 'y']
      ])
    ).toBe(
      write([
        ['a', 'x'],
        ['b', 'y']
      ])
    )
    const different = [
      write([
        ['a', 'x'],
        ['b', 'y']
      ]),
      write([
        ['b', 'y'],
        ['a', 'x']
      ]),
      write([
        ['a', 'xb'],
        ['', 'y']
      ]),
      write([
        ['a', 'x'],
        ['b', 'z']
      ]),
      write([['a', 'x'], ['b']]),
      write(
        [
          ['a', 'x'],
          ['b', 'y']
        ],
        1
      )
    ]
    expect(new Set(different).size).toBe(different.length)
  })

  test('hashes large events like small ones, and notes not at all', () => {
    const lines: string[] = []
    const log = createEventLog(
      () => 0,
      (line) => lines.push(line)
    )
    const large = Buffer.alloc(200_000, 1)
    log.append('message', 'a', large)
    const before = log.hash()
    log.note('a', 'read me')
    expect(log.hash()).toBe(before)
    expect(log.length).toBe(1)
    expect(lines[1]).toBe('1970-01-01T00:00:00.000Z note a read me')
    large[150_000] = 2
    const other = createEventLog(() => 0)
    other.append('message', 'a', large)
    expect(other.hash()).not.toBe(before)
  })
})
