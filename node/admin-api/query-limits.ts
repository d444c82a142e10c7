import { GraphQLError, Kind, Lexer, parse, Source, TokenKind } from 'graphql'
import type {
  ASTNode,
  ASTVisitor,
  DocumentNode,
  FragmentDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  ValidationContext
} from 'graphql'

export interface QueryLimits {
  /** Fields below one another. */
  maxDepth: number
  /** A leaf costs 1; an object costs 2 and 1.5 times what its fields cost. */
  maxCost: number
  /** Lexical tokens of a document. */
  maxTokens: number
  /** Fragments of a document: validation compares what each two of them select. */
  maxFragments: number
  /** Fields of one name, aliases counted as such, within the same braces: validation compares each two of them. */
  maxRepeats: number
  /** Braces, brackets and parentheses within one another: what walks a document does so by recursion. */
  maxNesting: number
  /** Entries of pages that an operation may answer: those of a page within a page count for every outer entry. */
  maxRows: number
  /** Fields that an operation may answer, those of every entry of its pages. */
  maxValues: number
}

export const DEFAULT_QUERY_LIMITS: QueryLimits = {
  maxDepth: 10,
  maxCost: 5_000,
  maxTokens: 20_000,
  maxFragments: 100,
  maxRepeats: 100,
  maxNesting: 200,
  // A page of 100 with four pages of 100 for each entry.
  maxRows: 50_000,
  maxValues: 1_000_000
}

const OPENING: readonly string[] = [TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]
const CLOSING: readonly string[] = [TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]

/**
 * Parses a document of bounded size and nesting.
 *
 * @throws a GraphQLError with what is wrong with it
 */
export function parseWithin({ maxTokens, maxNesting }: QueryLimits, text: string): DocumentNode {
  const lexer = new Lexer(new Source(text))
  for (let [tokens, nesting] = [0, 0]; tokens <= maxTokens; tokens += 1) {
    const { kind } = lexer.advance()
    if (kind === TokenKind.EOF) break
    if (OPENING.includes(kind)) nesting += 1
    if (CLOSING.includes(kind)) nesting -= 1
    if (nesting > maxNesting) {
      throw new GraphQLError(`The document is nested more than the ${maxNesting} levels that are allowed`, {
        extensions: { code: 'GRAPHQL_PARSE_FAILED' }
      })
    }
  }
  return parse(text, { maxTokens })
}

/** A validation rule that refuses NUL characters in what a document quotes: no text of a database can hold them. */
export function refuseNulRule(context: ValidationContext): ASTVisitor {
  return {
    StringValue(node) {
      if (!node.value.includes('\0')) return
      const extensions = { code: 'GRAPHQL_VALIDATION_FAILED' }
      context.reportError(
        new GraphQLError('A text holds a NUL character, which cannot be stored', { nodes: node, extensions })
      )
    }
  }
}

const LEAF_COST = 1
const OBJECT_COST = 2
const DEPTH_FACTOR = 1.5

interface Size {
  depth: number
  cost: number
  /** How often the same thing is selected within the same braces, where that is most. */
  repeats: number
}

/**
 * What is wrong with the size of a document: operations or fragments that are too deep or cost too much, and what
 * validation would compare for too long. To be asked before a document is validated: that takes time for each field.
 * Introspection fields cost nothing. Fragments count where they are spread, each measured once.
 */
export function documentTooLarge(
  { maxDepth, maxCost, maxFragments, maxRepeats }: QueryLimits,
  document: DocumentNode
): GraphQLError | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue
    fragments.set(definition.name.value, definition)
    if (fragments.size > maxFragments) {
      return refused(`The document has more than the ${maxFragments} fragments that are allowed`, definition)
    }
  }
  const measured = new Map<string, Size>()

  function measureSelections(selectionSet: SelectionSetNode): Size {
    const total: Size = { depth: 0, cost: 0, repeats: 0 }
    const named = new Map<string, number>()
    for (const selection of selectionSet.selections) {
      const size = measure(selection)
      const name = nameOf(selection)
      const times = (named.get(name) ?? 0) + 1
      named.set(name, times)
      total.depth = Math.max(total.depth, size.depth)
      total.cost += size.cost
      total.repeats = Math.max(total.repeats, size.repeats, times)
    }
    return total
  }

  /** A field's size, or the sum of what a fragment adds in its place. */
  function measure(selection: SelectionNode): Size {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return measureFragment(selection.name.value)
    if (selection.kind === Kind.INLINE_FRAGMENT) return measureSelections(selection.selectionSet)
    const inner = selection.selectionSet && measureSelections(selection.selectionSet)
    const repeats = inner?.repeats ?? 0
    if (selection.name.value.startsWith('__')) return { depth: 0, cost: 0, repeats }
    if (!inner) return { depth: 1, cost: DEPTH_FACTOR * LEAF_COST, repeats }
    return { depth: inner.depth + 1, cost: DEPTH_FACTOR * (OBJECT_COST + inner.cost), repeats }
  }

  function measureFragment(name: string): Size {
    const known = measured.get(name)
    if (known) return known
    measured.set(name, NOTHING) // a fragment within itself is another rule's error
    const fragment = fragments.get(name)
    const size = fragment ? measureSelections(fragment.selectionSet) : NOTHING
    measured.set(name, size)
    return size
  }

  for (const definition of document.definitions) {
    const isFragment = definition.kind === Kind.FRAGMENT_DEFINITION
    // One that is nowhere spread is validated, too.
    if (!isFragment && definition.kind !== Kind.OPERATION_DEFINITION) continue
    const size = isFragment
      ? measureFragment(definition.name.value)
      : measureSelections(definition.selectionSet)
    const what = isFragment ? `fragment ${definition.name.value}` : 'operation'
    const problem =
      size.depth > maxDepth
        ? `The ${what} is ${size.depth} fields deep; at most ${maxDepth} are allowed`
        : OBJECT_COST + size.cost > maxCost
          ? `The ${what} costs more than the ${maxCost} that are allowed`
          : size.repeats > maxRepeats
            ? `The ${what} names a field or fragment ${size.repeats} times within the same braces; at most ${maxRepeats} are allowed`
            : undefined
    if (problem !== undefined) return refused(problem, definition)
  }
  return undefined
}

const NOTHING: Size = { depth: 0, cost: 0, repeats: 0 }

function nameOf(selection: SelectionNode): string {
  if (selection.kind === Kind.FRAGMENT_SPREAD) return `...${selection.name.value}`
  if (selection.kind === Kind.INLINE_FRAGMENT) return '...'
  return selection.alias?.value ?? selection.name.value
}

function refused(problem: string, node: ASTNode): GraphQLError {
  return new GraphQLError(problem, { nodes: node, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } })
}
