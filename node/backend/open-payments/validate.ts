import { HttpMethod, isValidationError } from '@interledger/openapi'
import type { OpenAPI } from '@interledger/openapi'
import { getResourceServerOpenAPI, getWalletAddressServerOpenAPI } from '@interledger/open-payments'
import { refuse } from './errors.ts'
import type { Refusal } from './errors.ts'

/** What of a request the OpenAPI document speaks about. Values are coerced in place (`first=5` becomes 5). */
export interface RequestParts {
  headers: Record<string, unknown>
  params: Record<string, string>
  query: Record<string, unknown>
  body: unknown
}

/** A route of the documents: `/incoming-payments/{id}`, without the tenant that our URLs put before it. */
export interface OpenApiOperation {
  document: 'resource' | 'walletAddress'
  method: 'get' | 'post'
  path: string
}

/** Raised when an answer of ours does not fit the document: a defect of this node, found before a client finds it. */
export class InvalidAnswerError extends Error {
  override name = 'InvalidAnswerError'
}

export interface OpenApiDocuments {
  resource: OpenAPI
  walletAddress: OpenAPI
}

export async function loadOpenApiDocuments(): Promise<OpenApiDocuments> {
  const [resource, walletAddress] = await Promise.all([
    getResourceServerOpenAPI(),
    getWalletAddressServerOpenAPI()
  ])
  return { resource, walletAddress }
}

/** The check of requests to one operation: undefined when there is nothing to refuse. */
export function requestValidator(
  documents: OpenApiDocuments,
  operation: OpenApiOperation
): (request: RequestParts) => Refusal | undefined {
  const validate = documents[operation.document].createRequestValidator(lookUp(operation))
  return (request) => {
    try {
      validate(request)
      return undefined
    } catch (error) {
      if (!isValidationError(error)) throw error
      const message = error.errors[0]?.message ?? 'invalid'
      return refuse(error.status ?? 400, `Received error validating OpenAPI request: ${message}`)
    }
  }
}

/** The check of successful answers of one operation. @throws InvalidAnswerError */
export function answerValidator(
  documents: OpenApiDocuments,
  operation: OpenApiOperation
): (answer: { status: number; body: unknown }) => void {
  const validate = documents[operation.document].createResponseValidator<unknown>(lookUp(operation))
  return ({ status, body }) => {
    try {
      validate({ status, body })
    } catch (error) {
      if (!isValidationError(error)) throw error
      const { method, path } = operation
      throw new InvalidAnswerError(
        `the answer ${status} of ${method} ${path} does not fit Open Payments: ${error.errors[0]?.message}`
      )
    }
  }
}

function lookUp({ method, path }: OpenApiOperation) {
  return { path, method: method === 'get' ? HttpMethod.GET : HttpMethod.POST }
}
