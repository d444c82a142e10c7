import { readFileSync } from 'node:fs'
import {
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  GraphQLObjectType,
  isSpecifiedScalarType
} from 'graphql'
import type { GraphQLNamedType } from 'graphql'
import { describe, expect, it } from 'vitest'
import { createAdminSchema } from './index.ts'

/** The contract's types as data: what a type's fields, arguments and values are called and may be. */
interface ContractType {
  kind: 'object' | 'interface' | 'input' | 'enum' | 'scalar'
  implements?: string[]
  values?: string[]
  fields?: Record<string, string | { type: string; args: Record<string, string> }>
}

const file = new URL('../../../fixtures/contract/backend-admin-api.json', import.meta.url)
const contract = (JSON.parse(readFileSync(file, 'utf8')) as { backend: Record<string, ContractType> }).backend

const PEER_LIMITS = ['maxPacketsPerSecond', 'maxPacketsInFlight', 'maxAmountPerSecond', 'maxSettledOverBtp']

/** Fields of ours by name, on top of the contract's (docs/compatibility.md). */
const EXTENSIONS: Record<string, string[]> = {
  Peer: [...PEER_LIMITS, 'settledOverBtp'],
  CreatePeerInput: PEER_LIMITS,
  UpdatePeerInput: PEER_LIMITS,
  Query: ['autoPeeringRequests']
}
/** Types of ours. */
const OWN_TYPES = ['AutoPeeringRequest']

const schema = createAdminSchema()
const types = Object.values(schema.getTypeMap()).filter(
  (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type)
)

function describeType(type: GraphQLNamedType): ContractType {
  if (type instanceof GraphQLEnumType) {
    return { kind: 'enum', values: type.getValues().map(({ name }) => name) }
  }
  if (type instanceof GraphQLInputObjectType) {
    return { kind: 'input', fields: fieldTypes(type.getFields()) }
  }
  if (type instanceof GraphQLObjectType || type instanceof GraphQLInterfaceType) {
    const interfaces = type.getInterfaces().map(({ name }) => name)
    return {
      kind: type instanceof GraphQLObjectType ? 'object' : 'interface',
      ...(interfaces.length > 0 && { implements: interfaces }),
      fields: Object.fromEntries(
        Object.entries(type.getFields()).map(([name, field]) => {
          const args = Object.fromEntries(field.args.map((arg) => [arg.name, String(arg.type)]))
          return [name, field.args.length > 0 ? { type: String(field.type), args } : String(field.type)]
        })
      )
    }
  }
  return { kind: 'scalar' }
}

function fieldTypes(fields: Record<string, { type: unknown }>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, { type }]) => [name, String(type)]))
}

function withoutExtensions(name: string, type: ContractType): ContractType {
  const fields = Object.entries(type.fields ?? {}).filter(([field]) => !EXTENSIONS[name]?.includes(field))
  return type.fields ? { ...type, fields: Object.fromEntries(fields) } : type
}

describe('the schema of the Admin API', () => {
  it.each(
    types
      .filter(({ name }) => !['Query', 'Mutation', ...OWN_TYPES].includes(name))
      .map((type) => [type.name, type])
  )('has %s exactly as the contract', (name, type) => {
    expect(withoutExtensions(name as string, describeType(type as GraphQLNamedType))).toEqual(
      contract[name as string]
    )
  })

  it.each(['Query', 'Mutation'])('has operations of %s exactly as the contract', (name) => {
    const { fields = {} } = withoutExtensions(name, describeType(schema.getType(name)!))
    expect(Object.keys(fields).length).toBeGreaterThan(15)
    for (const [operation, type] of Object.entries(fields)) {
      expect({ operation, type }).toEqual({ operation, type: contract[name]?.fields?.[operation] })
    }
  })

  it('describes every type that is not a mere answer or input, every field and every value', () => {
    const silent = types.flatMap((type) => {
      const { name } = type
      if (name === 'Query' || name === 'Mutation') return []
      const members: readonly { name: string; description?: string | null | undefined }[] =
        type instanceof GraphQLEnumType
          ? type.getValues()
          : 'getFields' in type
            ? Object.values(type.getFields() as Record<string, { name: string; description?: string }>)
            : []
      const plain = /(Input|Response)$/.test(name)
      return [
        ...(type.description || plain ? [] : [name]),
        ...members.filter(({ description }) => !description).map((member) => `${name}.${member.name}`)
      ]
    })
    expect(silent).toEqual([])
  })
})
