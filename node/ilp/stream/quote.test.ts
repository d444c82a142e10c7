import { describe, expect, it } from 'vitest'
import type { Ratio } from '../model.ts'
import { parseRatio } from '../ratio.ts'
import { probePath } from './probe.ts'
import { quoteFixedDelivery, quoteFixedSource } from './quote.ts'
import { sendStream } from './sender.ts'
import { createSimulatedPath, runToEnd } from './simulated-path.test-support.ts'

const slippage = parseRatio('0.01')!
const rate = (text: string): Ratio => parseRatio(text)!

describe('quotes over STREAM', () => {
  it('asks 556 for 500 at 0.91 with 1 % slippage, and sends 550', async () => {
    const path = createSimulatedPath({ hops: [{ rate: rate('0.91') }] })
    const probe = await runToEnd(path.clock, probePath({ ...path, deliverAmount: 500n, asksForAsset: true }))
    if (probe.type !== 'path') throw new Error(probe.error.message)
    expect(probe).toMatchObject({
      lowRate: rate('0.91'),
      roundingLoss: 1n,
      destinationAsset: { code: 'EUR', scale: 2 }
    })
    const quote = quoteFixedDelivery({ probe, slippage, deliverAmount: 500n })
    expect(quote).toMatchObject({ type: 'quote', maxSource: 556n, minDelivery: 500n })
    if (quote.type !== 'quote') return
    const { minimumRate, maxSource, minDelivery } = quote
    const result = await runToEnd(
      path.clock,
      sendStream({ ...path, sourceBudget: maxSource, deliver: minDelivery, minimumRate, path: probe })
    )
    expect(result).toMatchObject({ outcome: 'delivered', sent: 550n, delivered: 500n, packetsSent: 1 })
    expect(path.received).toBe(500n)
  })

  it('promises what the worst rate delivers of a fixed source amount', () => {
    const probe = { lowRate: rate('0.91'), highRate: rate('0.910001'), roundingLoss: 1n }
    expect(quoteFixedSource({ probe, slippage, sourceAmount: 10_000n })).toMatchObject({
      maxSource: 10_000n,
      minDelivery: 9_009n
    })
  })

  it('keeps back for the rounding of several packets', () => {
    const probe = {
      lowRate: rate('0.91'),
      highRate: rate('0.910001'),
      roundingLoss: 1n,
      maxPacketAmount: 1_000n
    }
    expect(quoteFixedSource({ probe, slippage, sourceAmount: 10_000n })).toMatchObject({
      minDelivery: 9_009n - 11n
    })
  })

  it('says what would be the least when nothing can be promised', () => {
    const probe = { lowRate: rate('0.001'), highRate: rate('0.0010001'), roundingLoss: 1n }
    const quote = (sourceAmount: bigint) => quoteFixedSource({ probe, slippage, sourceAmount })
    // 1,000 would be enough at the measured rate, not at the worst one.
    expect(quote(500n)).toEqual({ type: 'nothingDelivered', minimumSource: 1_011n })
    expect(quote(1_010n)).toEqual({ type: 'nothingDelivered', minimumSource: 1_011n })
    expect(quote(1_011n)).toMatchObject({ type: 'quote', minDelivery: 1n })
  })

  it('names the least of several packets, each of which may lose by rounding', () => {
    const probe = {
      lowRate: rate('0.01'),
      highRate: rate('0.0100001'),
      roundingLoss: 1n,
      maxPacketAmount: 1_000n
    }
    const coarse = { ...probe, roundingLoss: 7n }
    const quote = (sourceAmount: bigint) => quoteFixedSource({ probe: coarse, slippage, sourceAmount })
    const refused = quote(1n)
    if (refused.type !== 'nothingDelivered') throw new Error('something is promised of one unit')
    expect(refused.minimumSource).toBe(809n)
    expect(quote(809n).type).toBe('quote')
    expect(quote(808n).type).toBe('nothingDelivered')
  })

  it('names none where no amount would do', () => {
    const probe = { lowRate: rate('0.001'), highRate: rate('0.0010001'), roundingLoss: 1n }
    const nothing = { type: 'nothingDelivered', minimumSource: undefined }
    expect(quoteFixedDelivery({ probe, slippage: rate('1'), deliverAmount: 5n })).toEqual(nothing)
    // Each packet may lose all that it brings.
    const small = { ...probe, maxPacketAmount: 1_000n }
    expect(quoteFixedSource({ probe: small, slippage, sourceAmount: 500n })).toEqual(nothing)
  })
})
