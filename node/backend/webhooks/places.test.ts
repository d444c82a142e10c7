import { describe, expect, it } from 'vitest'
import { createPlaces, PLACES_PER_LANE, PLACES_PER_PROCESS } from './places.ts'
import type { DueLane } from './places.ts'

const lane = (receiver: string, isRepeat = false): DueLane => ({ receiver, isRepeat, dueSinceMs: 0 })

describe('places of deliveries', () => {
  it('gives a receiver its places once, and repeats places of their own', () => {
    const places = createPlaces(1)
    expect(places.offer([lane('a'), lane('a', true)]).map(({ free }) => free)).toEqual([32, 32])
    for (let count = 0; count < PLACES_PER_LANE; count++) places.take(lane('a', true))
    expect(places.offer([lane('a'), lane('a', true), lane('b')])).toMatchObject([
      { receiver: 'a', isRepeat: false, free: 32 },
      { receiver: 'b', free: 32 }
    ])
  })

  it('shares the places of the process where more lanes are due than these suffice for', () => {
    const places = createPlaces(1)
    const many = Array.from({ length: 128 }, (_, index) => lane(`receiver ${index}`))
    expect(new Set(places.offer(many).map(({ free }) => free))).toEqual(new Set([PLACES_PER_PROCESS / 128]))
    for (let count = 0; count < PLACES_PER_LANE; count++) places.take(lane('dead'))
    const offered = places.offer([lane('dead'), ...many])
    expect(offered.map(({ receiver }) => receiver)).not.toContain('dead')
    expect(offered[0]!.free).toBe(7)
  })

  it('offers one place each to as many lanes as it has places for, those first that wait longest', () => {
    const places = createPlaces(1)
    const many = Array.from({ length: 1_500 }, (_, index) => ({ ...lane(`r${index}`), dueSinceMs: -index }))
    const offered = places.offer(many)
    expect(offered).toHaveLength(PLACES_PER_PROCESS)
    expect(offered[0]).toMatchObject({ receiver: 'r1499', free: 1 })
    places.take(offered[0]!)
    expect(places.release(offered[0]!)).toBe(true)
  })

  it('asks for another look when a place becomes free that something may wait for, and not otherwise', () => {
    const places = createPlaces(1)
    const offered = places.offer([lane('a'), lane('b')])
    const claimed = [...Array<DueLane>(32).fill(lane('a')), lane('b')]
    for (const one of claimed) places.take(one)
    expect(places.used(offered, claimed, 0)).toBe(false)
    expect(places.release(lane('b'))).toBe(false)
    expect(places.release(lane('a'))).toBe(true)
  })

  it('asks for another look at once when a place became free while others were being claimed', () => {
    const places = createPlaces(1)
    for (let count = 0; count < 32; count++) places.take(lane('b'))
    const offered = places.offer([lane('a'), lane('b')])
    const before = places.taken()
    places.release(lane('b'))
    places.take(lane('a'))
    expect(places.used(offered, [lane('a')], before)).toBe(true)
  })
})
