import { WebSocketCloseCode } from '../../../runtime/index.ts'
import type { Clock, Logger, Network, Random, UpgradeHandler } from '../../../runtime/index.ts'
import type { BtpSettlements } from '../../peers/btp-settlements.ts'
import type { Peer, PeerDirectory } from '../../peers/model.ts'
import type { Connector } from '../model.ts'
import type { Transport } from '../transport.ts'
import { DEFAULT_BTP_LINK_LIMITS, createBtpLink } from './btp-link.ts'
import type { BtpLink, BtpLinkLimits } from './btp-link.ts'
import { DEFAULT_BTP_SERVER_LIMITS, createBtpServer } from './btp-server.ts'
import type { BtpServerLimits } from './btp-server.ts'
import { DEFAULT_BTP_SESSION_LIMITS, createBtpSession } from './btp-session.ts'
import type { BtpSessionLimits } from './btp-session.ts'

/** The limits of all parts of the transport, each where it is used. */
export type BtpLimits = BtpSessionLimits & BtpServerLimits & BtpLinkLimits

export const DEFAULT_BTP_LIMITS: BtpLimits = {
  ...DEFAULT_BTP_SESSION_LIMITS,
  ...DEFAULT_BTP_SERVER_LIMITS,
  ...DEFAULT_BTP_LINK_LIMITS
}

/** The directory, as far as connections that last need it. */
export interface BtpPeers extends Pick<PeerDirectory, 'get' | 'byIncomingToken'> {
  all(): readonly Peer[]
  onChange(listener: (peerId: string) => void): void
}

/** BTP over WebSocket (RFC 23): carries packets to and from peers over connections that last. */
export interface BtpTransport extends Transport {
  /** Connections that ask for WebSocket on the connector's port. */
  readonly accept: UpgradeHandler
  /** From now on what peers send goes to `connector`, and peers with a `btp+ws(s):` endpoint are connected to. */
  start(connector: Pick<Connector, 'handle' | 'door' | 'orphans'>): void
}

/**
 * `btp-server.ts` finds out who opened a connection, `btp-client.ts` opens one, `btp-session.ts` carries
 * packets over it, `btp-link.ts` keeps those of one peer. Here they meet.
 */
export function createBtpTransport(dependencies: {
  peers: BtpPeers
  /** Peers whose endpoint may not lead to private addresses; absent: every endpoint may. */
  isGuarded?(peer: Peer): boolean
  /** Where Transfers go; absent: none is taken. */
  settlements?: Pick<BtpSettlements, 'settle'>
  network: Network
  clock: Clock
  random: Pick<Random, 'fraction' | 'uuid'>
  logger: Logger
  limits?: Partial<BtpLimits>
}): BtpTransport {
  const { peers, network, clock, random, logger } = dependencies
  const limits = { ...DEFAULT_BTP_LIMITS, ...dependencies.limits }
  const links = new Map<string, BtpLink>()
  let connector: Pick<Connector, 'handle' | 'door' | 'orphans'> | undefined
  let isClosed = false
  /** Tells peers our processes apart. Drawn when it is needed first. */
  let processId: string | undefined

  const server = createBtpServer({
    peers,
    clock,
    logger,
    limits,
    onPeer: (peer, credentials, connection) => linkOf(peer.id).accept(connection, credentials)
  })

  function linkOf(peerId: string): BtpLink {
    let link = links.get(peerId)
    if (link === undefined) {
      link = createBtpLink({
        network,
        clock,
        random,
        logger,
        limits,
        peerId,
        processId: () => (processId ??= random.uuid()),
        isTokenOfPeer: (token) => peers.byIncomingToken(token)?.id === peerId,
        isGuarded() {
          const peer = peers.get(peerId)
          return peer !== undefined && (dependencies.isGuarded?.(peer) ?? false)
        },
        startSession: (connection, onEnd) => {
          if (connector === undefined) throw new Error('BTP has not been started')
          return createBtpSession({
            peerId,
            connection,
            connector,
            peers,
            ...(dependencies.settlements && { settlements: dependencies.settlements }),
            clock,
            logger,
            limits,
            onEnd
          })
        }
      })
      links.set(peerId, link)
    }
    return link
  }

  function follow(peerId: string): void {
    if (connector === undefined || isClosed) return
    const peer = peers.get(peerId)
    const link = peer !== undefined && usesBtp(peer) ? linkOf(peerId) : links.get(peerId)
    link?.follow(peer)
    if (peer === undefined) links.delete(peerId)
  }

  return {
    accept: server.accept,
    start(to) {
      connector = to
      peers.onChange(follow)
      for (const { id } of peers.all()) follow(id)
    },
    send(peer, bytes, times) {
      if (isClosed) {
        return Promise.resolve({ kind: 'notSent', code: 'T01', reason: 'the node is stopping' } as const)
      }
      return linkOf(peer.id).send(peer, bytes, times)
    },
    async close() {
      isClosed = true
      server.stop()
      for (const link of links.values()) link.close(WebSocketCloseCode.GOING_AWAY, 'the node is stopping')
      links.clear()
    }
  }
}

function usesBtp(peer: Peer): boolean {
  return /^btp\+wss?:/.test(peer.http.outgoing.endpoint)
}
