import {
  AUTH_PROCESS_SUB_PROTOCOL,
  AUTH_SUB_PROTOCOL,
  AUTH_TOKEN_SUB_PROTOCOL,
  decodeBtpPacket,
  duplicateName,
  encodeBtpPacket
} from '../../../ilp/index.ts'
import type { BtpPacket } from '../../../ilp/index.ts'
import { WebSocketCloseCode, createWebSocketAcceptor } from '../../../runtime/index.ts'
import type { Clock, Logger, Timer, UpgradeHandler, WebSocketConnection } from '../../../runtime/index.ts'
import type { Peer, PeerDirectory } from '../../peers/model.ts'
import { encodeBtpError } from './btp-session.ts'

export interface BtpServerLimits {
  /** Connections of nobody yet; a further one takes the place of the oldest. Those of peers are one each. */
  maxUnauthenticated: number
  /** Time from the end of the handshake to the end of the first message. */
  authTimeoutMs: number
}

export const DEFAULT_BTP_SERVER_LIMITS: BtpServerLimits = { maxUnauthenticated: 1_000, authTimeoutMs: 5_000 }

/** What a connection said that it is. */
export interface BtpCredentials {
  token: string
  /** Which process of the peer's; '' for those that do not say: of them there is one. */
  processId: string
}

export interface BtpServer {
  readonly accept: UpgradeHandler
  /** Turns away those that have not said yet who they are, and everybody who comes. */
  stop(): void
}

/**
 * BTP, the accepting side (RFC 23, Authentication): the first message says who it is, everything else is
 * answered with an Error and the end.
 *
 *   open ──auth, token of a peer──▶ Response, handed to `onPeer`
 *     ├──auth, other token──▶ Error F00, closed
 *     ├──any other packet──▶ Error F00, closed
 *     └──unreadable, or nothing in time──▶ closed
 */
export function createBtpServer(dependencies: {
  peers: Pick<PeerDirectory, 'byIncomingToken'>
  clock: Clock
  logger: Logger
  limits: BtpServerLimits
  /** The connection is the taker's: it must `listen` at once. */
  onPeer(peer: Peer, credentials: BtpCredentials, connection: WebSocketConnection): void
}): BtpServer {
  const { peers, clock, logger, limits, onPeer } = dependencies
  const unauthenticated = new Map<WebSocketConnection, Timer>()
  let isStopped = false

  const upgrade = createWebSocketAcceptor({ clock }, (connection) => {
    unauthenticated.set(
      connection,
      clock.setTimer(limits.authTimeoutMs, () => turnAway(connection, 'no authentication in time'))
    )
    connection.listen({
      onMessage: (bytes) => authenticate(connection, decodeBtpPacket(bytes)),
      onDrain: () => undefined,
      onClose: () => forget(connection)
    })
  })

  function authenticate(connection: WebSocketConnection, packet: ReturnType<typeof decodeBtpPacket>): void {
    // What was sent behind a refused packet.
    if (!unauthenticated.has(connection)) return
    if (packet.type === 'unreadable') return turnAway(connection, 'unreadable')
    // A response-type packet is never answered, or two mistaken sides would answer each other for ever.
    if (packet.type === 'response' || packet.type === 'error')
      return turnAway(connection, 'not authenticated')
    const credentials = readCredentials(packet)
    const peer = typeof credentials === 'string' ? undefined : peers.byIncomingToken(credentials.token)
    if (typeof credentials === 'string' || peer === undefined) {
      const reason = typeof credentials === 'string' ? credentials : 'the auth_token is not known'
      logger.info({ event: 'btp_refused', reason }, 'a BTP connection was refused')
      connection.send(encodeBtpError(packet.requestId, 'F00', reason, clock.nowMs()))
      return turnAway(connection, 'not authenticated')
    }
    forget(connection)
    connection.send(encodeBtpPacket({ type: 'response', requestId: packet.requestId, subProtocols: [] }))
    onPeer(peer, credentials, connection)
  }

  function turnAway(connection: WebSocketConnection, reason: string): void {
    forget(connection)
    connection.close(WebSocketCloseCode.POLICY_VIOLATION, reason)
  }

  function forget(connection: WebSocketConnection): void {
    unauthenticated.get(connection)?.cancel()
    unauthenticated.delete(connection)
  }

  return {
    accept(request, socket, head) {
      if (isStopped) {
        const status = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
        socket.end(status, () => socket.destroy())
        return
      }
      if (unauthenticated.size >= limits.maxUnauthenticated) {
        const [oldest] = unauthenticated.keys()
        forget(oldest!)
        oldest!.cut()
      }
      upgrade(request, socket, head)
    },
    stop() {
      isStopped = true
      for (const connection of [...unauthenticated.keys()]) {
        forget(connection)
        connection.close(WebSocketCloseCode.GOING_AWAY, 'the node is stopping')
      }
    }
  }
}

/** The credentials in an auth Message, or what is wrong with it. */
function readCredentials(packet: BtpPacket): BtpCredentials | string {
  if (packet.type !== 'message') return 'a Message must come first, with the sub-protocol "auth"'
  const [primary, ...others] = packet.subProtocols
  if (primary?.name !== AUTH_SUB_PROTOCOL) {
    return 'the first Message must have "auth" as its primary sub-protocol'
  }
  const duplicate = duplicateName(packet.subProtocols)
  if (duplicate !== undefined) return `the sub-protocol "${duplicate}" stands there twice`
  if (primary.contentType !== 0 || primary.data.length > 0) {
    return '"auth" has no data, and is of the type application/octet-stream'
  }
  const token = others.find(({ name }) => name === AUTH_TOKEN_SUB_PROTOCOL)
  if (token === undefined) return 'the sub-protocol "auth_token" is missing'
  const processId = others.find(({ name }) => name === AUTH_PROCESS_SUB_PROTOCOL)?.data.toString('latin1')
  if (processId !== undefined && !/^[!-~]{1,64}$/.test(processId)) {
    return '"auth_process" must be 1 to 64 visible ASCII characters'
  }
  return { token: token.data.toString('utf8'), processId: processId ?? '' }
}
