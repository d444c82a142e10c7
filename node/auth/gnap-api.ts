import type { OpenAPI } from '@interledger/openapi'
import type Koa from 'koa'
import { createApp, jsonRoute } from './api.ts'
import type { ApiHandler } from './api.ts'
import type { AuthDependencies } from './dependencies.ts'
import { createClientAuthenticator } from './grants/client.ts'
import { createContinuationHandlers } from './grants/continuation.ts'
import { createGrantRequestHandler } from './grants/request.ts'
import { createBrowserRoutes } from './interactions/browser-routes.ts'
import { validated } from './open-payments-document.ts'
import type { AuthOperation } from './open-payments-document.ts'
import { createTokenHandlers } from './tokens/management.ts'

/** What this server can do (RFC 9635 section 9). */
const DISCOVERY = {
  grant_request_endpoint: '/',
  interaction_start_modes_supported: ['redirect'],
  interaction_finish_modes_supported: ['redirect']
}

/** The authorization server of Open Payments (GNAP), with the front channel of its interactions. */
export function createGnapApp(dependencies: AuthDependencies, document: OpenAPI): Koa {
  const clients = createClientAuthenticator(dependencies)
  const requestGrant = createGrantRequestHandler(dependencies, clients)
  const { continueGrant, cancelGrant } = createContinuationHandlers(dependencies, clients)
  const tokens = createTokenHandlers(dependencies, clients)
  const browser = createBrowserRoutes(dependencies)
  const validateAnswers = dependencies.config.VALIDATE_RESPONSES
  const open = (method: AuthOperation['method'], path: AuthOperation['path'], handler: ApiHandler) =>
    jsonRoute(validated(document, { path, method }, { validateAnswers }, handler))

  return createApp(dependencies, (router) => {
    router.get(
      '/discovery',
      jsonRoute(async () => ({ status: 200, body: DISCOVERY }))
    )
    router.get('/interact/:id/:nonce', browser.start)
    router.get('/interact/:id/:nonce/finish', browser.finish)
    router.post('/continue/:id', open('post', '/continue/{id}', continueGrant))
    router.delete('/continue/:id', open('delete', '/continue/{id}', cancelGrant))
    router.post('/token/:id', open('post', '/token/{id}', tokens.rotate))
    router.delete('/token/:id', open('delete', '/token/{id}', tokens.revoke))
    router.post('/:tenantId', open('post', '/', requestGrant))
  })
}
