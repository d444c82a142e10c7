import { getOperationAST, GraphQLError, NoSchemaIntrospectionCustomRule } from 'graphql'
import type { DocumentNode, GraphQLSchema, parse } from 'graphql'
import { createYoga } from 'graphql-yoga'
import type { Plugin } from 'graphql-yoga'
import type { Context } from 'koa'
import {
  createHttpApp,
  DEFAULT_MAX_BODY_BYTES,
  MAX_JSON_DEPTH,
  parseJson,
  readRequestBody
} from '../http-api/index.ts'
import type { Health } from '../http-api/index.ts'
import { isOverload, serveHttp } from '../runtime/index.ts'
import type { Address, Clock, HttpServer, Logger, Network, Random } from '../runtime/index.ts'
import { DEFAULT_ARGUMENT_LIMITS, limitArguments } from './argument-limits.ts'
import type { ArgumentLimits } from './argument-limits.ts'
import { DEFAULT_MAX_ANSWER_LENGTH, limitAnswerLength } from './answer-length.ts'
import { answerTooLarge, measureAnswer } from './answer-size.ts'
import type { AdminAuthenticator, AdminTenant } from './authenticator.ts'
import { createErrorMask, notAnswered, withoutHints } from './errors.ts'
import { createInFlight } from './in-flight.ts'
import type { InFlightLimits, InFlightRequest } from './in-flight.ts'
import { createKnownDocuments } from './known-documents.ts'
import type { Refuse } from './known-documents.ts'
import { DEFAULT_QUERY_LIMITS, documentTooLarge, parseWithin, refuseNulRule } from './query-limits.ts'
import type { QueryLimits } from './query-limits.ts'

/** What an answer may be, the first where either will do. */
const ANSWER_TYPES = ['application/json', 'application/graphql-response+json']

export interface AdminServerOptions<Tenant extends AdminTenant, ResolverContext extends object> {
  network: Network
  clock: Clock
  random: Random
  logger: Logger
  address: Address
  /** The server's from then on: its resolvers are made to keep the limits. */
  schema: GraphQLSchema
  authenticator: AdminAuthenticator<Tenant>
  /** The resolvers' context, built for each request: DataLoaders live in it. */
  createContext(caller: { tenant: Tenant; isOperator: boolean }): ResolverContext | Promise<ResolverContext>
  health: Health
  /** Introspection is off in production. */
  production: boolean
  trustProxy?: boolean
  queryLimits?: QueryLimits
  argumentLimits?: ArgumentLimits
  inFlightLimits?: InFlightLimits
  maxAnswerLength?: number
  maxBodyBytes?: number
}

/**
 * Serves an Admin API: `POST /graphql` by signed requests, `GET /healthz` and `/readyz`, and 404 for everything else.
 *
 * @throws an error with code EADDRINUSE when the port is taken
 */
export async function createAdminServer<Tenant extends AdminTenant, ResolverContext extends object>(
  options: AdminServerOptions<Tenant, ResolverContext>
): Promise<HttpServer> {
  const { logger, random, authenticator, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options
  limitArguments(options.schema, options.argumentLimits ?? DEFAULT_ARGUMENT_LIMITS)
  const execute = createExecutor(options)
  const inFlight = createInFlight(options.inFlightLimits)

  async function graphql(ctx: Context): Promise<void> {
    // Before anything is executed: who cannot read the answer would not learn what was done.
    if (ctx.accepts(ANSWER_TYPES) === false) {
      return refuse(ctx, 406, `Answers are ${ANSWER_TYPES.join(' or ')}: the header Accept must permit one`)
    }
    const read = await readRequestBody(ctx.req, maxBodyBytes)
    if (!read.ok) {
      if (read.code === 'too_large') refuse(ctx, 413, `The body is longer than ${maxBodyBytes} bytes`)
      else refuse(ctx, 400, 'The body ended early')
      return
    }
    const body = parseJsonObject(read.body)
    if (body === undefined) return refuse(ctx, 400, UNREADABLE_BODY)
    const caller = await authenticator.authenticate(ctx.headers, body)
    if (!caller.ok) {
      logger.info({ code: caller.code, tenantId: ctx.get('tenant-id') }, 'an Admin API request was refused')
      ctx.status = 401
      ctx.body = 'Unauthorized'
      return
    }
    const request = inFlight.begin(caller.tenant.id)
    if (request instanceof GraphQLError) {
      ctx.status = 429
      ctx.body = graphqlError(request.message, String(request.extensions.code))
      return
    }
    try {
      const resolvers = await options.createContext({ tenant: caller.tenant, isOperator: caller.isOperator })
      await execute(ctx, { body: read.body, json: body, inFlight: request, resolvers })
    } finally {
      request.end()
    }
  }

  /** What comes before the operation asks the database and the cache too. */
  async function graphqlInTime(ctx: Context): Promise<void> {
    try {
      await graphql(ctx)
    } catch (error) {
      if (!isOverload(error)) throw error
      const errorId = random.uuid()
      logger.warn({ err: error, errorId }, 'an Admin API request was not answered in time')
      ctx.status = 503
      ctx.body = { errors: [notAnswered(errorId)] }
    }
  }

  const app = createHttpApp({
    logger,
    random,
    trustProxy: options.trustProxy ?? false,
    describeUnexpected: (errorId) =>
      graphqlError('Internal server error', 'INTERNAL_SERVER_ERROR', { errorId })
  })
  app.use(async (ctx) => {
    if (ctx.path === '/healthz' && ctx.method === 'GET') return options.health.healthz(ctx)
    if (ctx.path === '/readyz' && ctx.method === 'GET') return options.health.readyz(ctx)
    if (ctx.path === '/graphql' && ctx.method === 'POST') return graphqlInTime(ctx)
    ctx.status = 404
  })
  return serveHttp(options, options.address, app.callback())
}

/** A request whose caller is known. */
interface ReadRequest<ResolverContext> {
  body: Buffer
  json: Record<string, unknown>
  inFlight: InFlightRequest
  resolvers: ResolverContext
}

/** Runs an authenticated request through the schema and writes the answer. */
function createExecutor<ResolverContext extends object>({
  schema,
  logger,
  random,
  production,
  queryLimits = DEFAULT_QUERY_LIMITS,
  maxAnswerLength = DEFAULT_MAX_ANSWER_LENGTH
}: {
  schema: GraphQLSchema
  logger: Logger
  random: Random
  production: boolean
  queryLimits?: QueryLimits
  maxAnswerLength?: number
}) {
  const maskError = createErrorMask({ logger, random })
  const lengths = limitAnswerLength(schema, maxAnswerLength)
  const refuseFor =
    (inFlight: InFlightRequest): Refuse =>
    (document, operation, variables) => {
      const size = measureAnswer(schema, document, operation, variables)
      return answerTooLarge(queryLimits, size) ?? inFlight.takeRows(size.rows)
    }
  const known = createKnownDocuments({ schema, maskError, replace: lengths.tooLong })
  const limits: Plugin = {
    onParse: ({ setParseFn }) =>
      setParseFn(((source: string) => parseWithin(queryLimits, source)) as typeof parse),
    onValidate({ addValidationRule, params, setResult: setResultBefore }) {
      const tooLarge = documentTooLarge(queryLimits, params.documentAST as DocumentNode)
      // A result that is there already: the rules, which take long for such documents, do not run.
      if (tooLarge) setResultBefore([tooLarge])
      addValidationRule(refuseNulRule)
      if (production) addValidationRule(NoSchemaIntrospectionCustomRule)
      return ({ valid, result, setResult }) => {
        if (valid) known.add(params.documentAST as DocumentNode)
        else setResult(result.map((error) => withoutHints(error, 'GRAPHQL_VALIDATION_FAILED')))
      }
    },
    // Not a rule of validation: variables say how long pages are, and a document is validated once for all of them.
    onExecute({
      args: { document, operationName, variableValues, contextValue },
      setResultAndStopExecution
    }) {
      const operation = getOperationAST(document, operationName)
      const { inFlight } = contextValue as unknown as { inFlight: InFlightRequest }
      const error = operation && refuseFor(inFlight)(document, operation, variableValues ?? {})
      if (error) setResultAndStopExecution({ errors: [error] })
      return {
        onExecuteDone({ setResult }) {
          const tooLong = lengths.tooLong(contextValue as unknown as object)
          if (tooLong) setResult({ errors: [tooLong] })
        }
      }
    }
  }
  const yoga = createYoga<{ resolvers: ResolverContext; inFlight: InFlightRequest }>({
    schema: schema as never,
    context: ({ resolvers }) => resolvers,
    plugins: [limits],
    // It keeps documents by their number, whatever their size, those that were refused too.
    parserAndValidationCache: false,
    maskedErrors: { maskError, errorMessage: 'Internal server error' },
    // The mask logs what is unexpected; the rest is the caller's to read.
    logging: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    batching: false,
    multipart: false
  })

  return async (
    ctx: Context,
    { body, json, inFlight, resolvers }: ReadRequest<ResolverContext>
  ): Promise<void> => {
    const answer =
      acceptOf(ctx) === 'application/json' ? await known.run(json, resolvers, refuseFor(inFlight)) : undefined
    if (answer !== undefined) {
      ctx.status = 200
      ctx.set('content-type', 'application/json; charset=utf-8')
      ctx.body = answer
      return
    }
    const response = await yoga.fetch(
      'http://admin/graphql',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: acceptOf(ctx) },
        body: body.toString('utf8')
      },
      { resolvers, inFlight }
    )
    ctx.status = response.status
    ctx.set('content-type', response.headers.get('content-type') ?? 'application/json')
    ctx.body = await response.text()
  }
}

/** Of what is valid JSON all the same, texts that no database keeps, numbers and depth may be to blame. */
const UNREADABLE_BODY = `The body must be a JSON object with a query, without NUL characters, halves of surrogate pairs and numbers that no double holds, and nested at most ${MAX_JSON_DEPTH} deep`

function acceptOf(ctx: Context): string {
  return ctx.get('accept') || 'application/json'
}

function parseJsonObject(body: Buffer): Record<string, unknown> | undefined {
  const json = parseJson(body)?.json
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  return json as Record<string, unknown>
}

function refuse(ctx: Context, status: number, message: string): void {
  ctx.status = status
  ctx.body = graphqlError(message, 'BAD_USER_INPUT')
}

function graphqlError(message: string, code: string, extensions: Record<string, unknown> = {}): object {
  return { errors: [{ message, extensions: { code, ...extensions } }] }
}
