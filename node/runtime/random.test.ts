import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRandom, createSystemRandom, idToUuid, uuidToId } from './random.ts'

const UUID_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('ids', () => {
  test('are UUIDs of version 4 and 7, and differ', () => {
    const random = createSystemRandom({ nowMs: () => Date.now() })
    const uuids = Array.from({ length: 100 }, () => random.uuid())
    for (const uuid of uuids) expect(uuid).toMatch(UUID_4)
    expect(new Set(uuids).size).toBe(100)
    expect(random.orderedUuid()).toMatch(UUID_7)
    expect(random.bytes(32)).toHaveLength(32)
  })

  test("no byte of the machine's randomness is handed out twice, whatever the lengths drawn", () => {
    const random = createSystemRandom({ nowMs: () => 0 })
    const seen = new Set<string>()
    for (let draw = 0; draw < 3_000; draw++) {
      const bytes = random.bytes(12 + (draw % 400))
      expect(bytes).toHaveLength(12 + (draw % 400))
      expect(bytes.every((byte) => byte === 0)).toBe(false)
      seen.add(bytes.toString('hex', 0, 12))
    }
    expect(seen.size).toBe(3_000)
  })

  test('of version 7 tell their time (RFC 9562, 5.7)', () => {
    const random = createRandom((length) => Buffer.alloc(length, 0x55), { nowMs: () => 0x0123_4567_89ab })
    expect(random.orderedUuid()).toBe('01234567-89ab-7555-9555-555555555555')
  })

  // Every byte 0xff is where counting up carries: within the millisecond, then into the next.
  const draws = fc.constantFrom(0x00, 0x55, 0xff)
  test('rise within a process, whatever the clock and the dice do', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), draws), { minLength: 1, maxLength: 60 }),
        (steps) => {
          let [nowMs, byte] = [0, 0]
          const random = createRandom((length) => Buffer.alloc(length, byte), {
            nowMs: () => 1_700_000_000_000 + nowMs
          })
          let last = 0n
          for (const [time, draw] of steps) {
            ;[nowMs, byte] = [time, draw]
            const id = random.orderedId()
            expect(id > last).toBe(true)
            expect(idToUuid(id)).toMatch(UUID_7)
            last = id
          }
        }
      )
    )
  })

  test('a carry out of the random bits goes into the time, never into the version', () => {
    const random = createRandom((length) => Buffer.alloc(length, 0xff), { nowMs: () => 1000 })
    const first = random.orderedUuid()
    expect(first).toBe('00000000-03e8-7fff-bfff-ffffffffffff')
    expect(random.orderedUuid()).toBe('00000000-03e9-7000-8000-000000000000')
  })

  test('a UUID and its number are one', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 128n - 1n), (id) => {
        expect(uuidToId(idToUuid(id))).toBe(id)
      })
    )
    expect(uuidToId('00000000-0000-0000-0000-0000000000ff')).toBe(255n)
  })
})

test('the system’s bytes are as many as asked for and never the same twice', () => {
  const random = createSystemRandom({ nowMs: () => 0 })
  const draws = Array.from({ length: 2_000 }, (_, index) => random.bytes(16 + (index % 49)))
  expect(draws.map((draw) => draw.length)).toEqual(draws.map((_, index) => 16 + (index % 49)))
  expect(new Set(draws.map((draw) => draw.toString('hex', 0, 16))).size).toBe(draws.length)
  expect(random.bytes(10_000)).toHaveLength(10_000)
})

test('fractions lie in [0, 1)', () => {
  const of = (byte: number) =>
    createRandom((length) => Buffer.alloc(length, byte), { nowMs: () => 0 }).fraction()
  expect(of(0)).toBe(0)
  expect(of(0x80)).toBeCloseTo(0.502, 3)
  expect(of(0xff)).toBeLessThan(1)
})
