/** Error codes of GNAP (RFC 9635 section 3.6) as this server answers them. */
export type GnapErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_interaction'
  | 'invalid_rotation'
  | 'invalid_continuation'
  | 'user_denied'
  | 'request_denied'
  | 'unknown_interaction'
  | 'too_fast'

/** An expected refusal, as the caller sees it. */
export interface GnapFailure {
  ok: false
  status: number
  /** Absent where the OpenAPI document refused the request. */
  code?: GnapErrorCode
  description: string
}

export function fail(status: number, code: GnapErrorCode, description: string): GnapFailure {
  return { ok: false, status, code, description }
}

export function isFailure(value: unknown): value is GnapFailure {
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false
}

export interface GnapErrorBody {
  error: { code?: GnapErrorCode; description: string }
}

export function errorBody({ code, description }: GnapFailure): GnapErrorBody {
  return { error: { ...(code !== undefined && { code }), description } }
}
