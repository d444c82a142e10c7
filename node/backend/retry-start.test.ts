import { describe, expect, it } from 'vitest'
import { createLogger, createManualClock } from '../runtime/index.ts'
import { StartError } from '../commands/index.ts'
import { isUnreachable, MAX_DATABASE_RETRIES, reachDatabase } from './retry-start.ts'

const URL = 'postgresql://user:hush@db.test:5432/rafiki'
const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

function setUp() {
  const clock = createManualClock()
  return { clock, parts: { clock, logger: createLogger({ name: 'test', level: 'silent' }) } }
}

describe('reaching the database at the start', () => {
  it('tries again with doubling waits while nobody answers', async () => {
    const { clock, parts } = setUp()
    const triedMs: number[] = []
    const startMs = clock.nowMs()
    const work = async () => {
      triedMs.push(clock.nowMs() - startMs)
      if (triedMs.length < 4) throw refused()
      return 'there'
    }
    const reaching = reachDatabase(parts, URL, work)
    await clock.advance(1_000)
    expect(await reaching).toBe('there')
    expect(triedMs).toEqual([0, 30, 90, 210])
  })

  it('gives up with one line that names the place and hides the password', async () => {
    const { clock, parts } = setUp()
    let tries = 0
    const reaching = reachDatabase(parts, URL, async () => {
      tries += 1
      throw refused()
    })
    const outcome = expect(reaching).rejects.toThrow(
      'DATABASE_URL: PostgreSQL at db.test:5432/rafiki does not answer (connect ECONNREFUSED): start it, or set DATABASE_URL'
    )
    await clock.advance(60_000)
    await outcome
    expect(tries).toBe(MAX_DATABASE_RETRIES + 1)
  })

  it('does not repeat what the database refuses', async () => {
    const { parts } = setUp()
    const wrong = Object.assign(new Error('database "rafiki" does not exist'), { code: '3D000' })
    await expect(reachDatabase(parts, URL, () => Promise.reject(wrong))).rejects.toThrow(StartError)
  })

  it('knows who does not answer', () => {
    expect(isUnreachable(refused())).toBe(true)
    expect(isUnreachable({ code: '57P03' })).toBe(true)
    expect(isUnreachable({ code: '08006' })).toBe(true)
    expect(isUnreachable(new Error('Connection terminated unexpectedly'))).toBe(true)
    expect(isUnreachable({ code: '28P01' })).toBe(false)
    expect(isUnreachable(new Error('syntax'))).toBe(false)
    expect(isUnreachable(undefined)).toBe(false)
  })
})
