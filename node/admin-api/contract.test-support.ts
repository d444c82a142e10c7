import { readFileSync } from 'node:fs'
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType
} from 'graphql'
import type { GraphQLNamedType, GraphQLSchema } from 'graphql'

/** A type of the contract as data: what its fields, arguments and values are called, and what they may be. */
export interface ContractType {
  kind: 'object' | 'interface' | 'input' | 'enum' | 'scalar'
  implements?: string[]
  values?: string[]
  fields?: Record<string, string | { type: string; args: Record<string, string> }>
}
export type Contract = Record<string, ContractType>

export interface Differences {
  /** What the contract has and the schema has not: `Type`, `Type.field`, `Type.field(argument)`, `Enum.VALUE`. */
  missing: string[]
  /** What the schema has on top, named likewise. */
  added: string[]
  /** What is of another type, kind or nullability. */
  other: string[]
}

const folder = new URL('../../fixtures/contract/', import.meta.url)

/** The contract of one Admin API, and what this node has on top of it: names with the reason. */
export function readContract(api: 'backend' | 'auth'): {
  contract: Contract
  extensions: Record<string, string>
} {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Record<string, never>
  return {
    contract: read(`${api}-admin-api.json`)[api] as never as Contract,
    extensions: read('extensions.json')[api] as never as Record<string, string>
  }
}

/** Types of the contract, but GraphQL's own. */
function typesOf(schema: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(schema.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type)
  )
}

/** A schema as the contract's data describe one. */
export function describeSchema(schema: GraphQLSchema): Contract {
  return Object.fromEntries(typesOf(schema).map((type) => [type.name, describeType(type)]))
}

function describeType(type: GraphQLNamedType): ContractType {
  if (isScalarType(type)) return { kind: 'scalar' }
  if (isEnumType(type)) return { kind: 'enum', values: type.getValues().map(({ name }) => name) }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).map((field) => [field.name, String(field.type)])
    return { kind: 'input', fields: Object.fromEntries(fields) as Record<string, string> }
  }
  if (!isObjectType(type) && !isInterfaceType(type))
    throw new Error(`the contract has no type like ${type.name}`)
  const interfaces = type.getInterfaces().map(({ name }) => name)
  const fields = Object.values(type.getFields()).map((field) => {
    const args = Object.fromEntries(field.args.map((arg) => [arg.name, String(arg.type)]))
    return [field.name, field.args.length > 0 ? { type: String(field.type), args } : String(field.type)]
  })
  return {
    kind: isObjectType(type) ? 'object' : 'interface',
    ...(interfaces.length > 0 && { implements: interfaces }),
    fields: Object.fromEntries(fields) as NonNullable<ContractType['fields']>
  }
}

/** What differs between the contract and what a schema is. */
export function compareContracts(contract: Contract, ours: Contract): Differences {
  const differences: Differences = { missing: [], added: [], other: [] }

  /** Names on both sides; those of one side are noted. */
  function common(
    expected: readonly string[],
    found: readonly string[],
    nameOf: (key: string) => string
  ): string[] {
    differences.missing.push(...expected.filter((key) => !found.includes(key)).map(nameOf))
    differences.added.push(...found.filter((key) => !expected.includes(key)).map(nameOf))
    return expected.filter((key) => found.includes(key))
  }
  function same(name: string, expected: string, found: string): void {
    if (expected !== found) differences.other.push(`${name}: ${found} instead of ${expected}`)
  }

  for (const name of common(Object.keys(contract), Object.keys(ours), (key) => key)) {
    const [expected, found] = [contract[name]!, ours[name]!]
    same(name, expected.kind, found.kind)
    common(expected.implements ?? [], found.implements ?? [], (key) => `${name} implements ${key}`)
    common(expected.values ?? [], found.values ?? [], (key) => `${name}.${key}`)
    const [wanted, there] = [expected.fields ?? {}, found.fields ?? {}]
    for (const field of common(Object.keys(wanted), Object.keys(there), (key) => `${name}.${key}`)) {
      const [a, b] = [fieldOf(wanted[field]!), fieldOf(there[field]!)]
      same(`${name}.${field}`, a.type, b.type)
      for (const arg of common(
        Object.keys(a.args),
        Object.keys(b.args),
        (key) => `${name}.${field}(${key})`
      )) {
        same(`${name}.${field}(${arg})`, a.args[arg]!, b.args[arg]!)
      }
    }
  }
  return differences
}

function fieldOf(field: string | { type: string; args: Record<string, string> }) {
  return typeof field === 'string' ? { type: field, args: {} as Record<string, string> } : field
}

/** Names of types, fields, arguments and values without a sentence that says what they are. */
export function undescribed(schema: GraphQLSchema): string[] {
  interface Described {
    name: string
    description?: string | null | undefined
    args?: readonly Described[]
  }
  const silent = ({ description }: Described) => !/^[A-Z`0-9].{5,}\.$/s.test(description ?? '')
  return typesOf(schema).flatMap((type) => {
    const members: readonly Described[] = isEnumType(type)
      ? type.getValues()
      : isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
        ? Object.values<Described>(type.getFields())
        : []
    return [
      ...(silent(type) ? [type.name] : []),
      ...members.filter(silent).map(({ name }) => `${type.name}.${name}`),
      ...members.flatMap(({ name, args = [] }) =>
        args.filter(silent).map((arg) => `${type.name}.${name}(${arg.name})`)
      )
    ]
  })
}

/** Names of what is deprecated. */
export function deprecated(schema: GraphQLSchema): string[] {
  return typesOf(schema).flatMap((type) =>
    isObjectType(type) || isInterfaceType(type)
      ? Object.values(type.getFields())
          .filter(({ deprecationReason }) => deprecationReason != null)
          .map(({ name }) => `${type.name}.${name}`)
      : []
  )
}
