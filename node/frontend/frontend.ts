import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createRequestListener } from '@mjackson/node-fetch-server'
import { createRequestHandler } from '@remix-run/node'
import type { ServerBuild } from '@remix-run/node'
import sirv from 'sirv'
import { createHttpClient, serveHttp } from '../runtime/index.ts'
import type { Address, HttpServer, Runtime } from '../runtime/index.ts'
import { createKratos } from './app/login/kratos.server.ts'
import { createOidc } from './app/login/oidc.server.ts'
import { createSigningClock } from './app/admin-api/signing-clock.ts'
import { createSessions } from './app/session/session.ts'
import type { FrontendConfig } from './config.ts'
import type { FrontendContext } from './context.ts'
import { securityHeaders } from './security-headers.ts'

const BUILD = fileURLToPath(new URL('./build/', import.meta.url))
const SERVER_BUILD = `${BUILD}server/index.js`

/** The largest form: a thousand routes of a peer, or fifty properties, are far below it. */
const MAX_BODY_BYTES = 512 * 1024

/** The UI was not built: there is nothing to serve. */
export class NotBuiltError extends Error {
  override name = 'NotBuiltError'
}

export interface Frontend {
  readonly address: Address | undefined
  /** @throws NotBuiltError; an error with code EADDRINUSE when the port is taken */
  start(): Promise<void>
  stop(): Promise<void>
}

/** The admin UI's server: files of the build, then pages. */
export function createFrontend(config: FrontendConfig, runtime: Runtime): Frontend {
  const { clock, logger } = runtime
  const nowMs = () => clock.nowMs()
  const isProduction = config.NODE_ENV === 'production'
  const sessions = createSessions(
    {
      secret: config.SESSION_SECRET,
      lifetimeSeconds: config.SESSION_LIFETIME_SECONDS,
      isSecure: isProduction,
      isFlashSecure: isProduction && !config.ENABLE_INSECURE_MESSAGE_COOKIE
    },
    nowMs
  )
  const http = createHttpClient(runtime)
  const hasLogin = config.AUTH_ENABLED
  const shared: Omit<FrontendContext, 'scriptNonce'> = {
    config,
    logger,
    clock,
    sessions,
    http,
    oidc: hasLogin && config.AUTH_PROVIDER === 'oidc' ? createOidc(config) : undefined,
    kratos: hasLogin && config.AUTH_PROVIDER === 'kratos' ? createKratos(config, http) : undefined,
    signingTimeMs: createSigningClock(nowMs)
  }
  const formTargets = loginOrigins(config)
  let server: HttpServer | undefined
  return {
    get address() {
      return server?.address
    },
    async start() {
      if (!existsSync(SERVER_BUILD))
        throw new NotBuiltError('the admin UI is not built: run `npm run frontend:build` first')
      const build = (await import(SERVER_BUILD)) as ServerBuild
      const handle = createRequestHandler(build, isProduction ? 'production' : 'development')
      const serveFile = sirv(`${BUILD}client`, {
        etag: true,
        setHeaders(response, path) {
          if (path.startsWith('/files/'))
            response.setHeader('cache-control', 'public, max-age=31536000, immutable')
        }
      })
      const listener = (request: IncomingMessage, response: ServerResponse): void => {
        if (request.url === '/healthz') {
          response.writeHead(200, { 'content-type': 'text/plain' }).end('OK')
          return
        }
        const scriptNonce = randomBytes(16).toString('base64')
        for (const [name, value] of Object.entries(
          securityHeaders({ scriptNonce, isProduction, formTargets })
        )) {
          response.setHeader(name, value)
        }
        const refusal = refusalOf(request)
        if (refusal) {
          response.writeHead(refusal.status, { 'content-type': 'text/plain', connection: 'close' })
          response.end(refusal.message)
          return
        }
        const page = createRequestListener((fetchRequest) =>
          handle(fetchRequest, { frontend: { ...shared, scriptNonce } })
        )
        serveFile(request, response, () => page(request, response))
      }
      server = await serveHttp(runtime, { host: config.BIND_HOST, port: config.PORT }, listener)
    },
    async stop() {
      await server?.stop(config.STOP_GRACE_MS)
      await http.close()
    }
  }
}

/**
 * Why a form is not read: it is of another site, too long, or does not say how long it is (browsers always say). The
 * session's token is looked at by the page that it is for.
 */
function refusalOf({ method, headers }: IncomingMessage): { status: number; message: string } | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined
  const { origin, host } = headers
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host)) {
    return { status: 403, message: 'This form was not sent: it is of another site' }
  }
  const length = Number(headers['content-length'])
  if (Number.isNaN(length)) return { status: 411, message: 'The length of the form is missing' }
  if (length <= MAX_BODY_BYTES) return undefined
  return { status: 413, message: `A form has at most ${MAX_BODY_BYTES} bytes` }
}

/** Other origins that forms may lead to: the login service, where people log in and out. */
function loginOrigins(config: FrontendConfig): string[] {
  if (!config.AUTH_ENABLED) return []
  const url = config.AUTH_PROVIDER === 'oidc' ? config.OIDC_ISSUER_URL : config.KRATOS_BROWSER_PUBLIC_URL
  return [new URL(url!).origin]
}
