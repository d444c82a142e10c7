import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeReply } from '../../ilp/index.ts'
import { DEFAULT_CONNECTOR_LIMITS } from './limits.ts'
import { READ_REFUSAL_COST, createRefusals } from './refusals.ts'
import { createScene } from './scene.test-support.ts'

const { minRefusalsPerSecond, maxRefusalShare, maxRestMs } = DEFAULT_CONNECTOR_LIMITS
const COST = READ_REFUSAL_COST

function setUp() {
  let nowMs = 0
  const refusals = createRefusals({ monotonicMs: () => nowMs }, DEFAULT_CONNECTOR_LIMITS)
  return {
    refusals,
    pass: (ms: number) => void (nowMs += ms),
    refuse(count: number, peerId = 'alice') {
      for (let number = 0; number < count; number += 1) refusals.count(peerId, COST)
    }
  }
}

describe('a peer that is refused', () => {
  it('is read on at once, a second’s worth of refusals', () => {
    const { refusals, refuse } = setUp()
    refuse(minRefusalsPerSecond)
    expect(refusals.restMs('alice')).toBe(0)
    refuse(1)
    expect(refusals.restMs('alice')).toBeGreaterThan(0)
  })

  it('rests longer the more it asks, and never longer than the limit', () => {
    const { refusals, refuse } = setUp()
    let lastMs = 0
    for (let step = 0; step < 20; step += 1) {
      refuse(minRefusalsPerSecond)
      const restMs = refusals.restMs('alice')
      expect(restMs).toBeGreaterThanOrEqual(lastMs)
      expect(restMs).toBeLessThanOrEqual(maxRestMs)
      lastMs = restMs
    }
    expect(lastMs).toBe(maxRestMs)
  })

  it('makes no other peer rest', () => {
    const { refusals, refuse } = setUp()
    refuse(10_000, 'alice')
    expect(refusals.restMs('bob')).toBe(0)
    refuse(1, 'bob')
    expect(refusals.restMs('bob')).toBe(0)
  })

  it('is read on when the flood is over', () => {
    const { refusals, refuse, pass } = setUp()
    refuse(10_000)
    pass(1_000 + maxRestMs)
    expect(refusals.restMs('alice')).toBe(0)
  })
})

it('whatever is asked, and over however many connections: refusals cost their share at most', () => {
  fc.assert(
    fc.property(
      fc.record({
        connections: fc.integer({ min: 1, max: 2_000 }),
        carriedPerSecond: fc.integer({ min: 0, max: 3_000 })
      }),
      ({ connections, carriedPerSecond }) => {
        const { refusals, pass } = setUp()
        // Each connection asks again as soon as it is read on.
        const readOnAtMs = Array<number>(connections).fill(0)
        let refused = 0
        let carried = 0
        const SECONDS = 8
        const STEP_MS = 20
        for (let atMs = 0; atMs < SECONDS * 1_000; atMs += STEP_MS) {
          pass(STEP_MS)
          for (; carried < (carriedPerSecond * atMs) / 1_000; carried += 1) refusals.countFulfill('alice')
          for (let connection = 0; connection < connections; connection += 1) {
            if (readOnAtMs[connection]! > atMs) continue
            refusals.count('alice', COST)
            refused += 1
            readOnAtMs[connection] = atMs + refusals.restMs('alice')
          }
        }
        const perSecond = minRefusalsPerSecond + (maxRefusalShare / COST) * carriedPerSecond
        // A second's worth at once, one request of each connection, and each again after the longest rest.
        const most = perSecond * (SECONDS + 1) + connections * (1 + (SECONDS * 1_000) / maxRestMs)
        expect(refused).toBeLessThanOrEqual(most * 1.05)
      }
    ),
    { numRuns: 20 }
  )
})

describe('the door', () => {
  it('refuses a peer beyond its packets per second unread, and reads it again when time has passed', async () => {
    const { node, alice, bob, clock, toBob, transport } = await createScene()
    const { door } = node.connector
    alice.maxPacketsPerSecond = 10
    for (let number = 0; number < 10; number += 1) {
      expect(door.refuseUnread(alice, COST)).toBeUndefined()
      void node.connector.handle(alice, toBob(number, { amount: 0n }))
    }
    await clock.advance(0)
    expect(transport.sent).toHaveLength(10)
    const reject = decodeReply(door.refuseUnread(alice, COST)!)
    expect(reject).toMatchObject({ type: 'reject', code: 'T05', triggeredBy: 'test.acacia' })
    expect(door.refuseUnread(bob, COST)).toBeUndefined()
    await clock.advance(100)
    expect(door.refuseUnread(alice, COST)).toBeUndefined()
  })

  it('asking takes nothing: a packet that is read later finds its place', async () => {
    const { node, alice, toBob, answerOf } = await createScene()
    alice.maxPacketsPerSecond = 1
    for (let count = 0; count < 100; count += 1) {
      expect(node.connector.door.refuseUnread(alice, COST)).toBeUndefined()
    }
    const answer = await answerOf(node.connector.handle(alice, toBob(1, { destination: 'test.nowhere' })))
    expect(answer).toMatchObject({ code: 'F02' })
  })

  it('refuses a peer with too many packets in flight: T05', async () => {
    const { node, alice, clock, toBob } = await createScene()
    alice.maxPacketsInFlight = 3
    for (let number = 0; number < 3; number += 1) void node.connector.handle(alice, toBob(number))
    await clock.advance(0)
    expect(decodeReply(node.connector.door.refuseUnread(alice, COST)!)).toMatchObject({ code: 'T05' })
  })

  it('a peer that asks far beyond its limit: T05 at once, its connections rest, within the limit it is carried', async () => {
    const { node, alice, clock, toBob, transport } = await createScene()
    alice.maxPacketsPerSecond = 10
    const codes: string[] = []
    for (let number = 0; number < 400; number += 1) {
      void node.connector.handle(alice, toBob(number, { amount: 0n })).then((answer) => {
        if (answer.type === 'reject') codes.push(answer.code)
      })
    }
    await clock.advance(0)
    expect(transport.sent).toHaveLength(10)
    expect(codes).toHaveLength(390)
    expect(new Set(codes)).toEqual(new Set(['T05']))
    expect(node.connector.door.restMs(alice.id)).toBeGreaterThan(0)
    await clock.advance(1_000)
    void node.connector.handle(alice, toBob(1_000, { amount: 0n }))
    await clock.advance(0)
    expect(transport.sent).toHaveLength(11)
  })

  it('is shut while the node stops: T03, and nobody rests', async () => {
    const { node, alice } = await createScene()
    await node.connector.stop(0)
    const reject = decodeReply(node.connector.door.refuseUnread(alice, COST)!)
    expect(reject).toMatchObject({ code: 'T03', message: 'the node is stopping' })
    expect(node.connector.door.restMs(alice.id)).toBe(0)
  })
})
