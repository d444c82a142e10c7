import { execute, getOperationAST } from 'graphql'
import type {
  DocumentNode,
  ExecutionResult,
  GraphQLError,
  GraphQLSchema,
  OperationDefinitionNode
} from 'graphql'

export type Refuse = (
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>
) => GraphQLError | undefined

export interface KnownDocumentsLimits {
  maxDocuments: number
  /** Lexical tokens of all documents, comments too: a parsed document takes about 500 bytes for each. */
  maxTokens: number
  /** Characters of all documents. */
  maxCharacters: number
  /** Of one document; a longer one is read anew each time. */
  maxDocumentTokens: number
  maxDocumentCharacters: number
}

/** At most about 50 MB: a page of payments with all that is in it has some 300 tokens. */
export const DEFAULT_KNOWN_DOCUMENTS_LIMITS: KnownDocumentsLimits = {
  maxDocuments: 500,
  maxTokens: 100_000,
  maxCharacters: 1_000_000,
  maxDocumentTokens: 2_000,
  maxDocumentCharacters: 20_000
}

/**
 * Operations that were parsed and found valid before: wallets send the same few again and again. They run without
 * the layers that make a request of an HTTP message and an HTTP message of a result.
 */
export interface KnownDocuments {
  /**
   * A document that was found valid, by its text. One above the limits is not remembered; where all are together,
   * those that were met first are forgotten.
   */
  add(document: DocumentNode): void
  /**
   * The JSON of the answer; undefined where it is not known, or the request is not a plain one that can run.
   *
   * @param refuse what is wrong with an operation of these variables; undefined where nothing is
   */
  run(body: Record<string, unknown>, context: object, refuse: Refuse): Promise<string | undefined>
  /** What is remembered now. */
  held(): { documents: number; tokens: number; characters: number }
}

export function createKnownDocuments({
  schema,
  maskError,
  replace = () => undefined,
  limits = DEFAULT_KNOWN_DOCUMENTS_LIMITS
}: {
  schema: GraphQLSchema
  maskError: (error: unknown) => GraphQLError
  /** What is answered instead of a result, by its context; undefined: the result. */
  replace?: (context: object) => GraphQLError | undefined
  limits?: KnownDocumentsLimits
}): KnownDocuments {
  const known = new Map<string, { document: DocumentNode; tokens: number }>()
  let tokens = 0
  let characters = 0

  function forget(text: string): void {
    tokens -= known.get(text)?.tokens ?? 0
    if (known.delete(text)) characters -= text.length
  }

  return {
    add(document) {
      const text = document.loc?.source.body
      if (text === undefined || text.length > limits.maxDocumentCharacters) return
      const count = countTokens(document, limits.maxDocumentTokens)
      if (count > limits.maxDocumentTokens) return
      forget(text)
      known.set(text, { document, tokens: count })
      tokens += count
      characters += text.length
      for (const oldest of known.keys()) {
        const { maxDocuments, maxTokens, maxCharacters } = limits
        if (known.size <= maxDocuments && tokens <= maxTokens && characters <= maxCharacters) return
        forget(oldest)
      }
    },
    async run({ query, variables, operationName, ...others }, context, refuse) {
      const document = typeof query === 'string' ? known.get(query)?.document : undefined
      if (document === undefined || Object.keys(others).length > 0) return undefined
      if (!isObjectOrNothing(variables) || !isTextOrNothing(operationName)) return undefined
      const operation = getOperationAST(document, operationName)
      if (operation == null || operation.operation === 'subscription') return undefined
      // How that is answered is not ours to say.
      if (refuse(document, operation, variables ?? {})) return undefined
      const { data, errors } = (await execute({
        schema,
        document,
        contextValue: context,
        ...(variables && { variableValues: variables }),
        ...(operationName != null && { operationName })
      })) as ExecutionResult
      // Without data nothing ran: the variables do not fit.
      if (data === undefined) return undefined
      const instead = replace(context)
      if (instead) return JSON.stringify({ errors: [instead] })
      return JSON.stringify(errors === undefined ? { data } : { errors: errors.map(maskError), data })
    },
    held: () => ({ documents: known.size, tokens, characters })
  }
}

/** Tokens that a document holds on to; counts no further than one above `most`. */
function countTokens({ loc }: DocumentNode, most: number): number {
  let count = 0
  for (let token = loc?.startToken.next; token != null && count <= most; token = token.next) count += 1
  return count
}

function isObjectOrNothing(value: unknown): value is Record<string, unknown> | null | undefined {
  return value == null || (typeof value === 'object' && !Array.isArray(value))
}

function isTextOrNothing(value: unknown): value is string | null | undefined {
  return value == null || typeof value === 'string'
}
