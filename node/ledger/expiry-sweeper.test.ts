import { describe, expect, it } from 'vitest'
import { createLogger, createManualClock } from '../runtime/index.ts'
import { startExpirySweeper } from './expiry-sweeper.ts'

function setUp(sweepExpired: () => Promise<void>) {
  const clock = createManualClock()
  const logged: string[] = []
  const logger = createLogger({ name: 'test', level: 'info', write: (line) => logged.push(line) })
  return {
    clock,
    logged,
    sweeper: startExpirySweeper({ ledger: { sweepExpired }, clock, logger, intervalMs: 100 })
  }
}

describe('the sweeper of expired reservations', () => {
  it('sweeps at once and then at each interval, until it is stopped', async () => {
    let sweeps = 0
    const { clock, sweeper } = setUp(async () => {
      sweeps += 1
    })
    expect(sweeps).toBe(1)
    await clock.advance(99)
    expect(sweeps).toBe(1)
    await clock.advance(201)
    expect(sweeps).toBe(4)
    await sweeper.stop()
    await clock.advance(1_000)
    expect(sweeps).toBe(4)
    expect(clock.nextTimerMs()).toBeUndefined()
  })

  it('goes on after a sweep that failed, and says so', async () => {
    let sweeps = 0
    const { clock, logged, sweeper } = setUp(async () => {
      sweeps += 1
      if (sweeps === 1) throw new Error('the database is away')
    })
    await clock.advance(100)
    expect(sweeps).toBe(2)
    expect(logged.join()).toContain('the database is away')
    await sweeper.stop()
  })

  it('waits for the sweep under way when stopped, and sets no timer after it', async () => {
    let finish = () => {}
    const { clock, sweeper } = setUp(() => new Promise((resolve) => (finish = resolve)))
    let stopped = false
    const stopping = sweeper.stop().then(() => (stopped = true))
    await clock.advance(0)
    expect(stopped).toBe(false)
    finish()
    await stopping
    expect(clock.nextTimerMs()).toBeUndefined()
  })
})
