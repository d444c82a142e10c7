import { execute, getOperationAST } from 'graphql'
import type {
  DocumentNode,
  ExecutionResult,
  GraphQLError,
  GraphQLSchema,
  OperationDefinitionNode
} from 'graphql'

/** Documents that are remembered; beyond it the one that was met first is forgotten. */
export const MAX_KNOWN_DOCUMENTS = 500

/**
 * Operations that were parsed and found valid before: wallets send the same few again and again. They run without
 * the layers that make a request of an HTTP message and an HTTP message of a result.
 */
export interface KnownDocuments {
  /** A document that was found valid, by its text. */
  add(document: DocumentNode): void
  /** The JSON of the answer; undefined where it is not known, or the request is not a plain one that can run. */
  run(body: Record<string, unknown>, context: object): Promise<string | undefined>
}

export function createKnownDocuments({
  schema,
  maskError,
  refuse
}: {
  schema: GraphQLSchema
  maskError: (error: unknown) => GraphQLError
  /** What is wrong with an operation's variables; undefined where nothing is. */
  refuse(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>
  ): GraphQLError | undefined
}): KnownDocuments {
  const documents = new Map<string, DocumentNode>()

  return {
    add(document) {
      const text = document.loc?.source.body
      if (text === undefined) return
      documents.set(text, document)
      if (documents.size <= MAX_KNOWN_DOCUMENTS) return
      const [oldest] = documents.keys()
      if (oldest !== undefined) documents.delete(oldest)
    },
    async run({ query, variables, operationName, ...others }, context) {
      const document = typeof query === 'string' ? documents.get(query) : undefined
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
      return JSON.stringify(errors === undefined ? { data } : { errors: errors.map(maskError), data })
    }
  }
}

function isObjectOrNothing(value: unknown): value is Record<string, unknown> | null | undefined {
  return value == null || (typeof value === 'object' && !Array.isArray(value))
}

function isTextOrNothing(value: unknown): value is string | null | undefined {
  return value == null || typeof value === 'string'
}
