import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'

function collect(level = 'info') {
  const lines: string[] = []
  const logger = createLogger({ name: 'backend', level, write: (line) => lines.push(line) })
  return { logger, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

test('lines are JSON with name, level, time and message, and nothing of this machine', () => {
  const { logger, records } = collect()
  logger.debug('not shown')
  logger.info({ peer: 'a' }, 'shown')
  expect(records()).toEqual([
    { level: 30, time: expect.any(Number) as number, name: 'backend', peer: 'a', msg: 'shown' }
  ])
})

test('secrets are redacted, at the top and inside of records', () => {
  const { logger, records } = collect()
  const secrets = {
    authorization: 'GNAP abc',
    'x-idp-secret': 'abc',
    sharedSecret: 'abc',
    signature: 'abc',
    privateKey: 'abc'
  }
  logger.info({ ...secrets, request: { headers: secrets, url: '/path' }, authToken: 'abc' }, 'request')
  const text = JSON.stringify(records())
  expect(text).not.toMatch(/abc/)
  expect(text).toMatch(/"url":"\/path"/)
  expect(text.match(/\[redacted\]/g)).toHaveLength(11)
})

test('errors keep their cause', () => {
  const { logger, records } = collect()
  logger.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  expect(JSON.stringify(records()[0])).toMatch(/outer[\s\S]*inner/)
})
