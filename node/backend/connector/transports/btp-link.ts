import { parseBtpUri } from '../../../ilp/index.ts'
import { WebSocketCloseCode } from '../../../runtime/index.ts'
import type { Clock, Logger, Network, Random, Timer, WebSocketConnection } from '../../../runtime/index.ts'
import type { Peer } from '../../peers/model.ts'
import type { ExchangeTimes, TransportOutcome } from '../transport.ts'
import { openBtpConnection } from './btp-client.ts'
import type { BtpCredentials } from './btp-server.ts'
import type { BtpSession } from './btp-session.ts'

export interface BtpLinkLimits {
  /** Prepares that wait for a connection; further ones are answered T03. */
  maxWaitingPackets: number
  /** The first pause after a connection failed or broke; doubled each time, up to the longest. */
  minBackoffMs: number
  maxBackoffMs: number
  /** A connection that stood this long makes the next pause the first one again. */
  stableAfterMs: number
  /** Connections that the peer opened, one per process of its; at the limit the oldest is replaced. */
  maxProcesses: number
}

export const DEFAULT_BTP_LINK_LIMITS: BtpLinkLimits = {
  maxWaitingPackets: 1_000,
  minBackoffMs: 200,
  maxBackoffMs: 10_000,
  stableAfterMs: 5_000,
  maxProcesses: 16
}

/** How a node that was replaced by another of its connections says so, in RFC 6455's range for applications. */
export const REPLACED_CLOSE_CODE = 4_000

/** All connections with one peer: one for each of its processes that opened one, and one that we opened. */
export interface BtpLink {
  /** As `Transport.send`: over the connection there is, else over a new one. */
  send(peer: Peer, bytes: Buffer, times: ExchangeTimes): Promise<TransportOutcome>
  /** A connection that the peer opened: it replaces the one that the same process of the peer's opened before. */
  accept(connection: WebSocketConnection, credentials: BtpCredentials): void
  /** The peer changed or was removed (undefined): keeps what is still right, opens what should be there. */
  follow(peer: Peer | undefined): void
  /** Ends everything, with goodbye. */
  close(code: number, reason: string): void
}

interface WaitingPacket {
  bytes: Buffer
  times: ExchangeTimes
  resolve(outcome: TransportOutcome): void
}

/**
 * The connection that we open to a peer whose endpoint is `btp+ws(s):`, kept so that the peer can send at any
 * time, whether or not we do:
 *
 *   idle ──peer known, or packet──▶ opening ──authenticated──▶ open
 *    ▲                                 │ failed                  │ broke
 *    │                                 ▼                         │
 *    └── replaced by another ◀── pausing ◀──────────────────────-┘
 *        process of ours           └──pause over──▶ opening
 *
 * While the peer has opened a connection to us, that one serves both directions and none is opened. Of several the
 * newest carries what we send: an older one may be that of a process that died without a word.
 */
export function createBtpLink(dependencies: {
  network: Network
  clock: Clock
  random: Pick<Random, 'fraction'>
  /** Which process of this node we are. */
  processId(): string
  logger: Logger
  limits: BtpLinkLimits
  peerId: string
  isTokenOfPeer(token: string): boolean
  /** Whether somebody else than the operator chose the endpoint: private addresses are refused then. */
  isGuarded(): boolean
  startSession(connection: WebSocketConnection, onEnd: (code: number, reason: string) => void): BtpSession
}): BtpLink {
  const { network, clock, random, logger, limits, peerId, startSession } = dependencies
  /** By process of the peer's, in the order in which they were opened. */
  const inbound = new Map<string, { session: BtpSession; token: string }>()
  let newestInbound: BtpSession | undefined
  let outbound: BtpSession | undefined
  let state: 'idle' | 'opening' | 'open' | 'pausing' | 'closed' = 'idle'
  let endpoint: Peer['http']['outgoing'] = { endpoint: '', authToken: '' }
  let failures = 0
  let pause: Timer | undefined
  /** Counts attempts, so that the end of one that was given up changes nothing. */
  let attempt = 0
  const waiting: WaitingPacket[] = []

  function open(): void {
    const uri = parseBtpUri(endpoint.endpoint)
    if (uri === undefined || state === 'opening' || state === 'open' || state === 'closed') return
    pause?.cancel()
    state = 'opening'
    const current = ++attempt
    const target = { ...uri, token: uri.token ?? endpoint.authToken, processId: dependencies.processId() }
    const onOpen = (connection: WebSocketConnection) => {
      if (current !== attempt) return connection.close(WebSocketCloseCode.NORMAL, 'not needed any more')
      opened(connection)
    }
    openBtpConnection({ network, clock }, target, onOpen, dependencies.isGuarded()).catch((error: Error) => {
      if (current !== attempt) return
      logger[failures === 0 ? 'warn' : 'debug'](
        { event: 'btp_unreachable', peerId, reason: error.message },
        'no BTP connection to a peer could be opened'
      )
      rest()
      answerWaiting({
        kind: 'notSent',
        code: 'T01',
        reason: `the peer could not be reached: ${error.message}`
      })
    })
  }

  function opened(connection: WebSocketConnection): void {
    state = 'open'
    const openedAtMs = clock.monotonicMs()
    const session = startSession(connection, (code, reason) => {
      if (outbound !== session) return
      outbound = undefined
      if (clock.monotonicMs() - openedAtMs >= limits.stableAfterMs) failures = 0
      logger.info({ event: 'btp_closed', peerId, reason }, 'a BTP connection that we opened ended')
      // Where the peer has one connection for all our processes, another of them took over: opening again at once
      // would throw that one out.
      if (code === REPLACED_CLOSE_CODE) state = 'idle'
      else rest()
    })
    outbound = session
    logger.info({ event: 'btp_opened', peerId }, 'a BTP connection to a peer stands')
    flush(session)
  }

  /** Pauses before the next attempt: between half and all of a time that doubles. */
  function rest(): void {
    if (state === 'closed') return
    state = 'pausing'
    const longestMs = Math.min(limits.minBackoffMs * 2 ** failures, limits.maxBackoffMs)
    failures = Math.min(failures + 1, 30)
    pause = clock.setTimer(longestMs * (0.5 + random.fraction() / 2), () => {
      state = 'idle'
      if (inbound.size === 0) open()
    })
  }

  /** False when it is not there any more. */
  function forget(processId: string, session: BtpSession): boolean {
    if (inbound.get(processId)?.session !== session) return false
    inbound.delete(processId)
    newestInbound = [...inbound.values()].at(-1)?.session
    return true
  }

  function flush(session: BtpSession): void {
    for (const { bytes, times, resolve } of waiting.splice(0)) void session.send(bytes, times).then(resolve)
  }

  function answerWaiting(outcome: TransportOutcome): void {
    for (const { resolve } of waiting.splice(0)) resolve(outcome)
  }

  /** Gives up the connection that we opened, or were opening. */
  function drop(code: number, reason: string): void {
    attempt += 1
    pause?.cancel()
    const session = outbound
    outbound = undefined
    state = 'idle'
    session?.close(code, reason)
  }

  function send(peer: Peer, bytes: Buffer, times: ExchangeTimes): Promise<TransportOutcome> {
    const session = newestInbound ?? outbound
    if (session !== undefined) return session.send(bytes, times)
    if (state === 'idle') {
      endpoint = { ...peer.http.outgoing }
      open()
    }
    if (state !== 'opening') {
      return Promise.resolve({ kind: 'notSent', code: 'T01', reason: 'there is no connection to the peer' })
    }
    if (waiting.length >= limits.maxWaitingPackets) {
      return Promise.resolve({
        kind: 'notSent',
        code: 'T03',
        reason: 'too many packets wait for a connection'
      })
    }
    return new Promise((resolve) => void waiting.push({ bytes, times, resolve }))
  }

  return {
    send,

    accept(connection, { token, processId }) {
      const session = startSession(connection, (_code, reason) => {
        if (!forget(processId, session)) return
        logger.info({ event: 'btp_closed', peerId, reason }, 'a BTP connection that a peer opened ended')
        if (state === 'idle' && inbound.size === 0) open()
      })
      const before = inbound.get(processId)
      inbound.delete(processId)
      inbound.set(processId, { session, token })
      newestInbound = session
      logger.info({ event: 'btp_accepted', peerId }, 'a peer opened a BTP connection')
      before?.session.close(REPLACED_CLOSE_CODE, 'replaced by a newer connection')
      const [oldest] = inbound
      if (inbound.size > limits.maxProcesses && oldest !== undefined) {
        forget(oldest[0], oldest[1].session)
        oldest[1].session.close(REPLACED_CLOSE_CODE, `more than ${limits.maxProcesses} processes of one peer`)
      }
      flush(session)
    },

    follow(peer) {
      if (state === 'closed') return
      for (const [processId, { session, token }] of [...inbound]) {
        if (peer !== undefined && dependencies.isTokenOfPeer(token)) continue
        forget(processId, session)
        session.close(WebSocketCloseCode.POLICY_VIOLATION, 'the token is not valid any more')
      }
      const now = peer?.http.outgoing
      if (now?.endpoint !== endpoint.endpoint || now.authToken !== endpoint.authToken) {
        endpoint = now === undefined ? { endpoint: '', authToken: '' } : { ...now }
        failures = 0
        drop(WebSocketCloseCode.NORMAL, 'the peer has another endpoint')
        answerWaiting({ kind: 'notSent', code: 'T01', reason: 'the peer has another endpoint' })
      }
      if (state === 'idle' && inbound.size === 0) open()
    },

    close(code, reason) {
      drop(code, reason)
      state = 'closed'
      for (const [processId, { session }] of [...inbound]) {
        forget(processId, session)
        session.close(code, reason)
      }
      answerWaiting({ kind: 'notSent', code: 'T01', reason: 'the node is stopping' })
    }
  }
}
