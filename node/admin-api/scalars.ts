import { GraphQLScalarType, Kind } from 'graphql'
import type { FloatValueNode, IntValueNode, ValueNode } from 'graphql'
import { adminError } from './errors.ts'

const MAX_UINT64 = (1n << 64n) - 1n

/** An integer from 0 to 255; numeric strings are taken too. */
export const UInt8 = new GraphQLScalarType<number, number>({
  name: 'UInt8',
  description: 'A whole number from 0 to 255.',
  // Ledger numbers have this type in the contract, and a node may have more than 255 assets.
  serialize: (value) => (Number.isInteger(value) && Number(value) > 255 ? Number(value) : toUInt8(value)),
  parseValue: toUInt8,
  parseLiteral: (node) => toUInt8(literal(node))
})

/** A whole number from 0 to 2^64 - 1, written as a string: JSON numbers are not exact that far. */
export const UInt64 = new GraphQLScalarType<bigint, string>({
  name: 'UInt64',
  description: 'A whole number from 0 to 18446744073709551615, written as a string.',
  // The balance of an account may have more digits: many deposits of this size add up. It is told as it is.
  serialize: (value) =>
    typeof value === 'bigint' && value >= 0n ? value.toString() : toUInt64(value).toString(),
  parseValue: toUInt64,
  parseLiteral: (node) => toUInt64(literal(node))
})

/** An object of JSON. */
export const JSONObject = new GraphQLScalarType<Record<string, unknown>, Record<string, unknown>>({
  name: 'JSONObject',
  description: 'An object of JSON.',
  serialize: toJsonObject,
  parseValue: toJsonObject,
  parseLiteral: (node, variables) => toJsonObject(jsonLiteral(node, variables ?? {}))
})

function toUInt8(value: unknown): number {
  if (typeof value !== 'number' && typeof value !== 'string') {
    throw adminError('BAD_USER_INPUT', 'Value is not a number or string.')
  }
  const number = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 255) {
    throw adminError('BAD_USER_INPUT', 'Provided value is not a UInt8.')
  }
  return number
}

function toUInt64(value: unknown): bigint {
  const amount = readWholeNumber(value)
  if (amount === undefined) throw adminError('BAD_USER_INPUT', 'Provided value is not a UInt64.')
  if (amount < 0n) throw adminError('BAD_USER_INPUT', 'Input must be unsigned.')
  if (amount > MAX_UINT64) throw adminError('BAD_USER_INPUT', 'Provided value is not a UInt64.')
  return amount
}

function readWholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  // A number that JSON could not carry exactly is not what the caller wrote.
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value)
  return undefined
}

function toJsonObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw adminError('BAD_USER_INPUT', 'Provided value is not a JSON object.')
}

/** The number or string that a literal writes; integers as text, so that none loses digits. */
function literal(node: ValueNode): unknown {
  return node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : undefined
}

function jsonLiteral(node: ValueNode, variables: Record<string, unknown>): unknown {
  switch (node.kind) {
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [name.value, jsonLiteral(value, variables)])
      )
    case Kind.LIST:
      return node.values.map((value) => jsonLiteral(value, variables))
    case Kind.INT:
    case Kind.FLOAT:
      return jsonNumber(node)
    case Kind.NULL:
      return null
    case Kind.VARIABLE:
      return variables[node.name.value]
    default:
      return node.value
  }
}

/** @throws BAD_USER_INPUT for what no double is, or not this one: it would be stored as null, or with other digits */
function jsonNumber({ kind, value }: IntValueNode | FloatValueNode): number {
  const number = Number(value)
  if (Number.isFinite(number) && (kind === Kind.FLOAT || BigInt(value) === BigInt(number))) return number
  throw adminError(
    'BAD_USER_INPUT',
    `${value.slice(0, 50)} is no number that JSON keeps: write it as a string`
  )
}
