import { GraphQLError, Kind, Lexer, parse, Source, TokenKind } from 'graphql'
import type {
  ASTVisitor,
  DocumentNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
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
}

/**
 * A validation rule that refuses operations which are too deep or cost too much. Introspection fields count
 * nothing. Fragments count where they are spread, each measured once.
 */
export function createQueryLimitsRule({ maxDepth, maxCost }: QueryLimits) {
  return (context: ValidationContext): ASTVisitor => {
    const measured = new Map<string, Size>()

    function measureSelections(selectionSet: SelectionSetNode): Size {
      let depth = 0
      let cost = 0
      for (const selection of selectionSet.selections) {
        const size = measure(selection)
        depth = Math.max(depth, size.depth)
        cost += size.cost
      }
      return { depth, cost }
    }

    /** A field's size, or the sum of what a fragment adds in its place. */
    function measure(selection: SelectionNode): Size {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return measureFragment(selection.name.value)
      if (selection.kind === Kind.INLINE_FRAGMENT) return measureSelections(selection.selectionSet)
      if (selection.name.value.startsWith('__')) return { depth: 0, cost: 0 }
      if (!selection.selectionSet) return { depth: 1, cost: DEPTH_FACTOR * LEAF_COST }
      const inner = measureSelections(selection.selectionSet)
      return { depth: inner.depth + 1, cost: DEPTH_FACTOR * (OBJECT_COST + inner.cost) }
    }

    function measureFragment(name: string): Size {
      const known = measured.get(name)
      if (known) return known
      measured.set(name, { depth: 0, cost: 0 }) // a fragment within itself is another rule's error
      const fragment: FragmentDefinitionNode | null | undefined = context.getFragment(name)
      const size = fragment ? measureSelections(fragment.selectionSet) : { depth: 0, cost: 0 }
      measured.set(name, size)
      return size
    }

    return {
      OperationDefinition(operation: OperationDefinitionNode) {
        const { depth, cost } = measureSelections(operation.selectionSet)
        const extensions = { code: 'GRAPHQL_VALIDATION_FAILED' }
        if (depth > maxDepth) {
          const message = `The operation is ${depth} fields deep; at most ${maxDepth} are allowed`
          context.reportError(new GraphQLError(message, { nodes: operation, extensions }))
        }
        if (OBJECT_COST + cost > maxCost) {
          const message = `The operation costs more than the ${maxCost} that are allowed`
          context.reportError(new GraphQLError(message, { nodes: operation, extensions }))
        }
      }
    }
  }
}
