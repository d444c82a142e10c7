import { defaultFieldResolver, getNullableType, isInputObjectType, isListType, isObjectType } from 'graphql'
import type { GraphQLArgument, GraphQLInputField, GraphQLInputType, GraphQLSchema } from 'graphql'
import { adminError } from './errors.ts'

/** How long what a caller sends may be: it is kept, told again, and put into statements. */
export interface ArgumentLimits {
  /** Characters of a text that `texts` does not name. */
  maxTextLength: number
  /** Entries of a list that `lists` does not name. */
  maxListLength: number
  /** Characters of an object of JSON, written without spaces. */
  maxJsonLength: number
  /** Characters of a text by its name, or by its owner's and its own: `jwk.kid`. */
  texts: Readonly<Record<string, number>>
  /** Entries of a list by its name. */
  lists: Readonly<Record<string, number>>
}

export const DEFAULT_ARGUMENT_LIMITS: ArgumentLimits = {
  maxTextLength: 2_048,
  maxListLength: 1_000,
  maxJsonLength: 65_536,
  texts: {},
  lists: {}
}

/**
 * Makes every resolver of a schema that takes arguments refuse what is longer than the limits, before it runs:
 * BAD_USER_INPUT, with the name and the limit. The schema is changed in place.
 */
export function limitArguments(schema: GraphQLSchema, limits: ArgumentLimits): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      if (field.args.length === 0) continue
      const { resolve = defaultFieldResolver } = field
      field.resolve = (parent, args: Record<string, unknown>, context, info) => {
        checkMembers(field.args, args, field.name, limits)
        return resolve(parent, args, context, info) as unknown
      }
    }
  }
}

function checkMembers(
  members: readonly (GraphQLArgument | GraphQLInputField)[],
  values: Record<string, unknown>,
  owner: string,
  limits: ArgumentLimits
): void {
  for (const { name, type } of members) {
    if (values[name] != null) check(type, values[name], { owner, name }, limits)
  }
}

function check(
  given: GraphQLInputType,
  value: unknown,
  place: { owner: string; name: string },
  limits: ArgumentLimits
): void {
  const { owner, name } = place
  const type = getNullableType(given)
  if (isListType(type)) {
    const entries = value as unknown[]
    const most = limits.lists[name] ?? limits.maxListLength
    if (entries.length > most) throw adminError('BAD_USER_INPUT', `${name} has at most ${most} entries`)
    for (const entry of entries) if (entry != null) check(type.ofType, entry, place, limits)
  } else if (isInputObjectType(type)) {
    checkMembers(Object.values(type.getFields()), value as Record<string, unknown>, name, limits)
  } else if (typeof value === 'string') {
    const most = limits.texts[`${owner}.${name}`] ?? limits.texts[name] ?? limits.maxTextLength
    if (value.length > most) throw adminError('BAD_USER_INPUT', `${name} has at most ${most} characters`)
  } else if (typeof value === 'object' && JSON.stringify(value).length > limits.maxJsonLength) {
    throw adminError('BAD_USER_INPUT', `${name} has at most ${limits.maxJsonLength} characters`)
  }
}
