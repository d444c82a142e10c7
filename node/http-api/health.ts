import type { Context } from 'koa'
import type { Clock, Logger, Timer } from '../runtime/index.ts'

/**
 * Where a service is in its life:
 *
 *   starting ──doors open, workers run──▶ ready ──stop──▶ stopping
 */
export type ServiceState = 'starting' | 'ready' | 'stopping'

/** Asks whether something answers; rejects where it does not. */
export type HealthCheck = () => Promise<unknown>

export interface HealthOptions {
  /** What `/healthz` asks: the database and the cache. */
  checks: Record<string, HealthCheck>
  /** What `/readyz` asks besides. */
  readinessChecks?: Record<string, HealthCheck>
  state: () => ServiceState
  clock: Pick<Clock, 'setTimer'>
  logger: Pick<Logger, 'warn'>
}

/** The routes that tell whether a service works. They are the same at all its doors. */
export interface Health {
  /** `GET /healthz`: 200 where everything answers, else 500 (the reason goes to the log). */
  healthz(ctx: Context): Promise<void>
  /** `GET /readyz`: 200 where requests should be sent here, else 503 with the state and what is missing. */
  readyz(ctx: Context): Promise<void>
}

/** What does not answer within this counts as gone. */
export const HEALTH_CHECK_TIMEOUT_MS = 5_000

export function createHealth({ checks, readinessChecks = {}, state, clock, logger }: HealthOptions): Health {
  /** Anybody may ask: however many do at once, each part is asked once. */
  const running = new Map<string, Promise<boolean>>()

  function ask(name: string, check: HealthCheck): Promise<boolean> {
    let asked = running.get(name)
    if (asked === undefined) {
      asked = answers(name, check).finally(() => running.delete(name))
      running.set(name, asked)
    }
    return asked
  }

  async function answers(name: string, check: HealthCheck): Promise<boolean> {
    let timer: Timer | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = clock.setTimer(HEALTH_CHECK_TIMEOUT_MS, () =>
        reject(new Error(`no answer within ${HEALTH_CHECK_TIMEOUT_MS} ms`))
      )
    })
    try {
      await Promise.race([check(), late])
      return true
    } catch (error) {
      logger.warn({ err: error, part: name }, 'a health check failed')
      return false
    } finally {
      timer?.cancel()
    }
  }

  /** Names of those that do not answer. */
  async function missingOf(asked: Record<string, HealthCheck>): Promise<string[]> {
    const names = Object.keys(asked)
    const good = await Promise.all(names.map((name) => ask(name, asked[name]!)))
    return names.filter((_, index) => !good[index])
  }

  return {
    async healthz(ctx) {
      const isHealthy = (await missingOf(checks)).length === 0
      ctx.status = isHealthy ? 200 : 500
      ctx.body = isHealthy ? 'OK' : 'Internal Server Error'
    },
    async readyz(ctx) {
      ctx.set('cache-control', 'no-store')
      if (state() !== 'ready') {
        ctx.status = 503
        ctx.body = { status: state() }
        return
      }
      const missing = await missingOf({ ...checks, ...readinessChecks })
      ctx.status = missing.length === 0 ? 200 : 503
      ctx.body = missing.length === 0 ? { status: 'ready' } : { status: 'unavailable', missing }
    }
  }
}
