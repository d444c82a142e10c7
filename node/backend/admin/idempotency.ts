import canonicalize from 'canonicalize'
import { adminError } from '../../admin-api/index.ts'
import type { Cache, Clock, Logger, Random } from '../../runtime/index.ts'

/** The longest key that is taken: keys are chosen by callers and kept for a day. */
export const MAX_IDEMPOTENCY_KEY_LENGTH = 1_024

/**
 * Makes mutations safe to repeat: a key of a tenant and operation gives the result of its first success.
 *
 *   (new key) ──lock──▶ running ──success──▶ stored for the key's lifetime
 *                          └─────error─────▶ (new key): it may be asked again
 */
export interface Idempotency {
  /**
   * @throws CONFLICT while the first call runs; BAD_USER_INPUT where the arguments are not those of the first call
   */
  once<Result>(
    call: { tenantId: string; operation: string; key: string | null | undefined; input: object },
    run: () => Promise<Result>
  ): Promise<Result>
}

export function createIdempotency({
  cache,
  clock,
  random,
  logger,
  lockMs,
  ttlMs
}: {
  cache: Cache
  clock: Clock
  random: Random
  logger: Logger
  /** GRAPHQL_IDEMPOTENCY_KEY_LOCK_MS: a lock whose holder died falls after this time. */
  lockMs: number
  /** GRAPHQL_IDEMPOTENCY_KEY_TTL_MS */
  ttlMs: number
}): Idempotency {
  /** Takes the lock and keeps it until released, however long the call takes. */
  async function lock(lockKey: string): Promise<(() => Promise<void>) | undefined> {
    const owner = random.uuid()
    if (!(await cache.setIfAbsent(lockKey, owner, lockMs))) return undefined
    let held = true
    const renewSoon = () =>
      clock.setTimer(lockMs / 2, () => {
        if (!held) return
        cache.set(lockKey, owner, lockMs).catch((error: unknown) => {
          logger.warn({ err: error }, 'the lock of an idempotency key could not be renewed')
        })
        timer = renewSoon()
      })
    let timer = renewSoon()
    return async () => {
      held = false
      timer.cancel()
      await cache.deleteIfEqual(lockKey, owner)
    }
  }

  return {
    async once({ tenantId, operation, key, input }, run) {
      if (key == null) return run()
      if (key.length > MAX_IDEMPOTENCY_KEY_LENGTH) {
        const limit = `An idempotencyKey has at most ${MAX_IDEMPOTENCY_KEY_LENGTH} characters`
        throw adminError('BAD_USER_INPUT', limit)
      }
      const storedKey = cacheKey('result', tenantId, operation, key)
      const unlock = await lock(cacheKey('lock', tenantId, operation, key))
      if (!unlock) throw adminError('CONFLICT', `Concurrent request for idempotencyKey: ${key}`)
      try {
        const asked = canonicalize(tag(input)) ?? ''
        const stored = await cache.get(storedKey)
        if (stored !== undefined) {
          const before = JSON.parse(stored) as { input: string; result: unknown }
          if (before.input === asked) return untag(before.result) as Awaited<ReturnType<typeof run>>
          throw adminError(
            'BAD_USER_INPUT',
            `Incoming arguments are different than the original request for idempotencyKey: ${key}`
          )
        }
        const result = await run()
        await cache.set(storedKey, JSON.stringify({ input: asked, result: tag(result) }), ttlMs)
        return result
      } finally {
        await unlock()
      }
    }
  }
}

/** Whatever a caller's key holds, no two parts run into one another, and no result is taken for a lock. */
function cacheKey(
  kind: 'lock' | 'result',
  ...parts: [tenantId: string, operation: string, key: string]
): string {
  return `idempotency-${kind}:${JSON.stringify(parts)}`
}

/** JSON keeps neither amounts nor dates: they are written as `{"$": [kind, text]}`. */
function tag(value: unknown): unknown {
  if (typeof value === 'bigint') return { $: ['bigint', value.toString()] }
  if (value instanceof Date) return { $: ['date', value.toISOString()] }
  if (Array.isArray(value)) return value.map(tag)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => [name, tag(member)] as const)
  // A caller's object that looks like ours is wrapped, so that it comes back as it was.
  return '$' in value ? { $: ['object', Object.fromEntries(entries)] } : Object.fromEntries(entries)
}

function untag(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untag)
  if (typeof value !== 'object' || value === null) return value
  if ('$' in value) {
    const [kind, text] = value.$ as [string, unknown]
    if (kind === 'bigint') return BigInt(text as string)
    if (kind === 'date') return new Date(text as string)
    return members(text as object)
  }
  return members(value)
}

function members(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, untag(member)]))
}
