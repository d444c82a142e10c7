import { describe, expect, it } from 'vitest'
import type { Ratio } from '../model.ts'
import type { IlpErrorCode } from '../packet.ts'
import { createReject } from '../packet.ts'
import { parseRatio } from '../ratio.ts'
import { askTotalReceived } from './evidence.ts'
import { probePath } from './probe.ts'
import { createSimulatedPath, runToEnd } from './simulated-path.test-support.ts'

const decimal = (text: string): Ratio => parseRatio(text)!

describe('the probe of a path', () => {
  it('finds the packet limit, the exact rate and the asset in few packets', async () => {
    const path = createSimulatedPath({
      hops: [{ rate: decimal('0.5') }, { rate: decimal('1.82'), maxPacketAmount: 5_000n }]
    })
    const probe = await runToEnd(
      path.clock,
      probePath({ ...path, deliverAmount: 10n ** 6n, asksForAsset: true })
    )
    expect(probe).toMatchObject({ type: 'path', maxPacketAmount: 10_000n, lowRate: decimal('0.91') })
    expect(probe).toMatchObject({ destinationAsset: { code: 'EUR', scale: 2 } })
    expect(path.packets.length).toBeLessThanOrEqual(12)
    expect(path.packets.every(({ isProbe }) => isProbe)).toBe(true)
    expect(path.received).toBe(0n)
    expect(probe.nextSequence).toBe(path.packets.length + 1)
  })

  it('measures at the size that will be used', async () => {
    const path = createSimulatedPath({ hops: [{ rate: decimal('0.91') }] })
    await runToEnd(path.clock, probePath({ ...path, deliverAmount: 500n }))
    expect(path.packets.map(({ amount }) => amount)).toContain(550n)
    const other = createSimulatedPath({ hops: [{ rate: decimal('0.91') }] })
    await runToEnd(other.clock, probePath({ ...other, sourceAmount: 12_345n }))
    expect(other.packets.map(({ amount }) => amount)).toContain(12_345n)
  })

  it('sees that a path rounds coarsely', async () => {
    const path = createSimulatedPath({ hops: [{ rate: decimal('0.01') }, { rate: decimal('100') }] })
    const probe = await runToEnd(path.clock, probePath({ ...path, deliverAmount: 12_345n }))
    if (probe.type !== 'path') throw new Error(probe.error.message)
    expect(probe.roundingLoss).toBeGreaterThanOrEqual(100n)
    expect(probe.lowRate).toEqual(decimal('1'))
  })

  it.each<[IlpErrorCode, string]>([
    ['F02', 'EstablishmentFailed'],
    ['F06', 'EstablishmentFailed'],
    ['T01', 'RateProbeFailed'],
    ['T04', 'RateProbeFailed'],
    ['F08', 'ConnectorError']
  ])('believes no bare %s', async (code, error) => {
    const path = createSimulatedPath({ hops: [] })
    const sendPacket = async () => createReject(code, { triggeredBy: 'test.hop', message: 'no' })
    const probe = await runToEnd(path.clock, probePath({ ...path, sendPacket, sourceAmount: 500n }))
    expect(probe).toMatchObject({ type: 'failure', error: { code: error, retryable: true } })
    expect(probe.type === 'failure' && probe.error.message).toContain(code)
    expect(probe.nextSequence).toBeLessThanOrEqual(61)
  })

  it('believes no answer to another packet', async () => {
    const path = createSimulatedPath({ hops: [{ rate: decimal('1') }] })
    const first = path.sendPacket
    const replies: ReturnType<typeof first>[] = []
    const sendPacket: typeof first = (packet) => {
      replies.push(first(packet))
      return replies[0]!
    }
    const probe = await runToEnd(path.clock, probePath({ ...path, sendPacket, sourceAmount: 500n }))
    // Only the first packet's answer is its own: one unit, of which one arrived.
    expect(probe).toMatchObject({ type: 'path', lowRate: decimal('1'), highRate: decimal('2') })
  })

  it('takes the rate from authentic data whatever the code', async () => {
    const path = createSimulatedPath({ hops: [{ rate: decimal('0.91') }] })
    const sendPacket: typeof path.sendPacket = async (packet) => {
      const reply = await path.sendPacket(packet)
      return reply.type === 'reject' && reply.code === 'F99' ? { ...reply, code: 'F05' } : reply
    }
    const probe = await runToEnd(path.clock, probePath({ ...path, sendPacket, sourceAmount: 500n }))
    expect(probe).toMatchObject({ type: 'path', lowRate: decimal('0.91') })
  })

  it('waits for a path that is busy', async () => {
    const path = createSimulatedPath({ hops: [{ rate: decimal('1') }] })
    let busy = 12
    const sendPacket: typeof path.sendPacket = async (packet) =>
      busy-- > 0 ? createReject('T03', { triggeredBy: 'test.hop' }) : path.sendPacket(packet)
    const probe = await runToEnd(path.clock, probePath({ ...path, sendPacket, deliverAmount: 500n }))
    expect(probe).toMatchObject({ type: 'path', lowRate: decimal('1') })
  })

  it('stops at the signal', async () => {
    const path = createSimulatedPath({ hops: [{ rate: decimal('1') }] })
    const probe = await runToEnd(path.clock, probePath({ ...path, signal: AbortSignal.abort() }))
    expect(probe).toMatchObject({ type: 'failure', error: { code: 'RateProbeFailed' } })
  })
})

describe('evidence of what arrived', () => {
  it('is the total that the receiver tells authentically', async () => {
    const path = createSimulatedPath({ hops: [{ rate: decimal('1') }] })
    path.received = 350n
    expect(await askTotalReceived({ ...path, sequence: 2 ** 24 - 1 })).toBe(350n)
  })

  it('is nothing without an authentic answer', async () => {
    const path = createSimulatedPath({ hops: [] })
    const bare = async () => createReject('F02', { triggeredBy: 'test.hop' })
    expect(await askTotalReceived({ ...path, sequence: 5, sendPacket: bare })).toBeUndefined()
    const lost = async () => ({ type: 'inDoubt' }) as const
    expect(await askTotalReceived({ ...path, sequence: 5, sendPacket: lost })).toBeUndefined()
    expect(await askTotalReceived({ ...path, sequence: 2 ** 31 })).toBeUndefined()
  })
})
