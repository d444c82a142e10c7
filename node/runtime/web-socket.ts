import type { IncomingMessage } from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'
import type { Clock, Timer } from './clock.ts'
import type { Network, Socket } from './network.ts'
import { secureClient } from './tls.ts'

/** What a connection's owner hears. */
export interface WebSocketEvents {
  /** A binary message: a view of what was read. Text messages close the connection (1003). */
  onMessage(bytes: Buffer): void
  /** Everything that was queued has left. */
  onDrain(): void
  /** Once, whoever closed: nothing is heard or sent any more. */
  onClose(code: number, reason: string): void
}

/** A WebSocket of binary messages (RFC 6455), without compression. */
export interface WebSocketConnection {
  /** Queues a message. What one turn of the event loop queues goes out in one write. */
  send(bytes: Buffer): void
  /** False once either side has said goodbye: what is sent then goes nowhere. */
  readonly isOpen: boolean
  /**
   * The same for short messages by the thousand: the bytes are copied, and what one turn sends so goes out as one
   * piece. Not in order with what `send` queues in the same turn.
   */
  sendCopy(bytes: Buffer): void
  /** Bytes that were queued and that the system has not taken. */
  readonly queuedBytes: number
  /** Messages read since the connection stands, and answers to pings: grows while the other side lives. */
  readonly heard: number
  listen(events: WebSocketEvents): void
  /** Stops reading, so that the other side has to wait; a few messages that were read already still come. */
  pause(): void
  resume(): void
  ping(): void
  /** Sends what is queued and says goodbye; cut off after `closeTimeoutMs`. */
  close(code: number, reason: string): void
  /** Cuts the connection at once. */
  cut(): void
}

export interface WebSocketLimits {
  /** The longest message; a longer one closes the connection (1009). */
  maxMessageBytes: number
  /** Pieces that a message may come in. */
  maxFragments: number
  /** Time until the connection stands, TLS and handshake included. */
  connectTimeoutMs: number
  /** What the other side has to answer a goodbye. */
  closeTimeoutMs: number
}

export const DEFAULT_WEB_SOCKET_LIMITS: WebSocketLimits = {
  maxMessageBytes: 65_536,
  maxFragments: 64,
  connectTimeoutMs: 5_000,
  closeTimeoutMs: 1_000
}

/** The WebSocket close codes that a service has a use for (RFC 6455, 7.4). */
export const WebSocketCloseCode = {
  NORMAL: 1_000,
  GOING_AWAY: 1_001,
  UNSUPPORTED_DATA: 1_003,
  POLICY_VIOLATION: 1_008,
  TRY_AGAIN_LATER: 1_013
} as const

/** Takes the `upgrade` requests of an HTTP server, see `serveHttp`. */
export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void

/** Accepts WebSockets on an HTTP server's connections; a wrong handshake is answered by its HTTP status. */
export function createWebSocketAcceptor(
  { clock }: { clock: Clock },
  onConnection: (connection: WebSocketConnection, request: IncomingMessage) => void,
  limits: WebSocketLimits = DEFAULT_WEB_SOCKET_LIMITS
): UpgradeHandler {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.maxMessageBytes,
    ...fragmentLimit(limits)
  })
  return (request, socket, head) => {
    server.handleUpgrade(request, socket as never, head, (webSocket) =>
      onConnection(wrap(webSocket, socket, clock, limits, true), request)
    )
  }
}

/**
 * Opens a WebSocket on the network's door.
 *
 * @throws an error with a system code (ECONNREFUSED, ETIMEDOUT …), or saying with which status it was refused
 */
export function openWebSocket(
  { network, clock }: { network: Network; clock: Clock },
  target: { isSecure: boolean; host: string; port: number; path: string; address?: string },
  limits: WebSocketLimits = DEFAULT_WEB_SOCKET_LIMITS
): Promise<WebSocketConnection> {
  const { host, port, path } = target
  const bareHost = host.replace(/^\[|\]$/g, '')
  const socket = network.connect({ host: target.address ?? bareHost, port })
  const stream =
    target.isSecure && network.speaksTls
      ? secureClient(socket, bareHost, { alpnProtocols: ['http/1.1'] })
      : socket
  // TLS, where it is spoken, is below: for the library every connection is a plain one.
  const webSocket = new WebSocket(`ws://${host}:${port}${path}`, {
    createConnection: () => stream as never,
    perMessageDeflate: false,
    maxPayload: limits.maxMessageBytes,
    ...fragmentLimit(limits)
  })
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      timeout.cancel()
      stream.destroy()
      reject(error)
    }
    const timeout = clock.setTimer(limits.connectTimeoutMs, () => {
      const text = `${host}:${port} did not open a WebSocket in ${limits.connectTimeoutMs} ms`
      fail(Object.assign(new Error(text), { code: 'ETIMEDOUT' }))
    })
    webSocket.on('error', fail)
    webSocket.once('open', () => {
      timeout.cancel()
      webSocket.off('error', fail)
      resolve(wrap(webSocket, stream, clock, limits, false))
    })
  })
}

/** The types of the library do not name this option yet. */
function fragmentLimit({ maxFragments }: WebSocketLimits): object {
  return { maxFragments }
}

const NO_BYTES = Buffer.alloc(0)
const PIECE_BYTES = 16_384
const SERVER_HEAD_BYTES = 4
/** What a frame of `sendCopy` carries at most: its length fits the head above, and a piece holds several. */
const MAX_COPY_BYTES = 4_096

/** A whole binary message in one frame, unmasked as a server's are (RFC 6455, 5.2). Gives where the next begins. */
function writeServerFrame(into: Buffer, at: number, payload: Buffer): number {
  into[at] = 0x82
  let bodyAt = at + 2
  if (payload.length < 126) {
    into[at + 1] = payload.length
  } else {
    into[at + 1] = 126
    into.writeUInt16BE(payload.length, at + 2)
    bodyAt = at + SERVER_HEAD_BYTES
  }
  return bodyAt + payload.copy(into, bodyAt)
}

function wrap(
  webSocket: WebSocket,
  socket: Socket,
  clock: Clock,
  limits: WebSocketLimits,
  isServer: boolean
): WebSocketConnection {
  let events: WebSocketEvents | undefined
  let closeTimer: Timer | undefined
  let isCorked = false
  let heard = 0
  /** Frames of `sendCopy`, as far as they are written. */
  let pieces = NO_BYTES
  let piecesLength = 0
  /** Why the connection broke, where the library tells apart what the close code does not. */
  let failure: Error | undefined

  const uncork = () => {
    isCorked = false
    flushPieces()
    socket.uncork()
  }

  /** Holds back what is written until the end of the turn. */
  function cork(): void {
    if (isCorked) return
    isCorked = true
    socket.cork()
    process.nextTick(uncork)
  }

  function flushPieces(): void {
    if (piecesLength === 0) return
    if (webSocket.readyState === WebSocket.OPEN) socket.write(pieces.subarray(0, piecesLength))
    pieces = pieces.subarray(piecesLength)
    piecesLength = 0
  }

  webSocket.on('message', (data, isBinary) => {
    heard += 1
    if (!isBinary) return close(WebSocketCloseCode.UNSUPPORTED_DATA, 'binary messages only')
    events?.onMessage(data as Buffer)
  })
  webSocket.on('pong', () => void (heard += 1))
  // The library closes by itself after an error.
  webSocket.on('error', (error) => void (failure ??= error))
  webSocket.on('close', (code, reason) => {
    closeTimer?.cancel()
    events?.onClose(code, failure?.message ?? reason.toString('utf8'))
  })
  socket.on('drain', () => events?.onDrain())

  function close(code: number, reason: string): void {
    if (closeTimer !== undefined) return
    closeTimer = clock.setTimer(limits.closeTimeoutMs, () => webSocket.terminate())
    flushPieces()
    webSocket.close(code, reason)
  }

  return {
    send(bytes) {
      if (webSocket.readyState !== WebSocket.OPEN) return
      cork()
      webSocket.send(bytes, { binary: true, compress: false })
    },
    get isOpen() {
      return webSocket.readyState === WebSocket.OPEN
    },
    sendCopy(bytes) {
      if (webSocket.readyState !== WebSocket.OPEN) return
      cork()
      // A client's frames are masked, each with a key of its own: the library's business.
      if (!isServer || bytes.length > MAX_COPY_BYTES) {
        return webSocket.send(Buffer.from(bytes), { binary: true, compress: false })
      }
      if (pieces.length - piecesLength < bytes.length + SERVER_HEAD_BYTES) {
        flushPieces()
        pieces = Buffer.allocUnsafeSlow(PIECE_BYTES)
      }
      piecesLength = writeServerFrame(pieces, piecesLength, bytes)
    },
    get queuedBytes() {
      return socket.writableLength + piecesLength
    },
    get heard() {
      return heard
    },
    listen: (to) => void (events = to),
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
    ping: () => {
      if (webSocket.readyState === WebSocket.OPEN) webSocket.ping()
    },
    close,
    cut: () => webSocket.terminate()
  }
}
