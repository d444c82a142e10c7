import type { GraphQLError } from 'graphql'
import { adminError } from '../../admin-api/index.ts'
import type { FailureRegistry } from '../failures.ts'
import { failure, isFailure } from '../model.ts'
import type { Failure } from '../model.ts'
import { RemoteUnavailableError } from '../receivers/index.ts'

/**
 * A service's failure as the contract has it: code and message of the registry, the failure's name in
 * `extensions.failure`, what the service says more precisely in `extensions.details`.
 */
export function failureError<Code extends string>(
  registry: FailureRegistry<Code>,
  { failure: code, message, details, cause }: Failure<Code>
): GraphQLError {
  const kind = registry[code]
  const all = {
    ...(details && (wireValues(details) as Record<string, unknown>)),
    ...(message !== undefined &&
      message !== kind.message && { reason: cause === undefined ? message : `${message}: ${cause}` })
  }
  return adminError(kind.graphql, kind.message, {
    failure: code,
    ...(Object.keys(all).length > 0 && { details: all })
  })
}

/** The value, or the failure thrown as a GraphQL error. */
export function unwrap<Value, Code extends string>(
  registry: FailureRegistry<Code>,
  result: Value | Failure<Code>
): Value {
  if (isFailure<Code>(result)) throw failureError(registry, result)
  return result
}

/** What another node left unanswered, as the failure that callers of this operation know. */
export async function orUnavailable<Value, Code extends string>(
  work: Promise<Value>,
  code: Code
): Promise<Value | Failure<Code>> {
  try {
    return await work
  } catch (error) {
    if (error instanceof RemoteUnavailableError) return failure(code, error.message)
    throw error
  }
}

/** Amounts in details are strings, as everywhere on the wire. */
function wireValues(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(wireValues)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, wireValues(member)]))
}
