import Router from '@koa/router'
import type { Context } from 'koa'
import { createHttpApp, isJsonContentType, readRequestBody } from '../../http-api/index.ts'
import type { Health } from '../../http-api/index.ts'
import { serveHttp } from '../../runtime/index.ts'
import type { Address, HttpServer, Runtime } from '../../runtime/index.ts'
import { isFailure } from '../model.ts'
import type { Acceptor } from './accept.ts'
import type { AcceptFailure } from './model.ts'
import { PEERING_NONCE_HEADER, PEERING_URL_HEADER } from './proof.ts'
import type { Proofs } from './proof.ts'
import { MAX_PEERING_BYTES } from './wire.ts'

/** Requests that are looked at at once; further ones are answered 429. Each may cost a call back. */
export const MAX_REQUESTS_IN_FLIGHT = 16

/** Refusals by status. Messages of the contract stand here, what exactly was wrong follows. */
const REFUSALS: Record<AcceptFailure, { status: number; message: string }> = {
  InvalidPeeringRequest: { status: 400, message: 'Invalid peering request' },
  InvalidPeerIlpConfiguration: {
    status: 400,
    message: "Requested peer's ILP configuration is misconfigured"
  },
  UnknownAsset: { status: 404, message: 'Unknown asset' },
  PeeringNotAllowed: { status: 403, message: 'Peering is not allowed' },
  PeeringNotProven: { status: 403, message: 'Peering request is not proven' },
  PeeringAwaitsApproval: { status: 403, message: 'Peering awaits approval' },
  TooManyRequests: { status: 429, message: 'Too many requests' },
  LiquidityError: { status: 400, message: 'Could not deposit liquidity to peer' }
}

/**
 * The auto-peering server: `POST /` of who asks, `GET /proofs/:nonce` of who was asked by us.
 *
 * @throws an error with code EADDRINUSE when the port is taken
 */
export function createAutoPeeringServer(
  runtime: Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>,
  { acceptor, proofs, health }: { acceptor: Acceptor; proofs: Proofs; health: Health },
  address: Address
): Promise<HttpServer> {
  let inFlight = 0

  async function answerRequest(ctx: Context): Promise<void> {
    if (inFlight >= MAX_REQUESTS_IN_FLIGHT) {
      return refuse(ctx, 'TooManyRequests', `at most ${MAX_REQUESTS_IN_FLIGHT} at once`)
    }
    inFlight += 1
    try {
      await accept(ctx)
    } finally {
      inFlight -= 1
    }
  }

  async function accept(ctx: Context): Promise<void> {
    if (!isJsonContentType(ctx.get('content-type'))) {
      return refuse(ctx, 'InvalidPeeringRequest', 'the content type is application/json', 415)
    }
    const read = await readRequestBody(ctx.req, MAX_PEERING_BYTES)
    if (!read.ok) {
      ctx.set('connection', 'close')
      return refuse(ctx, 'InvalidPeeringRequest', `a request has at most ${MAX_PEERING_BYTES} bytes`, 413)
    }
    const answer = await acceptor.accept(read.body, {
      peeringUrl: ctx.get(PEERING_URL_HEADER) || undefined,
      nonce: ctx.get(PEERING_NONCE_HEADER) || undefined
    })
    if (isFailure<AcceptFailure>(answer)) return refuse(ctx, answer.failure, answer.message)
    ctx.status = 200
    ctx.body = answer
  }

  const router = new Router()
  router.get('/healthz', health.healthz)
  router.get('/readyz', health.readyz)
  router.get('/proofs/:nonce', async (ctx) => {
    const proof = await proofs.answer(ctx.params.nonce!)
    ctx.status = proof === undefined ? 404 : 200
    ctx.body = proof ?? errorBody(404, 'UnknownNonce', 'this node asked for nothing under this nonce')
  })
  router.post('/', answerRequest)

  const app = createHttpApp({
    ...runtime,
    describeUnexpected: (errorId) =>
      errorBody(500, 'InternalServerError', `internal server error (${errorId})`)
  })
  app.use(router.routes())
  app.use(router.allowedMethods())
  return serveHttp(runtime, address, app.callback())
}

function refuse(ctx: Context, type: AcceptFailure, reason: string | undefined, status?: number): void {
  const { status: usual, message } = REFUSALS[type]
  ctx.status = status ?? usual
  ctx.body = errorBody(ctx.status, type, reason === undefined ? message : `${message}: ${reason}`)
}

function errorBody(code: number, type: string, message: string): object {
  return { error: { code, message, type } }
}
