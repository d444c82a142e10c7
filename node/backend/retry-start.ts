import { StartError } from '../commands/index.ts'
import type { Clock, Logger } from '../runtime/index.ts'

/** Waits between tries to reach the database: 30 ms, doubled each time, this often. */
export const DATABASE_RETRY_STEP_MS = 30
export const MAX_DATABASE_RETRIES = 8

/** Codes of errors that say that nobody answers, or not yet: the network's, and PostgreSQL's. */
const UNREACHABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03' // cannot_connect_now
])

/** Whether the database did not answer, so that a repeat may help. */
export function isUnreachable(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code === 'string') return UNREACHABLE_CODES.has(code) || code.startsWith('08')
  return typeof message === 'string' && /connection terminated|timeout expired/i.test(message)
}

/**
 * Runs the first statements of a start, and again while the database does not answer.
 *
 * @throws StartError naming the database when it never answered or refused us
 */
export async function reachDatabase<T>(
  { clock, logger }: { clock: Clock; logger: Logger },
  url: string,
  work: () => Promise<T>
): Promise<T> {
  for (let retry = 0; ; retry++) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof StartError) throw error
      const where = describeDatabase(url)
      const reason = describe(error)
      if (!isUnreachable(error)) {
        throw new StartError(`DATABASE_URL: PostgreSQL at ${where} refused the start: ${reason}`, {
          cause: error
        })
      }
      if (retry === MAX_DATABASE_RETRIES) {
        throw new StartError(
          `DATABASE_URL: PostgreSQL at ${where} does not answer (${reason}): start it, or set DATABASE_URL`,
          { cause: error }
        )
      }
      const waitMs = DATABASE_RETRY_STEP_MS * 2 ** retry
      logger.warn({ reason, waitMs }, `PostgreSQL at ${where} does not answer; trying again`)
      await clock.sleep(waitMs)
    }
  }
}

/** Host, port and name, without the credentials. */
function describeDatabase(url: string): string {
  if (!URL.canParse(url)) return 'DATABASE_URL'
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: string }
  return error.message || code || error.name
}
