/** PostgreSQL's code for a violated unique constraint. */
const UNIQUE_VIOLATION = '23505'

/** The name of the unique constraint that a failed statement violated; undefined for every other error. */
export function violatedUnique(error: unknown): string | undefined {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown }
  return code === UNIQUE_VIOLATION && typeof constraint === 'string' ? constraint : undefined
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether PostgreSQL takes the text as a uuid: ids of callers are asked before they reach a query. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}
