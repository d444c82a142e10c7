import type { Context } from 'koa'
import { describe, expect, it } from 'vitest'
import { createLogger, createManualClock } from '../runtime/index.ts'
import { createHealth, HEALTH_CHECK_TIMEOUT_MS } from './health.ts'
import type { HealthCheck, ServiceState } from './health.ts'

type Part = 'database' | 'cache' | 'ledger'

function setUp() {
  const clock = createManualClock()
  const lines: string[] = []
  const asked: Record<Part, number> = { database: 0, cache: 0, ledger: 0 }
  const behaviour: Record<Part, HealthCheck> = {
    database: async () => undefined,
    cache: async () => undefined,
    ledger: async () => undefined
  }
  const check = (part: Part) => () => {
    asked[part] += 1
    return behaviour[part]()
  }
  const service = { state: 'ready' as ServiceState }
  const health = createHealth({
    clock,
    logger: createLogger({ name: 'test', level: 'warn', write: (line) => void lines.push(line) }),
    state: () => service.state,
    checks: { database: check('database'), cache: check('cache') },
    readinessChecks: { ledger: check('ledger') }
  })
  async function get(route: 'healthz' | 'readyz') {
    const ctx = { set: () => undefined, status: 0, body: undefined as unknown }
    await health[route](ctx as unknown as Context)
    return { status: ctx.status, body: ctx.body }
  }
  return { clock, lines, asked, behaviour, service, get }
}

const gone = () => Promise.reject(new Error('gone'))

describe('health', () => {
  it('healthz asks database and cache: 200 where both answer, else 500 and a log line', async () => {
    const { get, behaviour, asked, lines } = setUp()
    expect(await get('healthz')).toEqual({ status: 200, body: 'OK' })
    expect(asked).toEqual({ database: 1, cache: 1, ledger: 0 })
    for (const part of ['database', 'cache'] as const) {
      const before = behaviour[part]
      behaviour[part] = gone
      expect(await get('healthz')).toEqual({ status: 500, body: 'Internal Server Error' })
      expect(JSON.parse(lines.at(-1)!)).toMatchObject({ part, msg: 'a health check failed' })
      behaviour[part] = before
    }
    behaviour.ledger = gone
    expect((await get('healthz')).status).toBe(200)
  })

  it('readyz is 503 while the service starts, stops, or a part is away', async () => {
    const { get, behaviour, service } = setUp()
    expect(await get('readyz')).toEqual({ status: 200, body: { status: 'ready' } })
    for (const state of ['starting', 'stopping'] as const) {
      service.state = state
      expect(await get('readyz')).toEqual({ status: 503, body: { status: state } })
    }
    service.state = 'ready'
    behaviour.ledger = gone
    behaviour.cache = gone
    expect(await get('readyz')).toEqual({
      status: 503,
      body: { status: 'unavailable', missing: ['cache', 'ledger'] }
    })
  })

  it('what does not answer in time counts as gone', async () => {
    const { get, behaviour, clock } = setUp()
    behaviour.database = () => new Promise(() => undefined)
    const answer = get('healthz')
    await clock.advance(HEALTH_CHECK_TIMEOUT_MS)
    expect((await answer).status).toBe(500)
  })

  it('however many ask at once, each part is asked once', async () => {
    const { get, behaviour, asked } = setUp()
    let answer!: () => void
    behaviour.database = () => new Promise<void>((resolve) => (answer = resolve))
    const answers = Array.from({ length: 50 }, () => get('healthz'))
    answer()
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200)
    expect(asked.database).toBe(1)
    await Promise.all([get('healthz').then(() => undefined), Promise.resolve().then(() => answer())])
    expect(asked.database).toBe(2)
  })
})
