import {
  AUTH_SUB_PROTOCOL,
  AUTH_TOKEN_SUB_PROTOCOL,
  BtpContentType,
  createFulfill,
  createReject,
  decodeBtpPacket,
  decodePrepare,
  decodeReply,
  encodeBtpPacket,
  encodeIlpOverBtp,
  encodePrepare,
  encodeReply,
  ilpPacketOf,
  isPacketError
} from '../../node/ilp/index.ts'
import type { IlpErrorCode, IlpPrepare, IlpReply } from '../../node/ilp/index.ts'
import { WebSocketCloseCode, openWebSocket } from '../../node/runtime/index.ts'
import type { WebSocketConnection } from '../../node/runtime/index.ts'
import type { Answer, Link, Party } from './history.ts'
import { tokenOf } from './node.ts'
import { meets } from './trace.ts'
import type { Recorder } from './recorder.ts'
import type { PacketWorld } from './world.ts'

/** Before an end connects again. */
const RECONNECT_MS = 100
const AUTH_REQUEST_ID = 1
const NO_PACKET = Buffer.from('no packet')

/** An honest end gives no Fulfill so shortly before the expiry. */
const HONEST_MARGIN_MS = 200

/** What the payee knows of a packet that it will get. */
export interface Secret {
  fulfillment: Buffer
  answer: Answer
}

/** A packet that an end sent. */
export interface SentPrepare {
  prepare: IlpPrepare
  sentAtMs: number
  /** What was left of its life when it was sent. */
  lifetimeMs: number
  /** How often an answer came. */
  answers: number
  reply: IlpReply | undefined
  repliedAtMs: number
  /** The connection broke before an answer came. */
  isLost: boolean
  /** Called when the answer is there. */
  whenHeard: (() => void) | undefined
}

export type EndPeer = ReturnType<typeof createEndPeer>

/**
 * A peer at one end of the line, over BTP: sends Prepares, and answers those that come as it is told to, lawfully or
 * not. Its own clock is the world's.
 *
 *   connecting ──authenticated──▶ open ──breaks──▶ (pause) ──▶ connecting
 */
export function createEndPeer(options: {
  world: PacketWorld
  recorder: Recorder
  name: Party
  link: Link
  /** By condition, in hexadecimal: shared by both ends. */
  secrets: ReadonlyMap<string, Secret>
}) {
  const { world, recorder, name, link, secrets } = options
  const node = link.left === name ? link.right : link.left
  const process = world.process(name)
  const { clock } = process
  const requests = new Map<number, SentPrepare>()
  const sent: SentPrepare[] = []
  let connection: WebSocketConnection | undefined
  let nextRequestId = AUTH_REQUEST_ID

  async function connect(): Promise<void> {
    let opened: WebSocketConnection
    try {
      opened = await openWebSocket(process, { isSecure: false, host: node, port: 80, path: '/' })
    } catch (error) {
      recorder.note(name, `cannot connect: ${(error as Error).message}`)
      return rest()
    }
    opened.listen({
      onMessage: (bytes) => receive(opened, bytes),
      onDrain: () => undefined,
      onClose() {
        if (connection === opened) connection = undefined
        recorder.broke(link.name)
        for (const request of requests.values()) request.isLost = true
        requests.clear()
        rest()
      }
    })
    const text = (protocol: string, value: string) => ({
      name: protocol,
      contentType: BtpContentType.TEXT,
      data: Buffer.from(value)
    })
    opened.send(
      encodeBtpPacket({
        type: 'message',
        requestId: AUTH_REQUEST_ID,
        subProtocols: [
          { name: AUTH_SUB_PROTOCOL, contentType: BtpContentType.OCTET_STREAM, data: Buffer.alloc(0) },
          text(AUTH_TOKEN_SUB_PROTOCOL, tokenOf(link, name))
        ]
      })
    )
  }

  function rest(): void {
    clock.setTimer(RECONNECT_MS, () => void connect())
  }

  function receive(from: WebSocketConnection, bytes: Buffer): void {
    const packet = decodeBtpPacket(bytes)
    if (packet.type === 'response' && packet.requestId === AUTH_REQUEST_ID) {
      connection = from
      return
    }
    if (packet.type === 'response') return heard(packet.requestId, ilpPacketOf(packet))
    if (packet.type === 'error') return heard(packet.requestId, undefined)
    if (packet.type !== 'message') return
    const ilp = ilpPacketOf(packet)
    const prepare = ilp && decodePrepare(ilp)
    if (prepare === undefined || isPacketError(prepare)) return
    const condition = prepare.executionCondition.toString('hex')
    recorder.receive(link.name, name, condition)
    recorder.note(
      name,
      `has Prepare ${condition.slice(0, 8)} of ${prepare.amount}, expires in ${prepare.expiresAtMs - clock.nowMs()} ms`
    )
    const secret = secrets.get(condition)
    if (secret === undefined)
      return respond(from, packet.requestId, createReject('F02', { triggeredBy: `test.${name}` }))
    answer(from, packet.requestId, prepare, secret)
  }

  function answer(
    from: WebSocketConnection,
    requestId: number,
    prepare: IlpPrepare,
    { fulfillment, answer: told }: Secret
  ): void {
    const condition = prepare.executionCondition.toString('hex')
    const reject = (code: IlpErrorCode) =>
      respond(from, requestId, createReject(code, { triggeredBy: `test.${name}` }))
    const fulfill = (): boolean => {
      // A Fulfill on a connection that is gone reaches nobody, and is not given.
      if (!from.isOpen) return false
      if (prepare.amount > 0n) recorder.crossing(link.name, name, condition).down += 1
      respond(from, requestId, createFulfill(fulfillment))
      return true
    }
    const waitMs =
      told.kind === 'late'
        ? prepare.expiresAtMs + told.byMs - clock.nowMs()
        : told.kind === 'never'
          ? 0
          : told.afterMs
    clock.setTimer(waitMs, () => {
      const isInTime = clock.nowMs() < prepare.expiresAtMs
      switch (told.kind) {
        case 'fulfill':
          // As a receiver that wants to be paid does (money.md 2): what is left has to reach who asked (seed 373).
          if (clock.nowMs() + HONEST_MARGIN_MS < prepare.expiresAtMs) fulfill()
          else reject('R00')
          return
        case 'late':
          return void fulfill()
        case 'wrong':
          return respond(from, requestId, createFulfill(Buffer.alloc(32, 7)))
        case 'reject':
          return reject(told.code)
        case 'garbage':
          return write(from, requestId, NO_PACKET)
        case 'fulfillThenReject':
          if (isInTime) fulfill()
          return reject('F99')
        case 'rejectThenFulfill':
          reject('F99')
          return respond(from, requestId, createFulfill(fulfillment))
        case 'hangUp':
          return from.cut()
        case 'fulfillAndHangUp':
          if (isInTime) fulfill()
          return from.close(WebSocketCloseCode.NORMAL, 'done')
        case 'never':
          return
      }
    })
  }

  function respond(to: WebSocketConnection, requestId: number, reply: IlpReply): void {
    recorder.note(name, `answers ${reply.type}${reply.type === 'reject' ? ` ${reply.code}` : ''}`)
    write(to, requestId, encodeReply(reply))
  }

  function write(to: WebSocketConnection, requestId: number, bytes: Buffer): void {
    to.send(encodeIlpOverBtp('response', requestId, bytes))
  }

  function heard(requestId: number, bytes: Buffer | undefined): void {
    const request = requests.get(requestId)
    if (request === undefined) return
    request.answers += 1
    if (request.answers > 1)
      return recorder.violate(
        'a request is answered once',
        `${name} got ${request.answers} answers to one Prepare`
      )
    const reply = bytes && decodeReply(bytes)
    if (reply === undefined || isPacketError(reply)) return
    request.reply = reply
    request.repliedAtMs = world.elapsedMs()
    request.whenHeard?.()
    const { amount, executionCondition, expiresAtMs } = request.prepare
    const condition = executionCondition.toString('hex')
    recorder.note(
      name,
      `hears of ${condition.slice(0, 8)}: ${reply.type}${reply.type === 'reject' ? ` ${reply.code} of ${reply.triggeredBy}: ${reply.message}` : ''}`
    )
    if (reply.type !== 'fulfill') return
    if (!meets(reply.fulfillment, condition))
      return recorder.violate(
        'P1 only what is posted is fulfilled',
        `${name} got a fulfillment that does not meet its condition`
      )
    if (clock.nowMs() >= expiresAtMs) return recorder.reach('a payer hears of its Fulfill too late')
    if (amount === 0n) return
    const crossing = recorder.crossing(link.name, node, condition)
    crossing.up += 1
    if (crossing.up > crossing.down)
      recorder.violate(
        'P2 the nodes that posted are a suffix',
        `${name} is told that packet ${condition.slice(0, 8)} arrived, and ${node} has not posted it`
      )
  }

  return {
    name,
    node,
    link,
    process,
    sent,
    start: () => process.run(connect),
    get isOpen() {
      return connection !== undefined
    },
    /** Sends a Prepare, if there is a connection. */
    send(prepare: IlpPrepare): SentPrepare | undefined {
      return process.run(() => {
        if (connection === undefined) return undefined
        const condition = prepare.executionCondition.toString('hex')
        const request: SentPrepare = {
          prepare,
          sentAtMs: world.elapsedMs(),
          lifetimeMs: prepare.expiresAtMs - clock.nowMs(),
          answers: 0,
          reply: undefined,
          repliedAtMs: 0,
          isLost: false,
          whenHeard: undefined
        }
        nextRequestId += 1
        requests.set(nextRequestId, request)
        sent.push(request)
        recorder.crossing(link.name, node, condition).sends += 1
        recorder.note(name, `sends Prepare ${condition.slice(0, 8)} of ${prepare.amount}`)
        connection.send(encodeIlpOverBtp('message', nextRequestId, encodePrepare(prepare)))
        return request
      })
    }
  }
}
