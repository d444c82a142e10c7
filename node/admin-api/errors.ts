import { GraphQLError } from 'graphql'
import { isOverload } from '../runtime/index.ts'
import type { Logger, Random } from '../runtime/index.ts'

/** Codes that an Admin API answers in `extensions.code`. */
export type AdminErrorCode =
  | 'BAD_USER_INPUT'
  | 'DUPLICATE'
  | 'FORBIDDEN'
  | 'INACTIVE'
  | 'INTERNAL_SERVER_ERROR'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'TIMEOUT'
  | 'UNAUTHENTICATED'
  /** Not of the contract: a tenant has too much under way. */
  | 'TOO_MANY_REQUESTS'

/** An error's message tells at most so much of what it is about: what was sent may have a megabyte. */
export const MAX_ERROR_MESSAGE_LENGTH = 1_000

/** An error that a resolver throws for the caller to see. */
export function adminError(
  code: AdminErrorCode,
  message: string,
  extensions: Record<string, unknown> = {}
): GraphQLError {
  return new GraphQLError(message, { extensions: { ...extensions, code } })
}

/**
 * What the caller sees of an error: coded ones as they are, errors of the request itself (unknown fields, wrong
 * variables) as BAD_USER_INPUT without hints at the schema, a database or cache that does not answer in time as
 * TIMEOUT, and whatever nobody expected as INTERNAL_SERVER_ERROR; the latter two with the id under which the cause
 * was logged.
 */
export function createErrorMask({ logger, random }: { logger: Logger; random: Random }) {
  return (error: unknown): GraphQLError => {
    if (error instanceof GraphQLError) {
      if (typeof error.extensions.code === 'string' && isGraphQLErrorThroughout(error))
        return withoutHints(error)
      // Errors of a resolver have a path; without one the request itself was wrong.
      if (error.path === undefined) return withoutHints(error, 'BAD_USER_INPUT')
    }
    const errorId = random.uuid()
    const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error
    const path = error instanceof GraphQLError ? error.path : undefined
    if (isOverload(cause)) {
      logger.warn({ err: cause, errorId, path }, 'a GraphQL operation was not answered in time')
      const { message, extensions } = notAnswered(errorId)
      return new GraphQLError(message, { ...(path && { path }), extensions })
    }
    logger.error({ err: cause, errorId, path }, 'a GraphQL operation failed unexpectedly')
    return new GraphQLError('Internal server error', {
      ...(path && { path }),
      extensions: { code: 'INTERNAL_SERVER_ERROR', errorId }
    })
  }
}

/** For the caller of what the node's own database or cache did not answer in time. */
export function notAnswered(errorId: string): GraphQLError {
  return adminError(
    'TIMEOUT',
    'The database or the cache did not answer in time: ask again, a mutation with the same idempotency key',
    { errorId }
  )
}

function isGraphQLErrorThroughout(error: GraphQLError): boolean {
  return error.originalError == null || error.originalError instanceof GraphQLError
}

/** The error with a code, in bounded words, and without "Did you mean …": field names are not for guessing. */
export function withoutHints(error: GraphQLError, fallbackCode?: string): GraphQLError {
  const message = shortened(error.message.replace(/ ?Did you mean .*\?$/s, ''))
  const code = error.extensions.code ?? fallbackCode
  return new GraphQLError(message, {
    ...(error.nodes && { nodes: error.nodes }),
    ...(error.source && { source: error.source }),
    ...(error.positions && { positions: error.positions }),
    ...(error.path && { path: error.path }),
    extensions: { ...error.extensions, ...(code !== undefined && { code }) }
  })
}

/** Long messages lose their middle: the end tells what is wrong with what the beginning quotes. */
function shortened(message: string): string {
  if (message.length <= MAX_ERROR_MESSAGE_LENGTH) return message
  const half = MAX_ERROR_MESSAGE_LENGTH / 2 - 1
  return `${message.slice(0, half)} … ${message.slice(-half)}`.toWellFormed()
}
