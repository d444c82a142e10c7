import type { IncomingMessage, ServerResponse } from 'node:http'
import { MAX_PREPARE_BYTES, decodePrepare, encodeReply, isPacketError } from '../../../ilp/index.ts'
import { DEFAULT_HTTP_SERVER_LIMITS, serveHttp } from '../../../runtime/index.ts'
import type {
  Address,
  Clock,
  HttpServer,
  HttpServerLimits,
  Logger,
  Network,
  UpgradeHandler
} from '../../../runtime/index.ts'
import type { Peer, PeerDirectory } from '../../peers/model.ts'
import type { Connector } from '../model.ts'

const CONTENT_TYPE = 'application/octet-stream'
/** `ilp-plugin-http` names its packets so. */
const ACCEPTED_CONTENT_TYPES: ReadonlySet<string> = new Set([CONTENT_TYPE, 'application/ilp+octet-stream'])

/** Peers come with many connections: those of one wait behind those of another for as few turns as may be. */
export const DEFAULT_CONNECTOR_SERVER_LIMITS: HttpServerLimits = {
  ...DEFAULT_HTTP_SERVER_LIMITS,
  acceptsPerTurn: 64
}

/**
 * What refusing a packet unread costs, as a part of what a carried one costs: about a half was measured, a request
 * being most of it. Counted twice, for the connections that ask cost something, too.
 */
const UNREAD_COST = 1

const REST_STEP_MS = 50

const BEARER = /^Bearer +(\S+)$/i

export interface ConnectorServerDependencies {
  connector: Connector
  peers: Pick<PeerDirectory, 'byIncomingToken'>
  network: Network
  clock: Clock
  logger: Logger
}

/**
 * ILP over HTTP, the receiving side (RFC 35; the reply is in the answer, as deployed): `POST` of a Prepare to
 * any path, with a Bearer token that stands for a peer. Connections that ask for another protocol go to
 * `onUpgrade`.
 *
 *   200 a Fulfill or Reject      400 wrong content type, or the body is no Prepare
 *   401 no or unknown token      405 another method      413 longer than a Prepare can be
 *
 * @throws an error with code EADDRINUSE when the port is taken
 */
export function createConnectorServer(
  dependencies: ConnectorServerDependencies,
  address: Address,
  {
    limits = DEFAULT_CONNECTOR_SERVER_LIMITS,
    onUpgrade
  }: { limits?: HttpServerLimits; onUpgrade?: UpgradeHandler } = {}
): Promise<HttpServer> {
  return serveHttp(dependencies, address, createPacketHandler(dependencies), limits, onUpgrade)
}

/** The handler alone, to be served by a `node:http` server. */
export function createPacketHandler({
  connector,
  peers,
  clock,
  logger
}: Omit<ConnectorServerDependencies, 'network'>): (
  request: IncomingMessage,
  response: ServerResponse
) => void {
  async function answer(peer: Peer, body: Buffer, response: ServerResponse): Promise<void> {
    const prepare = decodePrepare(body)
    if (isPacketError(prepare)) {
      return answerCoded(response, 400, 'invalid_packet', `the body is no ILP Prepare: ${prepare.reason}`)
    }
    const reply = await connector.handle(peer, prepare)
    if (reply.type === 'reject') rest(response, peer)
    // Hanging up cancels nothing: the packet is booked, the peer will not know.
    if (response.destroyed && reply.type === 'fulfill' && prepare.amount > 0n) {
      connector.orphans.record({
        cause: 'answer_undelivered',
        isCertain: true,
        peerId: peer.id,
        direction: 'upstream',
        condition: prepare.executionCondition,
        amount: prepare.amount
      })
      return
    }
    sendPacket(response, encodeReply(reply))
  }

  /** A connection of a peer that asks for much more than it gets is read on after its answer, when its turn comes. */
  function rest(response: ServerResponse, peer: Peer): void {
    const restMs = connector.door.restMs(peer.id)
    if (restMs <= 0) return
    const { req: request } = response
    const { socket } = request
    const stop = () => {
      if (!request.closed || !response.closed) return
      socket.pause()
      // In few different lengths: timers of one length cost next to nothing.
      clock.setTimer(Math.ceil(restMs / REST_STEP_MS) * REST_STEP_MS, () => void socket.resume())
    }
    // Both: what is left of a request is still read, and reading it would go on with the connection.
    if (!request.closed) request.once('close', stop)
    response.once('close', stop)
  }

  return (request, response) => {
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      return refuse(request, response, 405, 'Method Not Allowed')
    }
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) {
      return refuse(request, response, 401, 'Bearer token required in Authorization header')
    }
    const peer = peers.byIncomingToken(token)
    if (peer === undefined) return refuse(request, response, 401, 'Access Denied - Invalid Token')
    const contentType = request.headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase()
    if (contentType === undefined || !ACCEPTED_CONTENT_TYPES.has(contentType)) {
      return refuse(request, response, 400, `Expected Content-Type of ${CONTENT_TYPE}`)
    }
    const refusal = connector.door.refuseUnread(peer, UNREAD_COST)
    if (refusal !== undefined) {
      rest(response, peer)
      // Its body is dropped unread.
      request.resume()
      return sendPacket(response, refusal)
    }

    const chunks: Buffer[] = []
    let length = 0
    let isTooLong = Number(request.headers['content-length'] ?? 0) > MAX_PREPARE_BYTES
    const refuseTooLong = () => {
      isTooLong = true
      response.setHeader('connection', 'close')
      answerCoded(response, 413, 'packet_too_large', `a Prepare has at most ${MAX_PREPARE_BYTES} bytes`)
      request.resume()
    }
    if (isTooLong) return refuseTooLong()
    request.on('data', (chunk: Buffer) => {
      if (isTooLong) return
      length += chunk.length
      if (length > MAX_PREPARE_BYTES) refuseTooLong()
      else chunks.push(chunk)
    })
    request.on('end', () => {
      if (isTooLong) return
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      answer(peer, body, response).catch((error: unknown) => {
        logger.error({ err: error, peerId: peer.id }, 'a packet could not be answered')
        if (!response.headersSent) answerCoded(response, 500, 'internal_error', 'unexpected internal error')
      })
    })
  }
}

function sendPacket(response: ServerResponse, bytes: Buffer): void {
  response.writeHead(200, { 'content-type': CONTENT_TYPE, 'content-length': bytes.length })
  // As text of one byte a character the body leaves with the headers in one piece; a buffer would follow them.
  response.end(bytes.toString('latin1'), 'latin1')
}

/** A text that the contract fixes. The body, if any, is dropped unread. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  request.resume()
  response.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

function answerCoded(response: ServerResponse, status: number, code: string, description: string): void {
  const body = JSON.stringify({ error: { code, description } })
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body)
  })
  response.end(body)
}
