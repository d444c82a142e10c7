import { describe, expect, it } from 'vitest'
import { createLogger, createManualClock } from '../runtime/index.ts'
import type { Clock } from '../runtime/index.ts'
import { CACHE_ANSWER_MS, CACHE_PAUSE_MS, createSharedRecords } from './shared-records.ts'

const ANSWER = new Map([['other', '7']])

/** A cache whose answers are given by hand. */
function open(clock: Clock) {
  const asked: { answer(record: ReadonlyMap<string, string>): void }[] = []
  const lines: string[] = []
  const records = createSharedRecords({
    cache: {
      shareField: () => new Promise((resolve) => void asked.push({ answer: resolve }))
    },
    clock,
    logger: createLogger({ name: 'test', level: 'warn', write: (line) => void lines.push(line) }),
    field: 'own',
    ttlMs: 60_000,
    silence: { event: 'not_shared', message: 'nobody answers' }
  })
  return { records, asked, lines }
}

describe('records that processes share', () => {
  it('a cache that does not answer in time is silent, and is left alone for a while', async () => {
    const clock = createManualClock()
    const { records, asked, lines } = open(clock)
    const exchange = records.exchange('key', '1')
    await clock.advance(CACHE_ANSWER_MS)
    expect(await exchange).toBeUndefined()
    expect(await records.exchange('key', '2')).toBeUndefined()
    expect(asked).toHaveLength(1)
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['not_shared'])
    await clock.advance(CACHE_PAUSE_MS)
    const next = records.exchange('key', '3')
    asked[1]!.answer(ANSWER)
    expect(await next).toEqual(ANSWER)
    expect(clock.nextTimerMs()).toBeUndefined()
  })

  it('an answer that lies there when this process is late itself is read', async () => {
    const manual = createManualClock()
    let onTimer = () => undefined as void
    // As the event loop does it: what is due is called first, then sockets are read.
    const clock: Clock = {
      ...manual,
      setTimer: (delayMs, callback) =>
        manual.setTimer(delayMs, () => {
          callback()
          setImmediate(onTimer)
        })
    }
    const { records, asked, lines } = open(clock)
    const exchange = records.exchange('key', '1')
    onTimer = () => asked[0]!.answer(ANSWER)
    await manual.advance(CACHE_ANSWER_MS)
    expect(await exchange).toEqual(ANSWER)
    expect(lines).toEqual([])
  })
})
