import {
  getNamedType,
  getNullableType,
  GraphQLError,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind
} from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLField,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  ValueNode
} from 'graphql'
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../pagination/index.ts'
import type { QueryLimits } from './query-limits.ts'

/** What an operation may answer at most. */
export interface AnswerSize {
  /** Entries of pages: a page within a page counts for every entry of the outer one. */
  rows: number
  /** Fields of all objects. */
  values: number
}

/** Arguments that say how many entries a field reads. */
const SIZE_ARGUMENTS = ['first', 'last', 'limit']
/** Where a field of the schema says that its list counts as so many entries: GraphQL's `extensions` of the field. */
const COUNTS_AS = 'countsAsEntries'

/**
 * A resolver of a list of objects that no argument bounds, and that counts as so many entries: as many as it may have,
 * or as its cost is worth.
 */
export function countsAs<Resolve>(entries: number, resolve: Resolve) {
  return { resolve, extensions: { [COUNTS_AS]: entries } }
}

/** Lists of objects that no argument bounds, such as the settings of a tenant, count as so many entries. */
export const ASSUMED_LIST_LENGTH = 10

/**
 * How much an operation may answer, with these variables: every page counts as full. Fragments count where they
 * are spread, each measured once; what a directive leaves out counts too.
 */
export function measureAnswer(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>
): AnswerSize {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const measured = new Map<string, AnswerSize>()

  function measureSelections(selectionSet: SelectionSetNode, parent: string, listSize?: number): AnswerSize {
    const total = { rows: 0, values: 0 }
    for (const selection of selectionSet.selections) {
      const { rows, values } = measure(selection, parent, listSize)
      total.rows += rows
      total.values += values
    }
    return total
  }

  /** @param listSize what the parent's arguments say of the lists in it */
  function measure(selection: SelectionNode, parent: string, listSize: number | undefined): AnswerSize {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return measureFragment(selection.name.value, listSize)
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const type = selection.typeCondition?.name.value ?? parent
      return measureSelections(selection.selectionSet, type, listSize)
    }
    const field = fieldOf(parent, selection.name.value)
    if (field === undefined || selection.selectionSet === undefined) return { rows: 0, values: 1 }
    const size = sizeOf(field, selection)
    const { rows, values } = measureSelections(selection.selectionSet, getNamedType(field.type).name, size)
    // A page is read whether its entries are asked for or not.
    if (size !== undefined) return { rows: Math.max(size, rows), values: 1 + values }
    if (!isListOfObjects(field)) return { rows, values: 1 + values }
    const declared = field.extensions[COUNTS_AS]
    if (typeof declared === 'number') return { rows: declared * (1 + rows), values: 1 + declared * values }
    if (listSize !== undefined) return { rows: listSize * (1 + rows), values: 1 + listSize * values }
    return { rows: ASSUMED_LIST_LENGTH * rows, values: 1 + ASSUMED_LIST_LENGTH * values }
  }

  function measureFragment(name: string, listSize: number | undefined): AnswerSize {
    const key = `${listSize} ${name}`
    const known = measured.get(key)
    if (known) return known
    measured.set(key, { rows: 0, values: 0 }) // a fragment within itself was refused before
    const fragment = fragments.get(name)
    const size = fragment
      ? measureSelections(fragment.selectionSet, fragment.typeCondition.name.value, listSize)
      : { rows: 0, values: 0 }
    measured.set(key, size)
    return size
  }

  function fieldOf(parent: string, name: string): GraphQLField<unknown, unknown> | undefined {
    const type = schema.getType(parent)
    return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined
  }

  /** Entries that a field's arguments ask for; undefined where it has none of that kind. */
  function sizeOf(field: GraphQLField<unknown, unknown>, node: FieldNode): number | undefined {
    const names = field.args.map(({ name }) => name).filter((name) => SIZE_ARGUMENTS.includes(name))
    if (names.length === 0) return undefined
    const asked = names.map((name) => {
      const given = node.arguments?.find((argument) => argument.name.value === name)
      return given ? numberOf(given.value) : undefined
    })
    const known = asked.filter((size) => size !== undefined && size > 0) as number[]
    return known.length === 0 ? DEFAULT_PAGE_SIZE : Math.max(...known)
  }

  /** The size that a value says; undefined: none, so that the default counts. */
  function numberOf(value: ValueNode): number | undefined {
    if (value.kind === Kind.NULL) return undefined
    if (value.kind === Kind.INT) return Number(value.value)
    if (value.kind !== Kind.VARIABLE) return MAX_PAGE_SIZE
    const given = variables[value.name.value]
    if (typeof given === 'number') return given
    if (given !== undefined) return given === null ? undefined : MAX_PAGE_SIZE
    const definition = operation.variableDefinitions?.find(
      ({ variable }) => variable.name.value === value.name.value
    )
    return definition?.defaultValue && numberOf(definition.defaultValue)
  }

  const root = schema.getRootType(operation.operation)
  if (root == null) return { rows: 0, values: 0 }
  return measureSelections(operation.selectionSet, root.name)
}

function isListOfObjects({ type }: GraphQLField<unknown, unknown>): boolean {
  return isListType(getNullableType(type)) && isCompositeType(getNamedType(type))
}

/** The error for an operation that may answer more than the limits allow; undefined where it may not. */
export function answerTooLarge(
  { maxRows, maxValues }: Pick<QueryLimits, 'maxRows' | 'maxValues'>,
  { rows, values }: AnswerSize
): GraphQLError | undefined {
  const problem =
    rows > maxRows
      ? `The operation asks for up to ${rows} rows; at most ${maxRows} are allowed: ask for smaller pages`
      : values > maxValues
        ? `The operation asks for up to ${values} values; at most ${maxValues} are allowed: ask for smaller pages, or for fewer fields`
        : undefined
  return problem === undefined
    ? undefined
    : new GraphQLError(problem, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } })
}
