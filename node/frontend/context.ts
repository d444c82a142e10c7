import type { Clock, HttpClient, Logger } from '../runtime/index.ts'
import type { Kratos } from './app/login/kratos.server.ts'
import type { Oidc } from './app/login/oidc.server.ts'
import type { Sessions } from './app/session/session.ts'
import type { FrontendConfig } from './config.ts'

/** What the server gives to every page: there is no state at module level, so that many frontends live in one process. */
export interface FrontendContext {
  config: FrontendConfig
  logger: Logger
  clock: Pick<Clock, 'nowMs' | 'monotonicMs'>
  sessions: Sessions
  http: Pick<HttpClient, 'request'>
  /** Who logs people in, where AUTH_ENABLED is true: one of them. */
  oidc: Oidc | undefined
  kratos: Kratos | undefined
  /** Milliseconds since 1970, for a signature of the Admin API: never the same twice. */
  signingTimeMs(): number
  /** Lets this answer's own scripts run (Content-Security-Policy). */
  scriptNonce: string
}

declare module '@remix-run/node' {
  /** Data goes to the browser as it is: bigint stays bigint. */
  interface Future {
    v3_singleFetch: true
  }
  interface AppLoadContext {
    frontend: FrontendContext
  }
}
