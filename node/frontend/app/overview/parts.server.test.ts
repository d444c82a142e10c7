import { describe, expect, it } from 'vitest'
import { AdminApiError, CredentialsRefusedError, NodeUnreachableError } from '../admin-api/admin-api.ts'
import { createLogger } from '../../../runtime/index.ts'
import { createParts } from './parts.server.ts'

function partsAt(clock: { ms: number }) {
  const lines: string[] = []
  const logger = createLogger({ name: 'test', level: 'info', write: (line: string) => void lines.push(line) })
  return {
    lines,
    parts: createParts({ logger, clock: { nowMs: () => clock.ms, monotonicMs: () => clock.ms } })
  }
}
const failing = (error: Error) => () => Promise.reject(error)

describe('the parts of a page', () => {
  it('stay what they are while another one fails, which says why', async () => {
    const { parts, lines } = partsAt({ ms: 0 })
    expect(await parts.load('good', async () => 7)).toEqual({ ok: true, value: 7 })
    expect(await parts.load('refused', failing(new AdminApiError('FORBIDDEN', 'not yours')))).toEqual({
      ok: false,
      error: 'The node refused: not yours (FORBIDDEN)'
    })
    const late = await parts.load('late', failing(new NodeUnreachableError('no answer')))
    expect(late).toEqual({ ok: false, error: 'The node did not answer to this.' })
    expect(lines).toHaveLength(1)
    parts.throwIfNothingIsThere()
  })

  it('tell nothing of an error that was not foreseen but to the log', async () => {
    const { parts, lines } = partsAt({ ms: 0 })
    const part = await parts.load('broken', failing(new TypeError('secret internals')))
    expect(JSON.stringify(part)).not.toContain('internals')
    expect(lines.join()).toContain('secret internals')
  })

  it('are no page where the node answered to none of them, or knows nobody by these credentials', async () => {
    const down = partsAt({ ms: 0 }).parts
    await down.load('one', failing(new NodeUnreachableError('ECONNREFUSED')))
    await down.time('health', async () => [])
    expect(() => down.throwIfNothingIsThere()).toThrow(NodeUnreachableError)
    const refused = partsAt({ ms: 0 }).parts
    await refused.load('good', async () => 7)
    await refused.load('one', failing(new CredentialsRefusedError('no')))
    expect(() => refused.throwIfNothingIsThere()).toThrow(CredentialsRefusedError)
  })

  it('say how long each took', async () => {
    const clock = { ms: 1_000 }
    const { parts } = partsAt(clock)
    await parts.load('assets', async () => (clock.ms += 12.34))
    await parts.load('peers', async () => {
      clock.ms += 1
      throw new NodeUnreachableError('no answer')
    })
    expect(parts.serverTiming()).toBe('assets;dur=12.3, peers;dur=1.0, all;dur=13.3')
  })
})
