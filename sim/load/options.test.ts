import { describe, expect, it } from 'vitest'
import { WrongUse } from '../commands/wrong-use.ts'
import { parseLoadOptions } from './options.ts'

const parse = (line: string) => parseLoadOptions(line.split(' '))

describe('the options of lab load', () => {
  it('are an open loop over the pair unless they say otherwise', () => {
    expect(parse('connector')).toMatchObject({
      kind: 'connector',
      topology: 'pair',
      transport: 'http',
      mode: { kind: 'rate', perSecond: undefined },
      durationMs: 10_000,
      processes: 1
    })
  })

  it.each([
    ['connector --rate 250.5', { mode: { kind: 'rate', perSecond: 250.5 }, durationMs: 30_000 }],
    ['connector --ramp 10:500', { mode: { kind: 'ramp', fromPerSecond: 10, toPerSecond: 500 } }],
    ['payments --search', { mode: { kind: 'search' } }],
    ['payments --callers 8', { mode: { kind: 'closed', callers: [8] } }],
    ['stream', { mode: { kind: 'closed', callers: [1, 100] } }],
    ['stream --callers 3', { mode: { kind: 'closed', callers: [3] } }],
    ['connector --rate 5 --duration 1h', { durationMs: 3_600_000 }],
    ['connector --duration 90', { durationMs: 90_000, warmUpMs: undefined }],
    ['connector --warm-up 2s', { warmUpMs: 2_000 }],
    ['payments --p99 50 --errors 0.01', { bounds: { p99Ms: 50, errorShare: 0.01 } }],
    ['connector --topology fan-in --transport btp', { topology: 'fan-in', transport: 'btp' }],
    ['connector --processes 2 --quota 0.3', { processes: 2, quota: 0.3 }]
  ])('%s', (line, expected) => expect(parse(line)).toMatchObject(expected))

  it.each([
    ['nothing', /what to load: one of connector/],
    ['connector payments', /one thing is loaded at a time/],
    ['connector --rate fast', /--rate needs a number from/],
    ['connector --rate 0', /--rate needs a number from/],
    ['connector --rate 10 --search', /one of --rate, --search can be given/],
    ['connector --ramp 10', /--ramp needs two rates/],
    ['connector --duration soon', /--duration needs a time/],
    ['connector --duration 2d', /--duration needs a time/],
    ['connector --topology ring', /--topology: one of loopback-fulfil/],
    ['payments --topology pair', /--topology is for "load connector"/],
    ['connector --processes 1.5', /--processes needs a whole number/],
    ['stream --search', /finds its own pace/],
    ['grants --transport btp', /--transport is of packets/],
    ['stream --callers 1,0', /--callers needs a whole number/],
    ['connector --errors 2', /--errors needs a number from 0 to 1/],
    ['connector --frobnicate', /frobnicate/]
  ])('%s is wrong use, said in words', (line, message) => {
    expect(() => parse(line)).toThrow(WrongUse)
    expect(() => parse(line)).toThrow(message)
  })
})
