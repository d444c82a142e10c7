import { describe, expect, it } from 'vitest'
import { createLogger, createManualClock } from '../runtime/index.ts'
import { createStopOrder, STOP_CUT_MS } from './stop-order.ts'

function setUp() {
  const clock = createManualClock()
  const logged: string[] = []
  const logger = createLogger({ name: 'test', level: 'error', write: (line) => logged.push(line) })
  return { clock, logged, order: createStopOrder({ clock, logger }), events: [] as string[] }
}

describe('stop order', () => {
  it('stops the last group first, the members of one together', async () => {
    const { order, events } = setUp()
    const part = (name: string) => async () => {
      events.push(`${name} begins`)
      await Promise.resolve()
      events.push(`${name} ends`)
    }
    order.add('a', part('a'))
    order.nextGroup()
    order.add('b', part('b'))
    order.add('c', part('c'))
    await order.stop(1_000)
    expect(events).toEqual(['b begins', 'c begins', 'b ends', 'c ends', 'a begins', 'a ends'])
    await order.stop(1_000)
    expect(events).toHaveLength(6)
  })

  it('goes on past a part that fails or hangs, and says which', async () => {
    const { clock, order, events, logged } = setUp()
    order.add('last', async () => void events.push('last'))
    order.nextGroup()
    order.add('failing', async () => {
      throw new Error('broken')
    })
    order.add('throwing', () => {
      throw new Error('at once')
    })
    order.add('hanging', () => new Promise(() => undefined))
    const stopping = order.stop(2_000)
    await clock.advance(2_000 + STOP_CUT_MS - 1)
    expect(events).toEqual([])
    await clock.advance(1)
    await stopping
    expect(events).toEqual(['last'])
    expect(logged.map((line) => (JSON.parse(line) as { part: string }).part).sort()).toEqual([
      'failing',
      'hanging',
      'throwing'
    ])
  })

  it('shares one grace between all groups', async () => {
    const { clock, order } = setUp()
    const given: [string, number][] = []
    const taking = (name: string, ms: number) => (graceMs: number) => {
      given.push([name, graceMs])
      return clock.sleep(ms)
    }
    order.add('last', taking('last', 0))
    order.nextGroup()
    order.add('second', taking('second', 100_000))
    order.nextGroup()
    order.add('first', taking('first', 700))
    const stopping = order.stop(2_000)
    await clock.advance(700)
    await clock.advance(1_300 + STOP_CUT_MS)
    await stopping
    expect(given).toEqual([
      ['first', 2_000],
      ['second', 1_300],
      ['last', 0]
    ])
  })
})
