import type { Failure } from '../model.ts'
import { UNREADABLE_RECEIVER } from '../receivers/model.ts'
import type { FailureRegistry } from '../failures.ts'

/** An answer that refuses: `{"error": {"code", "description", "details"?}}` with its status (Open Payments, error-response). */
export interface Refusal {
  refusal: {
    status: number
    description: string
    details?: Record<string, unknown>
    /** Names the authorization server in WWW-Authenticate. */
    challenge?: true
    /** For the log alone. */
    cause?: string
  }
}

export function refuse(status: number, description: string, details?: Record<string, unknown>): Refusal {
  return { refusal: { status, description, ...(details && { details }) } }
}

/** A refusal for the sake of the access token: tells where to get one (RFC 9635, 9.1). */
export function challenge(status: number, description: string): Refusal {
  return { refusal: { status, description, challenge: true } }
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refusal' in value
}

/**
 * A service's failure as the contract answers it. What the service says more precisely stands in
 * `details.reason`.
 */
export function refuseFailure<Code extends string>(
  registry: FailureRegistry<Code>,
  { failure: code, message, details, cause }: Failure<Code>
): Refusal {
  const { http, message: description } = registry[code]
  const all = {
    ...details,
    ...(message !== undefined && message !== description && { reason: message })
  }
  const { refusal } = refuse(http, description, Object.keys(all).length > 0 ? all : undefined)
  return { refusal: { ...refusal, ...(cause !== undefined && { cause }) } }
}

/**
 * A refusal for a receiver that cannot be read. Its client is told that and no more: what this node's network
 * answered would tell it who listens where.
 */
export function refuseUnreadable(cause: string): Refusal {
  const { refusal } = refuse(400, 'invalid receiver', { reason: UNREADABLE_RECEIVER })
  return { refusal: { ...refusal, cause } }
}

export function errorBody({ refusal: { status, description, details } }: Refusal) {
  return { error: { code: String(status), description, ...(details && { details: asJson(details) }) } }
}

/** Details may hold amounts: bigint becomes a string, as on all our wires. */
function asJson(details: Record<string, unknown>): unknown {
  return JSON.parse(
    JSON.stringify(details, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
  )
}
