import Koa from 'koa'
import type { Middleware } from 'koa'
import type { Logger, Random } from '../runtime/index.ts'

export interface HttpAppOptions {
  logger: Logger
  random: Random
  /** Believe `X-Forwarded-*` headers. */
  trustProxy?: boolean
  /** The body of a 500, with the id under which the cause was logged. */
  describeUnexpected(errorId: string): string | object
}

/**
 * A koa application as every HTTP API of a node begins: CORS, and errors that nobody expected are logged with
 * their cause under an id and answered 500 with that id.
 */
export function createHttpApp({
  logger,
  random,
  trustProxy = false,
  describeUnexpected
}: HttpAppOptions): Koa {
  const app = new Koa({ proxy: trustProxy })
  // What escapes the middleware below is about sending the answer itself: the client is gone.
  app.on('error', (error: Error) => logger.debug({ err: error }, 'an answer could not be sent'))
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const errorId = random.uuid()
      logger.error(
        { err: error, errorId, method: ctx.method, path: ctx.path },
        'a request failed unexpectedly'
      )
      ctx.status = 500
      ctx.body = describeUnexpected(errorId)
    }
  })
  app.use(cors)
  return app
}

/** Cross-origin requests are allowed from everywhere (Fetch standard, CORS protocol): access is by signature. */
const cors: Middleware = async (ctx, next) => {
  const origin = ctx.get('origin')
  ctx.vary('Origin')
  if (origin === '') return next()
  ctx.set('access-control-allow-origin', origin)
  const requestedMethod = ctx.get('access-control-request-method')
  if (ctx.method !== 'OPTIONS' || requestedMethod === '') return next()
  ctx.set('access-control-allow-methods', 'GET,HEAD,PUT,POST,DELETE,PATCH')
  const requestedHeaders = ctx.get('access-control-request-headers')
  if (requestedHeaders !== '') ctx.set('access-control-allow-headers', requestedHeaders)
  ctx.status = 204
}
