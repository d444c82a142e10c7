import { defaultFieldResolver, getNamedType, GraphQLError, isLeafType, isObjectType } from 'graphql'
import type { GraphQLSchema } from 'graphql'

/** Characters that the texts and objects of JSON of one answer may have together. */
export const DEFAULT_MAX_ANSWER_LENGTH = 16_000_000

/** Leaves of bounded size: `maxValues` counts them. */
const SHORT_TYPES = ['Boolean', 'Float', 'ID', 'Int', 'UInt8', 'UInt64']

export interface AnswerLengths {
  /** The error to answer instead, where a request's answer became longer than is allowed; by its context. */
  tooLong(context: object): GraphQLError | undefined
}

/**
 * Counts what the resolvers of a schema answer to a request, and ends it at the limit: rows and values are bounded
 * before, but metadata of each row may have 65,536 characters. The schema is changed in place.
 */
export function limitAnswerLength(schema: GraphQLSchema, maxLength: number): AnswerLengths {
  const lengths = new WeakMap<object, number>()
  const error = new GraphQLError(
    `The answer has more than the ${maxLength} characters that are allowed: ask for smaller pages, or for fewer fields`,
    { extensions: { code: 'BAD_USER_INPUT' } }
  )

  function count(context: object, value: unknown): unknown {
    const length = (lengths.get(context) ?? 0) + lengthOf(value)
    lengths.set(context, length)
    // What is left is refused one by one, and all of it replaced by one error.
    if (length > maxLength) throw error
    return value
  }

  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const leaf = getNamedType(field.type)
      if (!isLeafType(leaf) || SHORT_TYPES.includes(leaf.name)) continue
      const { resolve = defaultFieldResolver } = field
      field.resolve = (parent, args: Record<string, unknown>, context: object, info) => {
        const value = resolve(parent, args, context, info) as unknown
        return value instanceof Promise ? value.then((later) => count(context, later)) : count(context, value)
      }
    }
  }
  return { tooLong: (context) => ((lengths.get(context) ?? 0) > maxLength ? error : undefined) }
}

/** About as many characters as JSON has for it. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 4
  let length = 2
  for (const [key, member] of Object.entries(value)) length += key.length + 4 + lengthOf(member)
  return length
}
