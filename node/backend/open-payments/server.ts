import type { KeyObject } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import Router from '@koa/router'
import type Koa from 'koa'
import type { Context } from 'koa'
import { createHttpApp, isPlainEncoding, readRequestBody } from '../../http-api/index.ts'
import type { Health } from '../../http-api/index.ts'
import { createNonceGuard, toJwk } from '../../http-signatures/index.ts'
import type { ClientKeyFetcher } from '../../http-signatures/index.ts'
import type { StreamReceiver } from '../../ilp/index.ts'
import { serveHttp } from '../../runtime/index.ts'
import type { Address, Cache, Database, HttpServer, Runtime } from '../../runtime/index.ts'
import type { TokenIntrospectionClient } from '../../token-introspection/index.ts'
import type { BackendConfig } from '../config.ts'
import type { IncomingPayments } from '../incoming-payments/model.ts'
import type { OutgoingPayments } from '../outgoing-payments/model.ts'
import type { Quotes } from '../quotes/model.ts'
import { RemoteUnavailableError } from '../receivers/index.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import type { AwaitedWalletAddresses } from '../wallet-addresses/awaited.ts'
import type { WalletAddresses } from '../wallet-addresses/model.ts'
import { createAuthorizer } from './authorize.ts'
import type { Authorizer } from './authorize.ts'
import { MAX_BODY_BYTES, parseBody } from './body.ts'
import { errorBody, isRefusal, refuse, refuseUnreadable } from './errors.ts'
import type { Refusal } from './errors.ts'
import { createIncomingPaymentHandlers } from './incoming-payments.ts'
import { createOutgoingPaymentHandlers } from './outgoing-payments.ts'
import { createQuoteHandlers } from './quotes.ts'
import type { Answer, ResourceRequest } from './request.ts'
import { resourceRoutes } from './routes.ts'
import type { ResourceRoute } from './routes.ts'
import { answerValidator, loadOpenApiDocuments, requestValidator } from './validate.ts'
import type { OpenApiDocuments, OpenApiOperation } from './validate.ts'
import { addWalletAddressRoutes } from './wallet-address-routes.ts'
import { createWalletAddressHandlers } from './wallet-addresses.ts'

export interface OpenPaymentsServerDependencies {
  config: Pick<
    BackendConfig,
    | 'AUTH_SERVER_GRANT_URL'
    | 'BIND_HOST'
    | 'CARD_SERVICE_URL'
    | 'ENABLE_SPSP_PAYMENT_POINTERS'
    | 'KEY_ID'
    | 'OPEN_PAYMENTS_PORT'
    | 'OPEN_PAYMENTS_SCHEME'
    | 'OPEN_PAYMENTS_URL'
    | 'TRUST_PROXY'
    | 'VALIDATE_RESPONSES'
    | 'WALLET_ADDRESS_NOT_FOUND_POLLING_ENABLED'
    | 'WALLET_ADDRESS_REDIRECT_HTML_PAGE'
    | 'WALLET_ADDRESS_URL'
  >
  runtime: Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>
  database: Pick<Database, 'ping'>
  cache: Cache
  /** The Ed25519 private key of PRIVATE_KEY_FILE. */
  instanceKey: KeyObject
  /** Of the authorization server at AUTH_SERVER_INTROSPECTION_URL. */
  introspection: TokenIntrospectionClient
  /** Reads the key sets of clients elsewhere. */
  clientKeys: Pick<ClientKeyFetcher, 'getKey'>
  tenants: Pick<TenantDirectory, 'get'>
  walletAddresses: WalletAddresses
  awaitedWalletAddresses: AwaitedWalletAddresses
  streamReceiver: Pick<StreamReceiver, 'createCredentials'>
  incomingPayments: IncomingPayments
  quotes: Quotes
  outgoingPayments: OutgoingPayments
  health: Health
}

export interface OpenPaymentsServer {
  /** @throws an error with code EADDRINUSE when OPEN_PAYMENTS_PORT is taken */
  start(): Promise<void>
  /** Where it listens; undefined before the start. */
  readonly address: Address | undefined
  /** Answers 503 from now on; resolves when what runs has ended, at most after `graceMs`. */
  drain(graceMs?: number): Promise<void>
  stop(graceMs?: number): Promise<void>
}

/** The Open Payments resource server and wallet address server of a node. */
export function createOpenPaymentsServer(dependencies: OpenPaymentsServerDependencies): OpenPaymentsServer {
  let server: HttpServer | undefined
  return {
    async start() {
      const { config, runtime } = dependencies
      const app = createApp(dependencies, await loadOpenApiDocuments())
      const address = { host: config.BIND_HOST, port: config.OPEN_PAYMENTS_PORT }
      // What the node itself still has under way is signed, and whoever verifies it reads the key here.
      const keysPath =
        `${new URL(config.WALLET_ADDRESS_URL).pathname.replace(/\/$/, '')}/jwks.json`.toLowerCase()
      const isForOwnKeys = ({ method, url = '' }: IncomingMessage) =>
        method === 'GET' && url.toLowerCase() === keysPath
      server = await serveHttp(runtime, address, app.callback(), undefined, undefined, isForOwnKeys)
    },
    get address() {
      return server?.address
    },
    async drain(graceMs) {
      await server?.drain(graceMs)
    },
    async stop(graceMs) {
      await server?.stop(graceMs)
    }
  }
}

function createApp(dependencies: OpenPaymentsServerDependencies, documents: OpenApiDocuments): Koa {
  const { config, runtime, cache, tenants, walletAddresses } = dependencies
  const { incomingPayments, quotes, outgoingPayments } = dependencies
  const { clock, logger } = runtime
  const doors = {
    authServerUrl: config.AUTH_SERVER_GRANT_URL,
    openPaymentsUrl: config.OPEN_PAYMENTS_URL,
    ...(config.CARD_SERVICE_URL !== undefined && { cardServiceUrl: config.CARD_SERVICE_URL })
  }
  const instance = {
    walletAddressUrl: config.WALLET_ADDRESS_URL,
    key: toJwk(dependencies.instanceKey, config.KEY_ID)
  }
  const publicUrl = new URL(config.OPEN_PAYMENTS_URL)
  const scheme = config.OPEN_PAYMENTS_SCHEME === 'http' ? 'http:' : publicUrl.protocol
  const authorizer = createAuthorizer({
    introspection: dependencies.introspection,
    clientKeys: dependencies.clientKeys,
    walletAddresses,
    nonces: createNonceGuard(cache),
    instance,
    publicOrigin: `${scheme}//${publicUrl.host}`,
    clock,
    logger
  })
  const handlers = {
    incomingPayments: createIncomingPaymentHandlers({ incomingPayments, doors }),
    quotes: createQuoteHandlers({ quotes }),
    outgoingPayments: createOutgoingPaymentHandlers({ outgoingPayments, quotes }),
    walletAddresses
  }
  const { streamReceiver } = dependencies
  const publicHandlers = createWalletAddressHandlers({
    walletAddresses,
    awaited: dependencies.awaitedWalletAddresses,
    isAwaitedByAll: config.WALLET_ADDRESS_NOT_FOUND_POLLING_ENABLED,
    tenants,
    streamReceiver,
    doors,
    instance
  })

  const checked = (operation: OpenApiOperation): ((answer: Answer) => Answer) => {
    if (!config.VALIDATE_RESPONSES) return (answer) => answer
    const validate = answerValidator(documents, operation)
    return (answer) => {
      validate(answer)
      return answer
    }
  }

  /** What a client is not told is in the log, under an id that it is told. */
  const withCauseLogged = (ctx: Context, answer: Refusal): Refusal => {
    const { cause, ...refusal } = answer.refusal
    if (cause === undefined) return answer
    const id = runtime.random.uuid()
    logger.warn({ id, cause, path: ctx.path }, 'a client was refused for what it is not told')
    return { refusal: { ...refusal, details: { ...refusal.details, id } } }
  }

  const router = new Router()
  router.get('/healthz', dependencies.health.healthz)
  router.get('/readyz', dependencies.health.readyz)
  for (const route of resourceRoutes(handlers)) {
    const operation: OpenApiOperation = {
      document: 'resource',
      method: route.method,
      path: route.path.replace('/:tenantId', '').replace(':id', '{id}')
    }
    const check = checked(operation)
    const validate = requestValidator(documents, operation)
    router[route.method](route.path, async (ctx) => {
      const answer = await answerResource(ctx, {
        route,
        validate,
        authorizer,
        findWalletAddress: publicHandlers.find
      })
      send(
        ctx,
        isRefusal(answer) ? withCauseLogged(ctx, answer) : check(answer),
        config.AUTH_SERVER_GRANT_URL
      )
    })
  }
  const checkGrant = checked({ document: 'resource', method: 'get', path: '/outgoing-payment-grant' })
  router.get('/:tenantId/outgoing-payment-grant', async (ctx) => {
    const authorization = await authorizer.authorize(signedRequest(ctx, Buffer.alloc(0)), {
      type: 'outgoing-payment',
      action: 'create',
      tenantId: ctx.params.tenantId ?? ''
    })
    const answer = isRefusal(authorization)
      ? authorization
      : checkGrant(await handlers.outgoingPayments.grantSpentAmounts(authorization))
    send(ctx, answer, config.AUTH_SERVER_GRANT_URL)
  })
  addWalletAddressRoutes(router, {
    config,
    handlers: publicHandlers,
    checked,
    send: (ctx, answer) => send(ctx, answer, config.AUTH_SERVER_GRANT_URL)
  })

  const app = createHttpApp({
    logger,
    random: runtime.random,
    trustProxy: config.TRUST_PROXY,
    describeUnexpected: (id) =>
      errorBody(refuse(500, `Internal server error; the log has it under ${id}`, { id }))
  })
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      if (!(error instanceof RemoteUnavailableError)) throw error
      send(ctx, withCauseLogged(ctx, refuseUnreadable(error.message)), config.AUTH_SERVER_GRANT_URL)
    }
  })
  app.use(router.routes())
  app.use((ctx) => send(ctx, refuse(404, 'Not Found'), config.AUTH_SERVER_GRANT_URL))
  return app
}

/** The steps of every request for a resource, in the order that the contract's errors show. */
async function answerResource(
  ctx: Context,
  {
    route,
    validate,
    authorizer,
    findWalletAddress
  }: {
    route: ResourceRoute
    validate: ReturnType<typeof requestValidator>
    authorizer: Authorizer
    findWalletAddress: (url: string) => ReturnType<WalletAddresses['byUrl']>
  }
): Promise<Answer | Refusal> {
  // 1. The request's form.
  if (!ctx.accepts('application/json')) {
    return refuse(406, 'Received error validating OpenAPI request: Must accept application/json')
  }
  const read = await readRequestBody(ctx.req, MAX_BODY_BYTES)
  if (!read.ok) {
    return read.code === 'too_large'
      ? refuse(413, `The body is longer than ${MAX_BODY_BYTES} bytes`)
      : refuse(400, 'The body ended early')
  }
  const rawBody = read.body
  if (rawBody.length > 0 && !isPlainEncoding(ctx.headers['content-encoding'])) {
    return refuse(415, 'The body must be sent without a content encoding')
  }
  const parsed = parseBody(rawBody)
  if (isRefusal(parsed)) return parsed
  const { tenantId = '', ...params } = ctx.params as Record<string, string>
  const request: ResourceRequest & { headers: Record<string, unknown> } = {
    headers: { ...ctx.headers },
    tenantId,
    params,
    query: { ...ctx.query },
    body: parsed.json
  }
  const malformed = validate(request)
  if (malformed) return malformed

  // 2. What it is about.
  const subject = await route.subject(request)
  if (!subject) return refuse(401, 'Unauthorized')

  // 3. and 4. The access token and the signature.
  const [type, action] = route.access
  const isPublic = subject.answerPublic !== undefined && ctx.headers.authorization === undefined
  const authorization = isPublic
    ? undefined
    : await authorizer.authorize(signedRequest(ctx, rawBody), {
        type,
        action,
        tenantId,
        identifier: subject.walletAddressUrl
      })
  if (isRefusal(authorization)) return authorization

  // 5. The wallet address.
  const walletAddress = await findWalletAddress(subject.walletAddressUrl)
  if (!walletAddress) {
    return refuse(400, 'Could not get wallet address', { walletAddressUrl: subject.walletAddressUrl })
  }
  if (walletAddress.tenantId !== tenantId) return refuse(404, 'unknown wallet address')

  // 6. The answer.
  if (!authorization) return subject.answerPublic!()
  return subject.answer({ ...request, ...authorization, walletAddress })
}

function signedRequest(ctx: Context, rawBody: Buffer) {
  return { method: ctx.method, url: ctx.req.url ?? ctx.url, headers: ctx.headers, rawBody }
}

function send(ctx: Context, answer: Answer | Refusal, grantUrl: string): void {
  if (!isRefusal(answer)) {
    ctx.status = answer.status
    ctx.body = answer.body
    if (answer.contentType !== undefined) ctx.type = answer.contentType
    return
  }
  ctx.status = answer.refusal.status
  if (answer.refusal.challenge) ctx.set('WWW-Authenticate', `GNAP as_uri=${grantUrl}`)
  // What is left of a body that nobody reads: the connection ends with the answer.
  if (!ctx.req.complete) ctx.set('Connection', 'close')
  ctx.body = errorBody(answer)
}
