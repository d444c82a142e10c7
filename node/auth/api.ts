import type { IncomingHttpHeaders } from 'node:http'
import Router from '@koa/router'
import type Koa from 'koa'
import type { Context } from 'koa'
import {
  createHttpApp,
  isJsonContentType,
  isPlainEncoding,
  parseJson,
  readRequestBody
} from '../http-api/index.ts'
import type { AuthDependencies } from './dependencies.ts'
import { errorBody, fail, isFailure } from './errors.ts'
import type { GnapFailure } from './errors.ts'

/** A longer body of a request is refused with 413. */
export const MAX_BODY_BYTES = 65_536

/** A request as handlers see it. */
export interface ApiRequest {
  method: string
  /** Path and query as they stand in the request line. */
  url: string
  params: Record<string, string>
  query: Record<string, unknown>
  headers: IncomingHttpHeaders
  rawBody: Buffer
  /** The JSON of the body; undefined where there was none. */
  body: unknown
}

/** What a handler answers. Bodies are JSON. */
export interface ApiAnswer {
  status: number
  body?: unknown
}

export type ApiHandler = (request: ApiRequest) => Promise<ApiAnswer | GnapFailure>

/** A koa application with `/healthz` and `/readyz`, whose unexpected errors answer in GNAP's form. */
export function createApp(
  { config, logger, random, health }: AuthDependencies,
  register: (router: Router) => void
): Koa {
  const app = createHttpApp({
    logger,
    random,
    trustProxy: config.TRUST_PROXY,
    describeUnexpected: (errorId) =>
      errorBody(fail(500, 'request_denied', `internal server error (${errorId})`))
  })
  app.keys = [config.COOKIE_KEY]
  app.use(async (ctx, next) => {
    await next()
    const { status } = ctx
    if (ctx.body !== undefined && ctx.body !== null) return
    if (status !== 404 && status !== 405) return
    const what = status === 404 ? 'nothing is at this path' : `${ctx.method} is not what this path takes`
    ctx.body = errorBody(fail(status, 'invalid_request', what))
    ctx.status = status
  })
  const router = new Router()
  router.get('/healthz', health.healthz)
  router.get('/readyz', health.readyz)
  register(router)
  app.use(router.routes())
  app.use(router.allowedMethods())
  return app
}

/** A handler as a route: reads the body, runs the handler, writes its answer. */
export function jsonRoute(handler: ApiHandler): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    const request = await readApiRequest(ctx)
    const answer = isFailure(request) ? request : await handler(request)
    // Answers hold tokens, and the state of grants, which changes.
    ctx.set('cache-control', 'no-store')
    ctx.status = answer.status
    if (isFailure(answer)) ctx.body = errorBody(answer)
    else if (answer.body !== undefined) ctx.body = answer.body
    else ctx.body = answer.status === 204 ? null : ''
  }
}

async function readApiRequest(ctx: Context): Promise<ApiRequest | GnapFailure> {
  const read = await readRequestBody(ctx.req, MAX_BODY_BYTES)
  if (!read.ok) {
    return read.code === 'too_large'
      ? fail(413, 'invalid_request', `the body is longer than ${MAX_BODY_BYTES} bytes`)
      : fail(400, 'invalid_request', 'the body ended early')
  }
  let body: unknown
  if (read.body.length > 0) {
    if (!isJsonContentType(ctx.get('content-type'))) {
      return fail(415, 'invalid_request', 'the content type of the body must be application/json')
    }
    if (!isPlainEncoding(ctx.get('content-encoding'))) {
      return fail(415, 'invalid_request', 'the body must be sent without a content encoding')
    }
    const parsed = parseJson(read.body)
    if (!parsed) return fail(400, 'invalid_request', 'the body is not valid JSON')
    body = parsed.json
  }
  return {
    method: ctx.method,
    url: ctx.url,
    params: (ctx as unknown as { params: Record<string, string> }).params,
    query: { ...ctx.query },
    headers: ctx.headers,
    rawBody: read.body,
    body
  }
}
