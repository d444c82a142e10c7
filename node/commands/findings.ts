/**
 *   ok        as it should be
 *   warning   it will start, and its operator should know
 *   fault     it will not start, or not work
 */
export type FindingLevel = 'ok' | 'warning' | 'fault'

/** One thing that a check looked at. */
export interface Finding {
  level: FindingLevel
  /** The variable, or what else it is about. */
  subject: string
  /** What was found and, unless it is well, what to do. */
  message: string
}

/** Looks at one thing. What it throws is a fault. */
export type Check = () => Promise<Finding | Finding[]>

/** A check that has not ended by then is a fault. */
export const CHECK_TIMEOUT_MS = 10_000

export const ok = (subject: string, message: string): Finding => ({ level: 'ok', subject, message })
export const warning = (subject: string, message: string): Finding => ({ level: 'warning', subject, message })
export const fault = (subject: string, message: string): Finding => ({ level: 'fault', subject, message })

/** The finding in one line for its reader. */
export function describeFinding({ level, subject, message }: Finding): string {
  return `${level.padEnd(7)}  ${subject}: ${message.replaceAll('\n', ' ')}\n`
}

/** What an error says, with its causes where they add something. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: string }
  const own = error.message || code || error.name
  return error.cause instanceof Error && !own.includes(error.cause.message)
    ? `${own} (${describeError(error.cause)})`
    : own
}
