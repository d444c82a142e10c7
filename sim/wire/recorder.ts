import {
  AUTH_TOKEN_SUB_PROTOCOL,
  decodeBtpPacket,
  decodePrepare,
  decodeReply,
  ilpPacketOf,
  isPacketError
} from '../../node/ilp/index.ts'
import type { BtpMessage } from '../../node/ilp/index.ts'
import { createHttpReader } from './http-messages.ts'
import type { HttpMessage } from './http-messages.ts'
import { createWebSocketReader } from './web-socket-messages.ts'
import type { WireAnswer, WireCounts, WireEvent, WireSide } from './model.ts'

/** A connection to a connector's door, as whoever carries its bytes tells of it. */
export interface ConnectionTap {
  /** Bytes that a side writes, before anything can happen to them. */
  sent(side: WireSide, bytes: Buffer): void
  /** As many bytes of what the other side sent have reached this side. */
  arrived(side: WireSide, length: number): void
  /** Nothing reaches this side any more: the connection was reset, or ended by either side. */
  broken(side: WireSide): void
}

export interface WireRecorder {
  /**
   * @param hosts of a node, its name
   * @param aheadMs by how much a side's wall clock is ahead of the world's; not at all, unless given
   */
  connection(hosts: Record<WireSide, string>, aheadMs?: (side: WireSide) => number): ConnectionTap
  counts(): WireCounts
}

const ILP_PREPARE = 12
const BEARER = /^Bearer +(\S+)$/i

/**
 * Reads every ILP packet off the connections between connectors: over HTTP (RFC 35, the reply in the answer) and over BTP
 * (RFC 23). It changes nothing, draws nothing and sets no timer, so a history is the same with and without it.
 *
 *   bytes ──▶ HTTP/1.1 messages ──101──▶ WebSocket messages of both directions ──▶ BTP ──▶ ILP
 *                   └──▶ ILP
 *
 * @param options.linkOf the topology's link that a peer's token stands for
 */
export function createWireRecorder(options: {
  nowMs: () => number
  linkOf: (token: string) => number | undefined
  onEvent: (event: WireEvent) => void
}): WireRecorder {
  const { nowMs, linkOf, onEvent } = options
  const counts: WireCounts = { prepares: 0, fulfills: 0, rejects: 0, refused: 0, lost: 0 }
  let exchanges = 0

  function connection(
    hosts: Record<WireSide, string>,
    aheadMs: (side: WireSide) => number = () => 0
  ): ConnectionTap {
    let token: string | undefined
    let protocol: 'http' | 'webSocket' = 'http'
    const directions = { client: createDirection(), server: createDirection() }
    const other = (side: WireSide): WireSide => (side === 'client' ? 'server' : 'client')
    const moment = (side: WireSide) => ({ atMs: nowMs(), clockMs: nowMs() + aheadMs(side) })
    /** Answers come in the order of requests over HTTP, by request id over BTP, each direction with ids of its own. */
    const queue: (number | undefined)[] = []
    const byRequest = { client: new Map<number, number>(), server: new Map<number, number>() }
    /** Exchanges whose answer has not arrived, with who waits for it. */
    const waiting = new Map<number, WireSide>()

    function prepare(side: WireSide, bytes: Buffer, endsAt: number, transport: 'http' | 'btp') {
      const packet = decodePrepare(bytes)
      if (isPacketError(packet)) return undefined
      const exchange = ++exchanges
      counts.prepares += 1
      const { amount, expiresAtMs, destination, executionCondition } = packet
      waiting.set(exchange, side)
      onEvent({
        kind: 'prepare',
        ...{ exchange, link: token === undefined ? undefined : linkOf(token), transport },
        ...{ from: hosts[side], to: hosts[other(side)], amount, expiresAtMs, destination },
        condition: executionCondition.toString('hex'),
        ...moment(side)
      })
      directions[side].whenArrived(endsAt, () =>
        onEvent({ kind: 'prepareArrived', exchange, ...moment(other(side)) })
      )
      return exchange
    }

    function answer(side: WireSide, exchange: number, what: WireAnswer, endsAt: number): void {
      counts[what.type === 'fulfill' ? 'fulfills' : what.type === 'reject' ? 'rejects' : 'refused'] += 1
      onEvent({ kind: 'answer', exchange, answer: what, ...moment(side) })
      directions[side].whenArrived(endsAt, () => {
        waiting.delete(exchange)
        onEvent({ kind: 'answerArrived', exchange, ...moment(other(side)) })
      })
    }

    function request({ startLine, headers, body, endsAt }: HttpMessage): void {
      const bearer = BEARER.exec(headers.get('authorization') ?? '')?.[1]
      if (bearer !== undefined) token = bearer
      const isPacket = startLine.startsWith('POST ') && body[0] === ILP_PREPARE
      queue.push(isPacket ? prepare('client', body, endsAt, 'http') : undefined)
    }

    function response({ startLine, body, endsAt }: HttpMessage): void {
      const status = startLine.split(' ')[1]!
      if (status === '101') return upgrade()
      const exchange = queue.shift()
      if (exchange === undefined) return
      answer(
        'server',
        exchange,
        (status === '200' && replyOf(body)) || { type: 'refused', with: status },
        endsAt
      )
    }

    function upgrade(): void {
      protocol = 'webSocket'
      for (const side of ['client', 'server'] as const)
        directions[side].upgrade((bytes, endsAt) => btp(side, bytes, endsAt))
    }

    function btp(side: WireSide, bytes: Buffer, endsAt: number): void {
      const packet = decodeBtpPacket(bytes)
      if (packet.type === 'unreadable') return
      if (packet.type === 'message') {
        token ??= tokenOf(packet)
        const ilp = ilpPacketOf(packet)
        const exchange = ilp?.[0] === ILP_PREPARE ? prepare(side, ilp, endsAt, 'btp') : undefined
        if (exchange !== undefined) byRequest[side].set(packet.requestId, exchange)
        return
      }
      if (packet.type !== 'response' && packet.type !== 'error') return
      const exchange = byRequest[other(side)].get(packet.requestId)
      if (exchange === undefined) return
      const ilp = packet.type === 'response' ? ilpPacketOf(packet) : undefined
      const refused = packet.type === 'error' ? packet.code : 'no packet'
      answer(side, exchange, (ilp && replyOf(ilp)) ?? { type: 'refused', with: refused }, endsAt)
    }

    return {
      sent(side, bytes) {
        const direction = directions[side]
        direction.push(bytes)
        if (protocol === 'http') {
          for (let message = direction.nextHttp(); message; message = direction.nextHttp()) {
            if (side === 'client') request(message)
            else response(message)
            if (direction.isUpgraded) break
          }
        }
        direction.drain()
      },
      arrived: (side, length) => directions[other(side)].arrived(length),
      broken(side) {
        for (const [exchange, asker] of waiting) {
          if (asker !== side) continue
          waiting.delete(exchange)
          counts.lost += 1
          onEvent({ kind: 'lost', exchange, ...moment(side) })
        }
      }
    }
  }

  return { connection, counts: () => ({ ...counts }) }
}

/** One direction of a connection: what was sent is read at once, and what it was is told again when it has arrived. */
function createDirection() {
  const http = createHttpReader()
  let webSocket: ReturnType<typeof createWebSocketReader> | undefined
  let onMessage: (bytes: Buffer, endsAt: number) => void = () => undefined
  let arrivedBytes = 0
  const underWay: { endsAt: number; tell: () => void }[] = []

  return {
    get isUpgraded() {
      return webSocket !== undefined
    },
    push(bytes: Buffer): void {
      if (webSocket) webSocket.push(bytes)
      else http.push(bytes)
    },
    nextHttp: () => http.next(),
    upgrade(listener: (bytes: Buffer, endsAt: number) => void): void {
      const { bytes, startsAt } = http.rest()
      onMessage = listener
      webSocket = createWebSocketReader(startsAt)
      webSocket.push(bytes)
    },
    /** Tells of the WebSocket messages that are complete. */
    drain(): void {
      if (!webSocket) return
      for (let message = webSocket.next(); message; message = webSocket.next())
        onMessage(message.bytes, message.endsAt)
    },
    whenArrived(endsAt: number, tell: () => void): void {
      underWay.push({ endsAt, tell })
    },
    arrived(length: number): void {
      arrivedBytes += length
      while (underWay.length > 0 && underWay[0]!.endsAt <= arrivedBytes) underWay.shift()!.tell()
    }
  }
}

function replyOf(bytes: Buffer): WireAnswer | undefined {
  const reply = decodeReply(bytes)
  if (isPacketError(reply)) return undefined
  if (reply.type === 'fulfill') return { type: 'fulfill', fulfillment: reply.fulfillment.toString('hex') }
  const { code, triggeredBy, message } = reply
  return { type: 'reject', code, triggeredBy, message }
}

function tokenOf({ subProtocols }: BtpMessage): string | undefined {
  return subProtocols.find(({ name }) => name === AUTH_TOKEN_SUB_PROTOCOL)?.data.toString()
}
