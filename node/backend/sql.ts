/** PostgreSQL's code for a violated unique constraint. */
const UNIQUE_VIOLATION = '23505'

/** The name of the unique constraint that a failed statement violated; undefined for every other error. */
export function violatedUnique(error: unknown): string | undefined {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown }
  return code === UNIQUE_VIOLATION && typeof constraint === 'string' ? constraint : undefined
}

/** PostgreSQL's code for a lock that did not come within `lock_timeout`. */
const LOCK_NOT_AVAILABLE = '55P03'

/** Whether a statement gave up waiting for a lock: nothing is wrong with it, and it may be tried again. */
export function isLockTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === LOCK_NOT_AVAILABLE
}

/** PostgreSQL's code for a sequence that has given its last number. */
const SEQUENCE_LIMIT_EXCEEDED = '2200H'

export function isSequenceAtItsEnd(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === SEQUENCE_LIMIT_EXCEEDED
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether PostgreSQL takes the text as a uuid: ids of callers are asked before they reach a query. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}
