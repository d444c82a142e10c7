/** The cache does not answer: it is gone, or hangs. Whether it did what it was asked is unknown. */
export class CacheUnavailableError extends Error {
  override name = 'CacheUnavailableError'
}

/** A statement that the server cancelled for its time; too many connections (PostgreSQL, appendix A). */
const OVERLOAD_CODES = ['57014', '53300']
/** Causes of causes that are looked at. */
const MAX_CAUSES = 5

/**
 * Whether an error says that the database or the cache did not answer in time: no connection of the pool came free,
 * a statement took too long, the cache is gone or hangs. It says nothing about what was asked; it may be asked again.
 */
export function isOverload(error: unknown): boolean {
  let cause = error
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth += 1) {
    // knex's own class is not exported.
    if (cause instanceof CacheUnavailableError || cause.name === 'KnexTimeoutError') return true
    if ('code' in cause && OVERLOAD_CODES.includes(String(cause.code))) return true
    cause = cause.cause
  }
  return false
}
