/** What introspection tells of a type reference. */
interface TypeRef {
  kind: string
  name: string | null
  ofType: TypeRef | null
}
interface InputValue {
  name: string
  type: TypeRef
}
interface Field extends InputValue {
  args: InputValue[]
}
interface NamedType {
  kind: string
  name: string
  fields: Field[] | null
  inputFields: InputValue[] | null
  enumValues: { name: string }[] | null
}
export interface IntrospectedSchema {
  __schema: { types: NamedType[] }
}

const TYPE = 'type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }'
export const INTROSPECTION = `{ __schema { types { kind name
  fields(includeDeprecated: true) { name ${TYPE} args { name ${TYPE} } }
  inputFields { name ${TYPE} } enumValues { name } } } }`

/** Lists that are refused in the entries of another list: they are asked of what is read by its id alone. */
const OF_ONE = ['timeline']

/** A place in the arguments of an operation where a scalar or an enum value stands. */
export interface Leaf {
  operation: string
  isMutation: boolean
  /** From the argument's name to the member's. */
  path: readonly string[]
  /** The name of its type: `String`, `UInt64`, … */
  type: string
}

/** What stands at a leaf of a request that means something. */
export type Meant = (operation: string, path: readonly string[]) => unknown

/** Every argument of every operation of a schema that was introspected, and requests that differ in one of them. */
export function everyArgument({ __schema: { types } }: IntrospectedSchema, meant: Meant) {
  const named = new Map(types.map((type) => [type.name, type]))
  const roots = (['Query', 'Mutation'] as const).flatMap((root) =>
    named.get(root)!.fields!.map((field) => ({ field, isMutation: root === 'Mutation' }))
  )

  const leaves: Leaf[] = roots.flatMap(({ field, isMutation }) => {
    const below = (values: readonly InputValue[], path: readonly string[]): Leaf[] =>
      values.flatMap(({ name, type }) => {
        const inner = named.get(nameOf(type))!
        const here = [...path, name]
        if (inner.inputFields) return below(inner.inputFields, here)
        return [{ operation: field.name, isMutation, path: here, type: inner.name }]
      })
    return below(field.args, [])
  })

  /** A value of a type: what must be given, and what lies on the way to the leaf that is being tried. */
  function value(operation: string, type: TypeRef, path: readonly string[], tried: Tried): unknown {
    if (type.kind === 'NON_NULL') return value(operation, type.ofType!, path, tried)
    if (type.kind === 'LIST') return [value(operation, type.ofType!, path, tried)]
    const { kind, name, inputFields, enumValues } = named.get(type.name!)!
    if (inputFields) return members(operation, inputFields, path, tried)
    if (tried && path.join() === tried.path.join()) return tried.value
    const wanted = meant(operation, path)
    if (wanted !== undefined) return wanted
    if (kind === 'ENUM') return enumValues![0]!.name
    return DEFAULTS[name]
  }

  function members(
    operation: string,
    values: readonly InputValue[],
    path: readonly string[],
    tried: Tried
  ): Record<string, unknown> {
    const wanted = values.filter(({ name, type }) => {
      const here = [...path, name].join()
      return type.kind === 'NON_NULL' || `${tried?.path.join() ?? ''},`.startsWith(`${here},`)
    })
    return Object.fromEntries(
      wanted.map(({ name, type }) => [name, value(operation, type, [...path, name], tried)])
    )
  }

  /** All scalars of a type and of the objects in it, but not of lists that have pages. */
  function selection(type: TypeRef, depth = 0): string {
    const { fields } = named.get(nameOf(type))!
    if (!fields) return ''
    const chosen = fields.flatMap((field) => {
      const { name } = field
      const inner = named.get(nameOf(field.type))!
      if (!inner.fields) return inner.kind === 'UNION' ? [] : [name]
      if (depth >= 3 || field.args.length > 0) return []
      if (depth > 0 && OF_ONE.includes(name)) return []
      return [`${name} ${selection(field.type, depth + 1)}`]
    })
    return `{ ${['__typename', ...chosen].join(' ')} }`
  }

  return {
    leaves,
    operations: roots.map(({ field, isMutation }) => ({ name: field.name, isMutation })),
    /** A request of an operation that means something, but for one value. */
    request(operation: string, tried?: { path: readonly string[]; value: unknown }) {
      const { field, isMutation } = roots.find((root) => root.field.name === operation)!
      const variables = members(operation, field.args, [], tried)
      const given = field.args.filter(({ name }) => name in variables)
      const declared = given.map(({ name, type }) => `$${name}: ${written(type)}`).join(', ')
      const passed = given.map(({ name }) => `${name}: $${name}`).join(', ')
      const text = `${isMutation ? 'mutation' : 'query'} ${declared && `(${declared})`} {
        ${operation}${passed && `(${passed})`} ${selection(field.type)} }`
      return { text, variables }
    }
  }
}

type Tried = { path: readonly string[]; value: unknown } | undefined

const DEFAULTS: Record<string, unknown> = {
  String: 'text',
  ID: 'text',
  Int: 1,
  Float: 1,
  Boolean: true,
  UInt8: 2,
  UInt64: '5',
  JSONObject: { some: 'thing' }
}

function nameOf({ name, ofType }: TypeRef): string {
  return name ?? nameOf(ofType!)
}

function written({ kind, name, ofType }: TypeRef): string {
  if (kind === 'NON_NULL') return `${written(ofType!)}!`
  return kind === 'LIST' ? `[${written(ofType!)}]` : name!
}
