import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { createDeadlines } from './deadlines.ts'
import { DEFAULT_CONNECTOR_LIMITS } from './limits.ts'
import { createRefusals } from './refusals.ts'
import { createScene } from './scene.test-support.ts'

function createPaced(limits: Partial<typeof DEFAULT_CONNECTOR_LIMITS> = {}) {
  const clock = createManualClock()
  const refusals = createRefusals({
    clock,
    deadlines: createDeadlines(clock),
    limits: { ...DEFAULT_CONNECTOR_LIMITS, ...limits },
    stopped: new AbortController().signal
  })
  /** Asks for a refusal, and tells how long it was held, once it left. */
  const refuse = (peerId = 'alice', lifeMs = 30_000) => {
    const startMs = clock.nowMs()
    const refusal = { heldMs: undefined as number | undefined }
    const held = refusals.pace(peerId, startMs + lifeMs)
    if (held === undefined) refusal.heldMs = 0
    else void held.then(() => (refusal.heldMs = clock.nowMs() - startMs))
    return refusal
  }
  return { clock, refuse, refusals }
}

const { maxRefusalsPerSecond, maxRefusalDelayMs, maxRefusalsHeld } = DEFAULT_CONNECTOR_LIMITS

describe('refusals for load', () => {
  it('leave at once, a second’s worth of them', () => {
    const { refuse } = createPaced()
    const all = Array.from({ length: maxRefusalsPerSecond + 1 }, () => refuse())
    expect(all.every(({ heldMs }) => heldMs === 0)).toBe(true)
  })

  it('of a flood are held back, none longer than the limit', async () => {
    const { clock, refuse } = createPaced()
    const all = Array.from({ length: maxRefusalsPerSecond * 8 }, () => refuse())
    expect(all.filter(({ heldMs }) => heldMs === undefined).length).toBeGreaterThan(maxRefusalsPerSecond * 6)
    await clock.advance(maxRefusalDelayMs)
    const held = all.map(({ heldMs }) => heldMs!)
    expect(Math.max(...held)).toBe(maxRefusalDelayMs)
    expect(held).toEqual([...held].sort((one, other) => one - other))
  })

  it('go to a peer that asks again at once at the pace, however many connections it has', async () => {
    const { clock, refuse } = createPaced({ maxRefusalsHeld: 100_000 })
    const connections = Array.from({ length: 1_000 }, () => refuse())
    let asked = 0
    for (let second = 0; second < 10; second += 1) {
      for (let slice = 0; slice < 100; slice += 1) {
        await clock.advance(10)
        for (const [index, { heldMs }] of connections.entries()) {
          if (heldMs === undefined) continue
          connections[index] = refuse()
          asked += 1
        }
      }
    }
    // A connection asks again when it was answered: its delay bounds what a flood can cost.
    expect(asked / 10).toBeLessThanOrEqual(maxRefusalsPerSecond + 1_000 / (maxRefusalDelayMs / 1_000))
  })

  it('of one peer hold back none of another', () => {
    const { refuse } = createPaced()
    for (let count = 0; count < 2_000; count += 1) refuse('alice')
    expect(refuse('bob').heldMs).toBe(0)
  })

  it('leave before their packet expires', async () => {
    const { clock, refuse } = createPaced()
    for (let count = 0; count < 1_000; count += 1) refuse()
    const short = refuse('alice', 800)
    expect(refuse('alice', 400).heldMs).toBe(0)
    await clock.advance(300)
    expect(short.heldMs).toBe(300)
  })

  it('are held up to a number; further ones leave at once', () => {
    const { refuse } = createPaced()
    const all = Array.from({ length: maxRefusalsPerSecond * 2 + maxRefusalsHeld * 2 }, () => refuse())
    expect(all.filter(({ heldMs }) => heldMs === undefined)).toHaveLength(maxRefusalsHeld)
  })

  it('leave at once again when the flood is over', async () => {
    const { clock, refuse, refusals } = createPaced()
    for (let count = 0; count < 2_000; count += 1) refuse()
    await clock.advance(1_000 + maxRefusalDelayMs)
    expect(refuse().heldMs).toBe(0)
    refusals.forget('alice')
    expect(refuse().heldMs).toBe(0)
  })
})

it('a peer that asks far beyond its limit gets T05 slowly, and its packets within the limit at once', async () => {
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
  expect(codes).toHaveLength(maxRefusalsPerSecond + 1)
  await clock.advance(1_000)
  void node.connector.handle(alice, toBob(1_000, { amount: 0n }))
  await clock.advance(0)
  expect(transport.sent).toHaveLength(11)
  expect(new Set(codes)).toEqual(new Set(['T05']))
  expect(codes).toHaveLength(390)
})
