import { GraphQLError } from 'graphql'
import { adminError } from '../../admin-api/index.ts'
import type { Cache, Clock, Logger, Random } from '../../runtime/index.ts'
import type { SecretBox } from '../secrets.ts'
import { violatedUnique } from '../sql.ts'
import type { Creation, CreationClaims, IdempotencyKey } from './creation-claims.ts'
import { readResult, writeInput, writeResult } from './kept-results.ts'

/** The longest key that is taken: keys are chosen by callers and kept for a day. */
export const MAX_IDEMPOTENCY_KEY_LENGTH = 1_024

/** A mutation that is called, with its key where the caller gave one. */
export interface Call extends Omit<IdempotencyKey, 'key'> {
  key: string | null | undefined
  input: object
}

/**
 * Makes mutations safe to repeat: a key of a tenant and operation gives the result of its first success.
 *
 *   (new key) ──lock──▶ running ──success──▶ stored for the key's lifetime
 *                          └─────error─────▶ (new key): it may be asked again
 *
 * Where the answer was never stored (the process died, the cache was gone), a repeat runs again. What changes a thing
 * that is named does no harm then; what makes something new makes it under the id that its key claimed.
 */
export interface Idempotency {
  /**
   * For what may be done twice: changes of a resource, transfers whose id is given.
   *
   * @throws CONFLICT while the first call runs; BAD_USER_INPUT where the arguments are not those of the first call
   */
  once<Result>(call: Call, run: () => Promise<Result>): Promise<Result>
  /** For what makes something new; throws as `once` does. */
  createOnce<Result>(call: Call, run: (creation: Creation) => Promise<Result>): Promise<Result>
}

export function createIdempotency({
  cache,
  claims,
  box,
  clock,
  random,
  logger,
  lockMs,
  ttlMs
}: {
  cache: Cache
  claims: CreationClaims
  /** Seals what is stored: results may hold tokens of peers, arguments what a payer sends to the receiver. */
  box: SecretBox
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
      await cache.deleteIfEqual(lockKey, owner).catch((error: unknown) => {
        logger.warn(
          { err: error },
          'the lock of an idempotency key could not be released: it falls by itself'
        )
      })
    }
  }

  async function find(storedKey: string): Promise<{ input: string; result: string } | undefined> {
    const stored = await cache.get(storedKey)
    if (stored === undefined) return undefined
    try {
      return JSON.parse(box.open(stored).toString()) as { input: string; result: string }
    } catch (error) {
      logger.warn({ err: error }, 'a stored result cannot be opened: STREAM_SECRET was changed since')
      return undefined
    }
  }

  /** What was done stays done, whether it could be stored or not. */
  async function store(storedKey: string, input: string, result: unknown): Promise<void> {
    const text = JSON.stringify({ input, result: writeResult(result) })
    try {
      await cache.set(storedKey, box.seal(Buffer.from(text)), ttlMs)
    } catch (error) {
      logger.warn({ err: error }, 'the result of a mutation could not be stored: a repeat runs again')
    }
  }

  async function locked<Result>(
    { key, ...of }: IdempotencyKey,
    input: string,
    run: () => Promise<Result>
  ): Promise<Result> {
    const storedKey = cacheKey('result', of.tenantId, of.operation, key)
    const unlock = await lock(cacheKey('lock', of.tenantId, of.operation, key))
    if (!unlock) throw concurrent(key)
    try {
      const before = await find(storedKey)
      if (before !== undefined) {
        if (before.input !== input) throw otherArguments(key)
        return readResult(before.result) as Result
      }
      const result = await run()
      await store(storedKey, input, result)
      return result
    } finally {
      await unlock()
    }
  }

  return {
    async once({ key, input, ...of }, run) {
      return key == null ? run() : locked({ ...of, key: checked(key) }, writeInput(input), run)
    },
    async createOnce({ key: given, input, ...of }, run) {
      if (given == null) return run({ id: random.orderedUuid(), isRepeated: false })
      const key = { ...of, key: checked(given) }
      const asked = writeInput(input)
      return locked(key, asked, async () => {
        const creation = await claims.claim(key, asked)
        if (creation === undefined) throw otherArguments(given)
        try {
          return await run(creation)
        } catch (error) {
          // Only a lock that fell (the cache was gone) lets two make the same row at once.
          if (violatedUnique(error)?.endsWith('_pkey')) throw concurrent(given)
          // Refused, and nothing made: other arguments are welcome. Whoever came before may still be at it.
          if (error instanceof GraphQLError && !creation.isRepeated) await claims.release(key, creation)
          throw error
        }
      })
    }
  }
}

function checked(key: string): string {
  if (key.length <= MAX_IDEMPOTENCY_KEY_LENGTH) return key
  throw adminError('BAD_USER_INPUT', `An idempotencyKey has at most ${MAX_IDEMPOTENCY_KEY_LENGTH} characters`)
}

function concurrent(key: string) {
  return adminError('CONFLICT', `Concurrent request for idempotencyKey: ${key}`)
}

function otherArguments(key: string) {
  return adminError(
    'BAD_USER_INPUT',
    `Incoming arguments are different than the original request for idempotencyKey: ${key}`
  )
}

/** Whatever a caller's key holds, no two parts run into one another, and no result is taken for a lock. */
function cacheKey(
  kind: 'lock' | 'result',
  ...parts: [tenantId: string, operation: string, key: string]
): string {
  return `idempotency-${kind}:${JSON.stringify(parts)}`
}
