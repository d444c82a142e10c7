import { readFileSync } from 'node:fs'
import { isEnumType, isInputObjectType, isInterfaceType, isObjectType, isSpecifiedScalarType } from 'graphql'
import type { GraphQLNamedType } from 'graphql'
import { expect, it } from 'vitest'
import { createAuthSchema } from './schema.ts'

const file = new URL('../../../fixtures/contract/auth-admin-api.json', import.meta.url)
const contract = (JSON.parse(readFileSync(file, 'utf8')) as { auth: Record<string, object> }).auth

/** A type as the contract's data describe it. */
function describeType(type: GraphQLNamedType): object {
  if (isEnumType(type)) return { kind: 'enum', values: type.getValues().map(({ name }) => name) }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).map((field) => [field.name, String(field.type)])
    return { kind: 'input', fields: Object.fromEntries(fields) }
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return { kind: 'scalar' }
  const interfaces = type.getInterfaces().map(({ name }) => name)
  const fields = Object.values(type.getFields()).map((field) => {
    const args = Object.fromEntries(field.args.map((arg) => [arg.name, String(arg.type)]))
    return [field.name, field.args.length > 0 ? { type: String(field.type), args } : String(field.type)]
  })
  return {
    kind: isObjectType(type) ? 'object' : 'interface',
    ...(interfaces.length > 0 && { implements: interfaces }),
    fields: Object.fromEntries(fields)
  }
}

it('is the contract, type by type', () => {
  const types = Object.values(createAuthSchema().getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type)
  )
  const described = Object.fromEntries(types.map((type) => [type.name, describeType(type)]))
  expect(described).toEqual(contract)
})
