import http from 'node:http'
import type { RequestListener } from 'node:http'
import type { Clock, Timer } from './clock.ts'
import type { Address, Network, Socket } from './network.ts'
import type { UpgradeHandler } from './web-socket.ts'

/** Limits of every HTTP server. At a limit the connection is closed, or the request answered 408. */
export interface HttpServerLimits {
  /**
   * Open connections. A further one takes the place of the oldest that has not sent a request yet, so that
   * idle strangers keep nobody out; where there is none, it is closed at once.
   */
  maxConnections: number
  /** Time from the end of a request's headers to the end of its body. */
  requestTimeoutMs: number
  /** Time from a connection's start, or its last answer, to the end of the next request's headers. */
  keepAliveTimeoutMs: number
  /** Bytes of request headers. */
  maxHeaderBytes: number
  /** Connections that one turn of the event loop accepts, see `ListenOptions`. */
  acceptsPerTurn: number
}

export const DEFAULT_HTTP_SERVER_LIMITS: HttpServerLimits = {
  maxConnections: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 60_000,
  maxHeaderBytes: 16_384,
  acceptsPerTurn: 1
}

export interface HttpServer {
  readonly address: Address
  /**
   * From now on everything new is answered 503, over open and new connections, until `stop`, but what `isServedToTheEnd`
   * lets pass. Resolves when the requests that run have ended; those that take longer than `graceMs` are cut off.
   */
  drain(graceMs?: number): Promise<void>
  /** Stops accepting, answers 503 on what is still open, lets running requests finish, then cuts off. */
  stop(graceMs?: number): Promise<void>
}

/** How long `drain` and `stop` wait for running requests unless told otherwise. */
const DEFAULT_GRACE_MS = 10_000

/**
 * One connection's state: how many requests are being answered on it, and what it is watched for. The timer is not
 * set anew with every request: when it fires early, it is set for the rest.
 */
interface Connection {
  socket: Socket
  busy: number
  /** When it is cut off, by the monotonic clock; undefined while a handler works on a whole request. */
  dueMs: number | undefined
  /** Whose body is waited for; undefined: the next request is. */
  receiving: { request: http.IncomingMessage; response: http.ServerResponse } | undefined
  watch: { timer: Timer; firesAtMs: number } | undefined
}

/**
 * Serves HTTP on a door of the network: `node:http` does the protocol, the network gives the connections.
 * A connection that asks for another protocol (`Upgrade`) is handed to `onUpgrade` for good: from then on its
 * limits and its end are the taker's.
 *
 * @param isServedToTheEnd requests that are answered while the server drains, each over a connection that it ends
 *
 * @throws an error with code EADDRINUSE when the port is taken
 */
export async function serveHttp(
  { network, clock }: { network: Network; clock: Clock },
  address: Address,
  handler: RequestListener,
  limits: HttpServerLimits = DEFAULT_HTTP_SERVER_LIMITS,
  onUpgrade?: UpgradeHandler,
  isServedToTheEnd: (request: http.IncomingMessage) => boolean = () => false
): Promise<HttpServer> {
  const connections = new Map<unknown, Connection>()
  /** Those that have not sent the headers of a request, oldest first. */
  const silent = new Set<Socket>()
  /** Requests are answered 503, but for those that are served to the end. */
  let refusing = false
  /** No connection is accepted any more, and those that are open end with their last answer. */
  let closing = false
  let draining: Promise<void> | undefined
  let onIdle: (() => void) | undefined

  const server = http.createServer(
    { maxHeaderSize: limits.maxHeaderBytes, keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 },
    (request, response) => {
      const connection = connections.get(request.socket)
      silent.delete(request.socket as unknown as Socket)
      response.sendDate = false
      if (connection) {
        connection.busy += 1
        response.once('close', () => {
          connection.busy -= 1
          watchIdle(connection)
          if (closing && connection.busy === 0) connection.socket.end()
          settleIdle()
        })
        watchBody(connection, request, response)
      }
      if (refusing && !closing && isServedToTheEnd(request)) {
        response.setHeader('connection', 'close')
      } else if (refusing) {
        response.writeHead(503, { connection: 'close', 'content-type': 'text/plain' })
        response.end('Server is in the process of restarting')
        return
      }
      handler(request, response)
    }
  )
  if (onUpgrade !== undefined) {
    server.on('upgrade', (request, socket, head) => {
      const connection = connections.get(socket)
      if (connection) unwatch(connection)
      connections.delete(socket)
      silent.delete(socket as Socket)
      if (refusing) refuse(socket as Socket, '503 Service Unavailable')
      else onUpgrade(request, socket as Socket, head)
    })
  }
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const status =
      error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
    refuse(socket as Socket, status)
  })

  /** Answers and hangs up, whether or not the other side does. */
  function refuse(socket: Socket, status: string): void {
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
  }

  function watchIdle(connection: Connection): void {
    connection.receiving = undefined
    connection.dueMs = undefined
    if (connection.busy > 0 || !connections.has(connection.socket)) return
    watchUntil(connection, limits.keepAliveTimeoutMs)
  }

  /** After its headers a request's body must arrive in time, however slowly it drips. */
  function watchBody(
    connection: Connection,
    request: http.IncomingMessage,
    response: http.ServerResponse
  ): void {
    connection.receiving = { request, response }
    watchUntil(connection, limits.requestTimeoutMs)
  }

  function watchUntil(connection: Connection, timeoutMs: number): void {
    const dueMs = clock.monotonicMs() + timeoutMs
    connection.dueMs = dueMs
    if (connection.watch !== undefined && connection.watch.firesAtMs <= dueMs) return
    connection.watch?.timer.cancel()
    connection.watch = { timer: clock.setTimer(timeoutMs, () => onWatch(connection)), firesAtMs: dueMs }
  }

  function onWatch(connection: Connection): void {
    connection.watch = undefined
    const { dueMs, receiving, socket } = connection
    if (dueMs === undefined) return
    const remainingMs = dueMs - clock.monotonicMs()
    if (remainingMs > 0) return watchUntil(connection, remainingMs)
    if (receiving === undefined) return void socket.destroy()
    // A whole request is its handler's: how long that takes is not the sender's fault.
    if (receiving.request.complete) return
    if (receiving.response.headersSent) socket.destroy()
    else refuse(socket, '408 Request Timeout')
  }

  function unwatch(connection: Connection): void {
    connection.watch?.timer.cancel()
    connection.watch = undefined
    connection.dueMs = undefined
  }

  function settleIdle(): void {
    if (onIdle && [...connections.values()].every((connection) => connection.busy === 0)) onIdle()
  }

  const listener = await network.listen(address, accept, { acceptsPerTurn: limits.acceptsPerTurn })

  function accept(socket: Socket): void {
    if (connections.size >= limits.maxConnections) {
      const [oldest = socket] = silent
      oldest.resetAndDestroy()
      if (oldest === socket) return
      // Its `close` comes later; its place is free now.
      connections.delete(oldest)
      silent.delete(oldest)
    }
    silent.add(socket)
    const connection: Connection = {
      socket,
      busy: 0,
      dueMs: undefined,
      receiving: undefined,
      watch: undefined
    }
    connections.set(socket, connection)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      unwatch(connection)
      connections.delete(socket)
      silent.delete(socket)
      settleIdle()
    })
    watchIdle(connection)
    server.emit('connection', socket)
  }

  async function finishRunning(graceMs: number): Promise<void> {
    const isBusy = ({ busy }: Connection) => busy > 0
    if (![...connections.values()].some(isBusy)) return
    await new Promise<void>((resolve) => {
      const cut = clock.setTimer(graceMs, resolve)
      onIdle = () => {
        cut.cancel()
        resolve()
      }
    })
    for (const connection of connections.values()) if (isBusy(connection)) connection.socket.destroy()
  }

  function drain(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    refusing = true
    draining ??= finishRunning(graceMs)
    return draining
  }

  return {
    address: listener.address,
    drain,
    async stop(graceMs = DEFAULT_GRACE_MS) {
      if (closing) return
      closing = true
      const drained = drain(graceMs)
      await listener.close()
      for (const connection of connections.values()) if (connection.busy === 0) connection.socket.end()
      await drained
      for (const connection of connections.values()) connection.socket.destroy()
    }
  }
}
