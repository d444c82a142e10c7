import type Router from '@koa/router'
import type { Context } from 'koa'
import type { BackendConfig } from '../config.ts'
import { pageOf } from '../wallet-addresses/page.ts'
import { isRefusal } from './errors.ts'
import type { Refusal } from './errors.ts'
import type { Answer } from './request.ts'
import { SPSP_CONTENT_TYPE } from './spsp.ts'
import type { OpenApiOperation } from './validate.ts'
import type { createWalletAddressHandlers } from './wallet-addresses.ts'

/** Documents beside a wallet address, and the operation whose answer each is. */
const DOCUMENTS = {
  'jwks.json': 'keys',
  'did.json': 'didDocument'
} as const

/**
 * Routes of the wallet address server. Wallet addresses may have any path, so these come last. What a path
 * asks for:
 *
 *   …/jwks.json, …/did.json        the keys, and the DID document made of them
 *   else, Accept: text/html        302 to WALLET_ADDRESS_REDIRECT_HTML_PAGE, where that is set
 *   else, Accept: …/spsp4+json     STREAM credentials (with ENABLE_SPSP_PAYMENT_POINTERS)
 *   else                           the wallet address
 */
export function addWalletAddressRoutes(
  router: Router,
  {
    config,
    handlers,
    checked,
    send
  }: {
    config: Pick<BackendConfig, 'ENABLE_SPSP_PAYMENT_POINTERS' | 'WALLET_ADDRESS_REDIRECT_HTML_PAGE'>
    handlers: ReturnType<typeof createWalletAddressHandlers>
    checked: (operation: OpenApiOperation) => (answer: Answer) => Answer
    send: (ctx: Context, answer: Answer | Refusal) => void
  }
): void {
  const check = (path: string) => {
    const checkAnswer = checked({ document: 'walletAddress', method: 'get', path })
    return (answer: Answer | Refusal) => (isRefusal(answer) ? answer : checkAnswer(answer))
  }
  const checks = { keys: check('/jwks.json'), didDocument: check('/did.json'), get: check('/') }
  const page = config.WALLET_ADDRESS_REDIRECT_HTML_PAGE

  router.get(/^\/.*$/, async (ctx) => {
    const [, path, name] = /^(.*)\/(jwks\.json|did\.json)$/i.exec(ctx.path) ?? []
    if (path !== undefined && name !== undefined) {
      const document = DOCUMENTS[name.toLowerCase() as keyof typeof DOCUMENTS]
      return send(ctx, checks[document](await handlers[document](ctx.host, path)))
    }
    if (page !== undefined && isAskedFor(ctx, 'text/html')) {
      const url = `https://${ctx.host}${ctx.path}`
      if (URL.canParse(url)) return ctx.redirect(pageOf(page, url))
    }
    if (config.ENABLE_SPSP_PAYMENT_POINTERS && isAskedFor(ctx, SPSP_CONTENT_TYPE)) {
      return send(ctx, await handlers.spsp(ctx.host, ctx.path, ctx.headers))
    }
    send(ctx, checks.get(await handlers.get(ctx.host, ctx.path)))
  })
}

/** Whether a media type is asked for by its name, and not refused by q=0 (RFC 9110, 12.5.1): a wildcard asks for the wallet address. */
function isAskedFor(ctx: Context, mediaType: string): boolean {
  return ctx.get('accept').toLowerCase().includes(mediaType) && ctx.accepts(mediaType) !== false
}
