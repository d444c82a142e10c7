import {
  BTP_ERROR_NAMES,
  TRANSFER_ID_SUB_PROTOCOL,
  copyRequestId,
  createReject,
  decodeBtpPacket,
  decodePrepare,
  duplicateName,
  encodeBtpPacket,
  encodeIlpOverBtp,
  encodeReply,
  ilpPacketOf,
  isBtpMessage,
  isPacketError
} from '../../../ilp/index.ts'
import type {
  BtpError,
  BtpErrorCode,
  BtpMessage,
  BtpTransfer,
  IlpPrepare,
  IlpReply
} from '../../../ilp/index.ts'
import { WebSocketCloseCode } from '../../../runtime/index.ts'
import type { Clock, Logger, Timer, WebSocketConnection } from '../../../runtime/index.ts'
import type { BtpSettlementFailure, BtpSettlements } from '../../peers/btp-settlements.ts'
import type { PeerDirectory } from '../../peers/model.ts'
import type { Connector } from '../model.ts'
import type { ExchangeTimes, TransportOutcome } from '../transport.ts'

export interface BtpSessionLimits {
  /** Bytes queued to a peer above which no Prepare is added: T03. */
  maxQueuedBytes: number
  /** Bytes queued to a peer above which nothing more is read from it: it answers for what it does not read. */
  maxUnreadBytes: number
  /** Own requests that wait for a Response: T03. */
  maxRequestsInFlight: number
  /** The longest that a peer which asks for much more than it gets is not read: its answers wait, too. */
  maxRestMs: number
  /** Refusals to a peer after which others have a turn. */
  maxRefusalsInARow: number
  /** How exactly requests are given up: all of a session share one timer. */
  giveUpIntervalMs: number
  /** The peer is asked for a sign of life this often, and counts as gone after two that it did not give. */
  heartbeatMs: number
}

export const DEFAULT_BTP_SESSION_LIMITS: BtpSessionLimits = {
  maxQueuedBytes: 1_048_576,
  maxUnreadBytes: 8_388_608,
  maxRequestsInFlight: 8_192,
  maxRestMs: 100,
  maxRefusalsInARow: 128,
  giveUpIntervalMs: 250,
  heartbeatMs: 10_000
}

/** One authenticated connection with a peer. At this level both sides are the same (RFC 23, Authentication). */
export interface BtpSession {
  /** One Prepare, once, as `Transport.send`. */
  send(bytes: Buffer, times: ExchangeTimes): Promise<TransportOutcome>
  /** Says goodbye. What is in flight is lost. */
  close(code: number, reason: string): void
}

interface Request {
  resolve(outcome: TransportOutcome): void
  giveUpAtMs: number
}

const NO_BYTES = Buffer.alloc(0)
const REQUEST_IDS = 2 ** 32
const MAX_MISSED_BEATS = 2
/** What refusing a packet unread costs, as a part of what a carried one costs. */
const UNREAD_COST = 0.06

/**
 * Runs BTP on a connection whose peer is known. Per direction, a request lives so:
 *
 *   sent ──Response──▶ answer            received ──Prepare──▶ pipeline ──▶ Response (Fulfill or Reject)
 *     ├──Error──▶ not sent, or lost          ├──no packet──▶ Response (Reject F01)
 *     ├──given up──▶ lost                    ├──other sub-protocols, a name twice──▶ Error F00
 *     └──connection ends──▶ lost             ├──Transfer──▶ booked, Response; or Error (the peer's maximum)
 *                                            └──unreadable, or nobody asked──▶ nothing
 */
export function createBtpSession(dependencies: {
  peerId: string
  connection: WebSocketConnection
  connector: Pick<Connector, 'handle' | 'door' | 'orphans'>
  peers: Pick<PeerDirectory, 'get'>
  /** Where Transfers go; absent: none is taken. */
  settlements?: Pick<BtpSettlements, 'settle'>
  clock: Clock
  logger: Logger
  limits: BtpSessionLimits
  /** Once, when nothing can be sent any more. */
  onEnd(code: number, reason: string): void
}): BtpSession {
  const { peerId, connection, connector, peers, settlements, clock, logger, limits } = dependencies
  const requests = new Map<number, Request>()
  let lastRequestId = 0
  let isEnded = false
  let isPaused = false
  let isSettling = false
  let giveUpTimer: Timer | undefined
  let resting: Timer | undefined
  let refusedInARow = 0
  /** The last Reject for load, and the Response that carries it. */
  let refusal: { reject: Buffer; response: Buffer } | undefined
  let heardAtLastBeat = 0
  let missedBeats = 0
  let heartbeat = clock.setTimer(limits.heartbeatMs, beat)

  connection.listen({ onMessage: receive, onDrain, onClose: end })

  // ---- What comes in.

  function receive(bytes: Buffer): void {
    // What comes behind our goodbye: the peer learns that nobody read it when the connection closes.
    if (isEnded) return
    if (isBtpMessage(bytes) && refuseUnread(bytes)) return
    const packet = decodeBtpPacket(bytes)
    switch (packet.type) {
      case 'message':
        return answerMessage(packet)
      case 'response':
        return settle(packet.requestId, responseOutcome(packet))
      case 'error':
        return settle(packet.requestId, errorOutcome(packet))
      case 'transfer':
        return answerTransfer(packet)
      case 'unreadable':
        logger.debug(
          { event: 'btp_unreadable', peerId, code: packet.code, reason: packet.reason },
          'not read'
        )
    }
  }

  function answerMessage(message: BtpMessage): void {
    const { requestId } = message
    const duplicate = duplicateName(message.subProtocols)
    if (duplicate !== undefined) {
      return refuse(requestId, 'F00', `the sub-protocol "${duplicate}" stands there twice`)
    }
    const ilpPacket = ilpPacketOf(message)
    if (ilpPacket === undefined) return refuse(requestId, 'F00', 'only the sub-protocol "ilp" is known')
    // Read for each packet: its limits and its asset may have changed.
    const peer = peers.get(peerId)
    if (peer === undefined) return connection.close(WebSocketCloseCode.POLICY_VIOLATION, 'no longer a peer')
    const prepare = decodePrepare(ilpPacket)
    if (isPacketError(prepare)) {
      const message = `the packet is no ILP Prepare: ${prepare.reason}`
      return respond(requestId, createReject('F01', { triggeredBy: '', message }), undefined)
    }
    connector
      .handle(peer, prepare)
      .then((reply) => respond(requestId, reply, prepare))
      .catch((error: unknown) => {
        logger.error({ err: error, peerId }, 'a packet could not be answered')
        refuse(requestId, 'T00', 'unexpected internal error')
      })
  }

  /** RFC 23, Transfer: a Response says that it has been applied to the balance. */
  function answerTransfer({ requestId, amount, subProtocols }: BtpTransfer): void {
    const duplicate = duplicateName(subProtocols)
    if (duplicate !== undefined) {
      return refuse(requestId, 'F00', `the sub-protocol "${duplicate}" stands there twice`)
    }
    if (settlements === undefined) {
      return refuse(requestId, 'F00', 'settlements are not taken over this connection')
    }
    // One after another: whoever floods waits for the database as often as it asks.
    if (isSettling) return refuse(requestId, 'T00', 'another Transfer is being booked: send this one again')
    isSettling = true
    const transferId = subProtocols.find(({ name }) => name === TRANSFER_ID_SUB_PROTOCOL)
    settlements
      .settle(peerId, { transferId: transferId?.data.toString('latin1') ?? '', amount })
      .then((refusal) => {
        if (refusal)
          return refuse(requestId, SETTLEMENT_ERRORS[refusal.failure], refusal.message ?? refusal.failure)
        if (!isEnded) write(encodeBtpPacket({ type: 'response', requestId, subProtocols: [] }))
      })
      .catch((error: unknown) => {
        logger.error({ err: error, peerId }, 'a settlement could not be booked')
        refuse(requestId, 'T00', 'it is not known whether this Transfer was booked: send it again')
      })
      .finally(() => (isSettling = false))
  }

  /** What is too much is answered by its request's id alone, whatever is in it; false: read it. */
  function refuseUnread(message: Buffer): boolean {
    const peer = peers.get(peerId)
    const reject = peer && connector.door.refuseUnread(peer, UNREAD_COST)
    if (reject === undefined) return false
    if (refusal?.reject !== reject) {
      refusal = { reject, response: encodeIlpOverBtp('response', 0, reject) }
    }
    copyRequestId(message, refusal.response)
    connection.sendCopy(refusal.response)
    limitUnread()
    rest()
    return true
  }

  /** ILP's own answer, a Reject too, is a Response (RFC 23, Message). */
  function respond(requestId: number, reply: IlpReply, prepare: IlpPrepare | undefined): void {
    if (!isEnded) {
      write(encodeIlpOverBtp('response', requestId, encodeReply(reply)))
      return reply.type === 'reject' ? rest() : undefined
    }
    // Hanging up cancels nothing: the packet is booked, the peer will not know.
    if (reply.type !== 'fulfill' || prepare === undefined || prepare.amount === 0n) return
    connector.orphans.record({
      cause: 'answer_undelivered',
      isCertain: true,
      peerId,
      direction: 'upstream',
      condition: prepare.executionCondition,
      amount: prepare.amount
    })
  }

  function refuse(requestId: number, code: BtpErrorCode, reason: string): void {
    if (!isEnded) write(encodeBtpError(requestId, code, reason, clock.nowMs()))
  }

  /** A response to a request that was not sent, or was answered before, means nothing (RFC 23, Flow). */
  function settle(requestId: number, outcome: TransportOutcome): void {
    const request = requests.get(requestId)
    if (request === undefined) return
    requests.delete(requestId)
    request.resolve(outcome)
  }

  // ---- What goes out.

  function write(bytes: Buffer): void {
    connection.send(bytes)
    limitUnread()
  }

  function limitUnread(): void {
    if (isPaused || connection.queuedBytes <= limits.maxUnreadBytes) return
    isPaused = true
    connection.pause()
  }

  function onDrain(): void {
    if (!isPaused) return
    isPaused = false
    if (resting === undefined) connection.resume()
  }

  /** A peer that asks for much more than it gets is read on when its turn comes. */
  function rest(): void {
    if (resting !== undefined || isEnded) return
    refusedInARow += 1
    let restMs = Math.min(connector.door.restMs(peerId), limits.maxRestMs)
    if (refusedInARow >= limits.maxRefusalsInARow) restMs = Math.max(1, restMs)
    if (restMs <= 0) return
    refusedInARow = 0
    connection.pause()
    resting = clock.setTimer(restMs, () => {
      resting = undefined
      if (!isPaused) connection.resume()
    })
  }

  function send(bytes: Buffer, { expiresAtMs, giveUpAtMs }: ExchangeTimes): Promise<TransportOutcome> {
    if (isEnded || !connection.isOpen) {
      return Promise.resolve(notSent('T01', 'the connection to the peer has ended'))
    }
    if (expiresAtMs <= clock.nowMs())
      return Promise.resolve(notSent('R00', 'no connection to the peer in time'))
    if (connection.queuedBytes > limits.maxQueuedBytes) {
      return Promise.resolve(notSent('T03', 'the peer does not read fast enough'))
    }
    if (requests.size >= limits.maxRequestsInFlight) {
      return Promise.resolve(notSent('T03', 'too many packets to the peer are in flight'))
    }
    return new Promise((resolve) => {
      const requestId = nextRequestId()
      requests.set(requestId, { resolve, giveUpAtMs })
      giveUpTimer ??= clock.setTimer(limits.giveUpIntervalMs, giveUp)
      write(encodeIlpOverBtp('message', requestId, bytes))
    })
  }

  /** Counts up, past those that are in flight (RFC 23: no two in flight are the same). */
  function nextRequestId(): number {
    do lastRequestId = (lastRequestId + 1) % REQUEST_IDS
    while (requests.has(lastRequestId))
    return lastRequestId
  }

  function giveUp(): void {
    giveUpTimer = undefined
    const nowMs = clock.nowMs()
    for (const [requestId, request] of requests) {
      if (request.giveUpAtMs <= nowMs) settle(requestId, lost('T01', 'the peer did not answer in time'))
    }
    if (requests.size > 0) giveUpTimer = clock.setTimer(limits.giveUpIntervalMs, giveUp)
  }

  // ---- The connection's life.

  /** One miss is not enough: after a stall of our own, timers come before what had arrived meanwhile. */
  function beat(): void {
    missedBeats = heardAtLastBeat === connection.heard ? missedBeats + 1 : 0
    if (missedBeats > MAX_MISSED_BEATS) return connection.cut()
    heardAtLastBeat = connection.heard
    connection.ping()
    heartbeat = clock.setTimer(limits.heartbeatMs, beat)
  }

  function end(code: number, reason: string): void {
    if (isEnded) return
    isEnded = true
    heartbeat.cancel()
    giveUpTimer?.cancel()
    resting?.cancel()
    const why = `the connection to the peer broke (${code}${reason === '' ? '' : ` ${reason}`})`
    // Nobody knows which of them the peer has read: none goes out again.
    for (const { resolve } of requests.values()) resolve(lost('T01', why))
    requests.clear()
    dependencies.onEnd(code, why)
  }

  return {
    send,
    close(code, reason) {
      if (isEnded) return
      connection.close(code, reason)
      end(code, reason)
    }
  }
}

const SETTLEMENT_ERRORS: Record<BtpSettlementFailure, BtpErrorCode> = {
  NotAccepted: 'F00',
  DuplicateId: 'F05',
  InvalidSettlement: 'F01'
}

/** An Error, as bytes. */
export function encodeBtpError(
  requestId: number,
  code: BtpErrorCode,
  reason: string,
  triggeredAtMs: number
): Buffer {
  const name = BTP_ERROR_NAMES[code]
  const data = Buffer.from(reason)
  return encodeBtpPacket({ type: 'error', requestId, code, name, triggeredAtMs, data, subProtocols: [] })
}

/** What is in it is the pipeline's to read; without an ILP packet it says nothing about what the peer did. */
function responseOutcome(response: BtpMessage): TransportOutcome {
  const duplicate = duplicateName(response.subProtocols)
  if (duplicate !== undefined)
    return lost('T00', `the peer's answer has the sub-protocol "${duplicate}" twice`)
  return { kind: 'answer', bytes: ilpPacketOf(response) ?? NO_BYTES }
}

/** Errors with RFC 23's codes for refusals say that the Message was not processed; others say nothing. */
function errorOutcome({ code, data }: BtpError): TransportOutcome {
  const reason = `the peer answered with BTP error ${code}: ${data.toString('utf8', 0, 200)}`
  if (code === 'T00') return notSent('T00', reason)
  if (code === 'F00' || code === 'F01') return notSent('T01', reason)
  return lost('T00', reason)
}

function notSent(code: 'R00' | 'T00' | 'T01' | 'T03', reason: string): TransportOutcome {
  return { kind: 'notSent', code, reason }
}

function lost(code: 'T00' | 'T01', reason: string): TransportOutcome {
  return { kind: 'lost', code, reason }
}
