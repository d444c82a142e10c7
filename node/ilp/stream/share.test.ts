import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../runtime/index.ts'
import { parseRatio } from '../ratio.ts'
import type { SendPacket } from '../model.ts'
import { SEND_LIMITS } from './pace.ts'
import type { SendLimits } from './pace.ts'
import { sendStream } from './sender.ts'
import { createSendingShare } from './share.ts'
import type { SendingShare } from './share.ts'
import { createSimulatedPath, runToEnd } from './simulated-path.test-support.ts'

const par = parseRatio('1')!
const PACKET = 100n

/** A process that handles one packet after the other, `perMs` in a millisecond, before each goes on its way. */
function createProcess({
  perMs,
  latencyMs,
  share = createSendingShare()
}: {
  perMs: number
  latencyMs: number
  share?: SendingShare
}) {
  const clock = createManualClock()
  let freeAtMs = 0
  let inFlight = 0
  const process = { clock, handled: 0, mostInFlight: 0, mostInOneGo: 0, pay }
  let inOneGo = 0

  /** Pays in packets of 100; tells how many packets the process handled meanwhile. */
  async function pay(packets: number, limits: Partial<SendLimits> = {}) {
    const path = createSimulatedPath({ hops: [{ rate: par }], clock, latencyMs, maxPackets: Infinity })
    const startedAt = process.handled
    const amount = PACKET * BigInt(packets)
    const sendPacket: SendPacket = async (packet) => {
      // What is sent in one go is sent before the platform has a turn.
      if (inOneGo === 0) setImmediate(() => (inOneGo = 0))
      process.mostInOneGo = Math.max(process.mostInOneGo, ++inOneGo)
      process.mostInFlight = Math.max(process.mostInFlight, ++inFlight)
      freeAtMs = Math.max(freeAtMs, clock.nowMs()) + 1 / perMs
      await clock.sleep(freeAtMs - clock.nowMs())
      process.handled++
      const reply = await path.sendPacket(packet)
      inFlight--
      return reply
    }
    const result = await sendStream({
      ...path,
      sendPacket,
      share,
      limits,
      sourceBudget: amount,
      deliver: amount,
      minimumRate: par,
      path: { maxPacketAmount: PACKET, lowRate: par, highRate: par }
    })
    expect(result).toMatchObject({ outcome: 'delivered', delivered: amount })
    return { handled: process.handled - startedAt, endedAtMs: clock.nowMs() }
  }
  return process
}

describe('payments of one process', () => {
  it('finish in bounded order: a hundred small ones beside a huge one', async () => {
    const process = createProcess({ perMs: 2, latencyMs: 20 })
    const huge = process.pay(2_500)
    const small: ReturnType<typeof process.pay>[] = []
    process.clock.setTimer(600, () => {
      for (let count = 0; count < 100; count++) small.push(process.pay(5))
    })
    const { endedAtMs } = await runToEnd(process.clock, huge)
    expect(small.length).toBe(100)
    const ended = await runToEnd(process.clock, Promise.all(small))
    expect(ended.every((one) => one.endedAtMs < endedAtMs)).toBe(true)
    // While all small ones were served, 500 packets, the huge one had no more than they had.
    expect(Math.max(...ended.map(({ handled }) => handled))).toBeLessThan(1_000)
  })

  it('have no limit but the window: the path, not a rate, is what is waited for', async () => {
    const process = createProcess({ perMs: 1_000, latencyMs: 50 })
    const packets = 4_000
    const limits = { maxWindow: 400 }
    const startedAtMs = process.clock.nowMs()
    const { endedAtMs } = await runToEnd(process.clock, process.pay(packets, limits))
    const bestMs = (packets / limits.maxWindow) * 50
    // Doubling from the first window to the longest takes five round trips; their packets count as well.
    expect(endedAtMs - startedAtMs).toBeLessThan(bestMs + 8 * 50)
    expect(process.mostInFlight).toBe(limits.maxWindow)
  })

  it('have no more in flight than their process allows, whatever their windows are', async () => {
    const process = createProcess({ perMs: 1_000, latencyMs: 200, share: createSendingShare(200) })
    await runToEnd(process.clock, Promise.all(Array.from({ length: 5 }, () => process.pay(200))))
    expect(process.mostInFlight).toBe(200)
  })

  it('let everything else have its turn: a large window is not filled in one go', async () => {
    const process = createProcess({ perMs: 1_000, latencyMs: 50 })
    await runToEnd(process.clock, process.pay(800, { startWindow: 500 }))
    expect(process.mostInFlight).toBeGreaterThan(400)
    expect(process.mostInOneGo).toBe(SEND_LIMITS.maxBurst)
  })
})

describe('the share of a payment', () => {
  it('is the same for all, at least one packet, and grows when others end', () => {
    const share = createSendingShare(10)
    const first = share.join()
    expect(first.limit).toBe(10)
    const others = Array.from({ length: 3 }, () => share.join())
    expect([first, ...others].map(({ limit }) => limit)).toEqual([2, 2, 2, 2])
    const many = Array.from({ length: 100 }, () => share.join())
    expect(first.limit).toBe(1)
    for (const member of [...others, ...many]) {
      member.leave()
      member.leave()
    }
    expect(first.limit).toBe(10)
  })
})
