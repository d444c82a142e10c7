import { z } from 'zod'
import { signAdminRequest } from '../../../admin-api/signature.ts'
import type { HttpClient } from '../../../runtime/index.ts'
import type { Credentials } from '../session/session.ts'

/** The node answered, and said no: with its code, the failure's own name, and in its message what it said of it. */
export class AdminApiError extends Error {
  override name = 'AdminApiError'
  readonly code: string
  /** `DuplicatePeer` …; undefined where it names none. */
  readonly failure: string | undefined
  constructor(code: string, message: string, failure?: string) {
    super(message)
    this.code = code
    this.failure = failure
  }
}

/** No answer came: the node is down, or GRAPHQL_URL names another place. */
export class NodeUnreachableError extends Error {
  override name = 'NodeUnreachableError'
}

/** The node does not know these credentials. */
export class CredentialsRefusedError extends Error {
  override name = 'CredentialsRefusedError'
}

/** The backend's Admin API as one session calls it. */
export interface AdminApi {
  /**
   * Runs one operation and gives its `data`, checked against what the page expects of it.
   *
   * @throws AdminApiError, NodeUnreachableError, CredentialsRefusedError
   */
  call<Schema extends z.ZodType>(
    operation: Operation<Schema>,
    variables?: Record<string, unknown>
  ): Promise<z.output<Schema>>
}

/** A GraphQL document and the form of its answer. Every document is held against the node's schema by a test. */
export interface Operation<Schema extends z.ZodType> {
  document: string
  data: Schema
}

export function operation<Schema extends z.ZodType>(document: string, data: Schema): Operation<Schema> {
  return { document, data }
}

const answer = z.object({
  data: z.unknown(),
  errors: z
    .array(
      z.object({
        message: z.string(),
        extensions: z
          .object({
            code: z.string().optional(),
            failure: z.string().optional(),
            details: z.object({ reason: z.string().optional() }).optional()
          })
          .optional()
      })
    )
    .optional()
})

const TIMEOUT_MS = 15_000

export type CallingCredentials = Pick<Credentials, 'tenantId' | 'apiSecret'>

export function createAdminApi(
  { http, signingTimeMs }: { http: Pick<HttpClient, 'request'>; signingTimeMs: () => number },
  { url, signatureVersion }: { url: string; signatureVersion: number },
  credentials: CallingCredentials
): AdminApi {
  return {
    async call({ document, data }, variables = {}) {
      const operationName = /\b(?:query|mutation)\s+(\w+)/.exec(document)?.[1]
      const body = { query: document, variables, ...(operationName !== undefined && { operationName }) }
      const response = await http
        .request({
          method: 'POST',
          url,
          headers: {
            'content-type': 'application/json',
            accept: 'application/json',
            'tenant-id': credentials.tenantId,
            signature: signAdminRequest({
              body,
              secret: credentials.apiSecret,
              version: signatureVersion,
              timestampMs: signingTimeMs()
            })
          },
          body: JSON.stringify(body),
          timeoutMs: TIMEOUT_MS
        })
        .catch((error: Error) => {
          throw new NodeUnreachableError(error.message, { cause: error })
        })
      if (response.status === 401) throw new CredentialsRefusedError('the node refused these credentials')
      const parsed = answer.safeParse(parseJson(response.body.toString('utf8')))
      if (!parsed.success) throw new NodeUnreachableError(`it answered ${response.status} without GraphQL`)
      const [error] = parsed.data.errors ?? []
      if (error) throw errorOf(error, response.status)
      return data.parse(parsed.data.data)
    }
  }
}

function errorOf(
  { message, extensions }: NonNullable<z.output<typeof answer>['errors']>[number],
  status: number
): AdminApiError {
  const reason = extensions?.details?.reason
  return new AdminApiError(
    extensions?.code ?? `HTTP_${status}`,
    reason === undefined ? message : `${message}: ${reason}`,
    extensions?.failure
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's error page, or something else that listens there: told by its status.
    return undefined
  }
}
