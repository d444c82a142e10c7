import { getAuthServerOpenAPI } from '@interledger/open-payments'
import { HttpMethod, isValidationError } from '@interledger/openapi'
import type { OpenAPI } from '@interledger/openapi'
import type { ApiHandler } from './api.ts'
import type { GnapFailure } from './errors.ts'

/** An operation of Open Payments' auth server document. */
export interface AuthOperation {
  path: '/' | '/continue/{id}' | '/token/{id}'
  method: 'post' | 'delete'
}

export const loadAuthServerDocument = getAuthServerOpenAPI

/** Raised when an answer of ours does not fit the document: a defect found before a client finds it. */
export class InvalidAnswerError extends Error {
  override name = 'InvalidAnswerError'
}

/**
 * Holds a handler to the document: requests that do not fit are refused before it sees them; its successful
 * answers must fit too.
 *
 * @throws InvalidAnswerError where `validateAnswers` and an answer does not fit
 */
export function validated(
  document: OpenAPI,
  { path, method }: AuthOperation,
  { validateAnswers }: { validateAnswers: boolean },
  handler: ApiHandler
): ApiHandler {
  const operation = { path, method: method === 'post' ? HttpMethod.POST : HttpMethod.DELETE }
  const checkRequest = document.createRequestValidator<unknown>(operation)
  const checkAnswer = document.createResponseValidator<unknown>(operation)

  return async (request) => {
    const { headers, params, query, body } = request
    if (!acceptsJson(headers.accept)) return refused(406, 'Must accept application/json')
    // The validator takes null, 0, false and '' for no body at all.
    if (body !== undefined && (typeof body !== 'object' || body === null)) {
      return refused(400, 'body must be object')
    }
    try {
      checkRequest({ headers, params, query, body })
    } catch (error) {
      if (!isValidationError(error)) throw error
      return refused(error.status ?? 400, error.errors[0]?.message ?? 'invalid')
    }
    const answer = await handler(request)
    if (validateAnswers && !('ok' in answer)) {
      try {
        checkAnswer({ status: answer.status, body: answer.body })
      } catch (error) {
        if (!isValidationError(error)) throw error
        const problem = error.errors[0]?.message ?? 'invalid'
        throw new InvalidAnswerError(`${method} ${path} answered ${answer.status}: ${problem}`)
      }
    }
    return answer
  }
}

/** Whether an `Accept` header takes `application/json` (RFC 9110 section 12.5.1). */
function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    if (type !== '*/*' && type !== 'application/*' && type !== 'application/json') return false
    return !parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter))
  })
}

function refused(status: number, problem: string): GnapFailure {
  return { ok: false, status, description: `Received error validating OpenAPI request: ${problem}` }
}
