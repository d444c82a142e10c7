import { describe, expect, it } from 'vitest'
import { parseRatio } from '../ratio.ts'
import { planPacket } from './plan.ts'
import type { PlanInput } from './plan.ts'
import { createRateEstimate } from './rate.ts'

const low = parseRatio('0.91')!
const exact = createRateEstimate({ low, high: low })

function plan(input: Partial<PlanInput> & { open?: bigint[] }) {
  const { open = [], ...rest } = input
  return planPacket({
    rate: exact,
    undelivered: 500n,
    budget: 556n,
    openSource: open.reduce((sum, source) => sum + source, 0n),
    openAmounts: () => open,
    inFlightCount: open.length,
    inDoubtCount: 0,
    maxPacket: 10_000n,
    minPacket: 1n,
    ...rest
  })
}

describe('the plan of amounts', () => {
  it('completes in one packet that demands all, no larger than needed', () => {
    expect(plan({})).toEqual({ step: 'send', source: 550n, wanted: 500n, isCompleting: true })
  })

  it('sends full packets while more than one is needed', () => {
    expect(plan({ maxPacket: 100n })).toEqual({ step: 'send', source: 100n, wanted: 0n, isCompleting: false })
    const rest = plan({ maxPacket: 100n, open: [100n, 100n, 100n, 100n, 100n], budget: 56n })
    expect(rest).toEqual({ step: 'send', source: 50n, wanted: 45n, isCompleting: true })
  })

  it('waits for packets whose arrival is not known exactly before it sends the last', () => {
    const coarse = createRateEstimate({ low: parseRatio('0.9')!, high: parseRatio('0.92')! })
    expect(plan({ rate: coarse, maxPacket: 500n, open: [500n], budget: 56n })).toEqual({ step: 'wait' })
  })

  it('is complete only when nothing is in flight', () => {
    expect(plan({ undelivered: 0n })).toEqual({ step: 'complete' })
    expect(plan({ undelivered: 0n, open: [5n] })).toEqual({ step: 'wait' })
  })

  it('counts on what is in doubt, and leaves it to the evidence', () => {
    const doubt = { open: [550n], inFlightCount: 0, inDoubtCount: 1 }
    expect(plan(doubt)).toEqual({ step: 'inDoubt' })
    expect(plan({ ...doubt, undelivered: 600n, budget: 0n })).toEqual({ step: 'inDoubt' })
    expect(plan({ ...doubt, undelivered: 591n, budget: 200n })).toMatchObject({ step: 'send', source: 100n })
  })

  it('asks the path once more at the price that would do, then gives up', () => {
    expect(plan({ budget: 540n })).toEqual({ step: 'send', source: 540n, wanted: 500n, isCompleting: true })
    const fellShort = { source: 540n, arrived: 491n, tries: 1 }
    expect(plan({ budget: 540n, fellShort })).toEqual({ step: 'tooPoor' })
    expect(plan({ budget: 540n, open: [1n] })).toEqual({ step: 'wait' })
    expect(plan({ budget: 0n })).toEqual({ step: 'tooPoor' })
  })

  it('grows what fell short, unless that is enough by now', () => {
    const fellShort = { source: 552n, arrived: 499n, tries: 1 }
    expect(plan({ fellShort })).toMatchObject({ source: 553n })
    expect(plan({ fellShort, undelivered: 499n })).toMatchObject({ source: 549n })
    expect(plan({ fellShort: { ...fellShort, tries: 5 }, budget: 1_000n })).toMatchObject({
      source: 552n + 1n + 69n
    })
  })

  it('sends no more than the receiver takes', () => {
    expect(plan({ receiverRoom: 91n })).toEqual({
      step: 'send',
      source: 100n,
      wanted: 0n,
      isCompleting: true
    })
    expect(plan({ receiverRoom: 0n })).toEqual({ step: 'full' })
  })

  it('sends nothing smaller than what was refused as too small', () => {
    expect(plan({ undelivered: 1n, minPacket: 100n })).toEqual({
      step: 'send',
      source: 100n,
      wanted: 1n,
      isCompleting: true
    })
  })
})
