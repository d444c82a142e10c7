import fc from 'fast-check'
import * as library from 'ws'
import { expect, test } from 'vitest'
import { testCount } from '../../test-counts.ts'
import {
  AUTH_SUB_PROTOCOL,
  AUTH_TOKEN_SUB_PROTOCOL,
  BtpContentType,
  conditionOf,
  encodeBtpPacket,
  encodeIlpOverBtp,
  encodePrepare,
  encodeReply
} from '../../node/ilp/index.ts'
import type { IlpReply } from '../../node/ilp/index.ts'
import type { WireEvent, WireSide } from './model.ts'
import { createWireRecorder } from './recorder.ts'

const FULFILLMENT = Buffer.alloc(32, 7)
const NOTHING = Buffer.alloc(0)
const FULFILL: IlpReply = { type: 'fulfill', fulfillment: FULFILLMENT, data: NOTHING }
const REJECT: IlpReply = { type: 'reject', code: 'T04', triggeredBy: 'test.b', message: 'no', data: NOTHING }

function prepareBytes(amount: bigint): Buffer {
  return encodePrepare({
    amount,
    executionCondition: conditionOf(FULFILLMENT),
    expiresAtMs: 1_800_000_000_000,
    destination: 'test.baobab.x',
    data: Buffer.from('some data')
  })
}

function request(body: Buffer): Buffer {
  const head = `POST /ilp HTTP/1.1\r\nhost: baobab\r\nAuthorization: Bearer secret\r\ncontent-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

function response(body: Buffer, status = '200 OK'): Buffer {
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n`), body])
}

/** What the `ws` library writes frames with; its types leave that out. */
const { Sender } = library as unknown as {
  Sender: { frame(bytes: Buffer, options: Record<string, unknown>): Buffer[] }
}

/** A WebSocket frame, masked where a client sends it. */
function frame(bytes: Buffer, side: WireSide): Buffer {
  const options = { fin: true, rsv1: false, opcode: 2, mask: side === 'client', readOnly: false }
  return Buffer.concat(Sender.frame(Buffer.from(bytes), options))
}

type Step = { side: WireSide; bytes: Buffer }

/** Feeds a conversation, each piece cut at the given places; every piece arrives unless it is lost. */
function record(
  steps: readonly (Step | { broken: WireSide })[],
  cuts: readonly number[] = [],
  arrives = true
): WireEvent[] {
  const events: WireEvent[] = []
  const recorder = createWireRecorder({
    nowMs: () => 5,
    linkOf: (token) => (token === 'secret' ? 3 : undefined),
    onEvent: (event) => void events.push(event)
  })
  const tap = recorder.connection({ client: 'acacia', server: 'baobab' }, (side) =>
    side === 'client' ? 1 : 2
  )
  for (const step of steps) {
    if ('broken' in step) {
      tap.broken(step.broken)
      continue
    }
    const { side, bytes } = step
    const places = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b)
    for (const [index, start] of [0, ...places].entries()) {
      const piece = bytes.subarray(start, places[index] ?? bytes.length)
      if (piece.length === 0) continue
      tap.sent(side, piece)
      if (arrives) tap.arrived(side === 'client' ? 'server' : 'client', piece.length)
    }
  }
  return events
}

const told = (events: readonly WireEvent[]) =>
  events.map((event) => {
    if (event.kind === 'prepare') return `${event.exchange} ${event.from} > ${event.to} ${event.amount}`
    if (event.kind === 'answer') return `${event.exchange} ${event.answer.type}`
    return `${event.exchange} ${event.kind}`
  })

const HTTP: Step[] = [
  { side: 'client', bytes: request(prepareBytes(10n)) },
  { side: 'server', bytes: response(encodeReply(FULFILL)) },
  { side: 'client', bytes: request(prepareBytes(20n)) },
  { side: 'server', bytes: response(encodeReply(REJECT)) },
  { side: 'client', bytes: request(prepareBytes(30n)) },
  { side: 'server', bytes: response(Buffer.from('busy'), '503 Service Unavailable') }
]

const AUTH = encodeBtpPacket({
  type: 'message',
  requestId: 1,
  subProtocols: [
    { name: AUTH_SUB_PROTOCOL, contentType: BtpContentType.OCTET_STREAM, data: NOTHING },
    { name: AUTH_TOKEN_SUB_PROTOCOL, contentType: BtpContentType.TEXT, data: Buffer.from('secret') }
  ]
})
const OK = encodeBtpPacket({ type: 'response', requestId: 1, subProtocols: [] })
const ERROR = encodeBtpPacket({
  ...{ type: 'error', requestId: 8, code: 'F00', name: 'NotAcceptedError', triggeredAtMs: 0 },
  ...{ data: NOTHING, subProtocols: [] }
})

/** Both sides ask with the same request ids; answers overtake one another. */
const BTP: Step[] = [
  { side: 'client', bytes: Buffer.from('GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n') },
  {
    side: 'server',
    bytes: Buffer.concat([Buffer.from('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n')])
  },
  { side: 'client', bytes: frame(AUTH, 'client') },
  { side: 'server', bytes: frame(OK, 'server') },
  {
    side: 'client',
    bytes: Buffer.concat([
      frame(encodeIlpOverBtp('message', 7, prepareBytes(10n)), 'client'),
      frame(encodeIlpOverBtp('message', 8, prepareBytes(20n)), 'client')
    ])
  },
  { side: 'server', bytes: frame(encodeIlpOverBtp('message', 7, prepareBytes(30n)), 'server') },
  { side: 'server', bytes: frame(ERROR, 'server') },
  { side: 'server', bytes: frame(encodeIlpOverBtp('response', 7, encodeReply(FULFILL)), 'server') },
  { side: 'client', bytes: frame(encodeIlpOverBtp('response', 7, encodeReply(REJECT)), 'client') }
]

test('packets over HTTP are read with link, amounts, expiry and the clocks of both sides', () => {
  const events = record(HTTP)
  const prepare = {
    ...{
      kind: 'prepare',
      exchange: 1,
      link: 3,
      from: 'acacia',
      to: 'baobab',
      transport: 'http',
      amount: 10n
    },
    ...{ condition: conditionOf(FULFILLMENT).toString('hex'), destination: 'test.baobab.x' }
  }
  expect(events.slice(0, 4)).toEqual([
    { ...prepare, expiresAtMs: 1_800_000_000_000, atMs: 5, clockMs: 6 },
    { kind: 'prepareArrived', exchange: 1, atMs: 5, clockMs: 7 },
    {
      ...{ kind: 'answer', exchange: 1, atMs: 5, clockMs: 7 },
      answer: { type: 'fulfill', fulfillment: FULFILLMENT.toString('hex') }
    },
    { kind: 'answerArrived', exchange: 1, atMs: 5, clockMs: 6 }
  ])
  expect(events.filter(({ kind }) => kind === 'answer').slice(1)).toMatchObject([
    { exchange: 2, answer: { type: 'reject', code: 'T04', triggeredBy: 'test.b', message: 'no' } },
    { exchange: 3, answer: { type: 'refused', with: '503' } }
  ])
})

test('packets over BTP are read in both directions, by request', () => {
  expect(told(record(BTP))).toEqual([
    '1 acacia > baobab 10',
    '2 acacia > baobab 20',
    '1 prepareArrived',
    '2 prepareArrived',
    '3 baobab > acacia 30',
    '3 prepareArrived',
    '2 refused',
    '2 answerArrived',
    '1 fulfill',
    '1 answerArrived',
    '3 reject',
    '3 answerArrived'
  ])
  expect(record(BTP).find(({ kind }) => kind === 'prepare')).toMatchObject({ link: 3, transport: 'btp' })
})

test('wherever a connection cuts its bytes, the packets are the same', () => {
  const cuts = fc.array(fc.nat(400), { maxLength: 6 })
  fc.assert(
    fc.property(fc.constantFrom(HTTP, BTP), cuts, (steps, at) => {
      // What arrived of one write is told between its packets where it is cut; what was written keeps its order.
      const written = (events: readonly WireEvent[]) =>
        told(events.filter(({ kind }) => !/Arrived/.test(kind)))
      expect(written(record(steps, at))).toEqual(written(record(steps)))
      expect(told(record(steps, at)).sort()).toEqual(told(record(steps)).sort())
    }),
    { numRuns: testCount('cutStreams') }
  )
})

test('an answer that is written and does not arrive is lost when the connection breaks, to who waits for it', () => {
  const events = record([...HTTP.slice(0, 2), { broken: 'server' }, { broken: 'client' }], [], false)
  expect(told(events)).toEqual(['1 acacia > baobab 10', '1 fulfill', '1 lost'])
})

test('what is no packet is passed over', () => {
  const other: Step[] = [
    { side: 'client', bytes: Buffer.from('GET /healthz HTTP/1.1\r\n\r\n') },
    { side: 'server', bytes: response(Buffer.from('OK')) },
    { side: 'client', bytes: request(Buffer.from('nonsense')) },
    {
      side: 'server',
      bytes: Buffer.from(
        'HTTP/1.1 400 Bad Request\r\ntransfer-encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n'
      )
    }
  ]
  expect(told(record([...other, ...HTTP.slice(0, 2)]))).toEqual([
    '1 acacia > baobab 10',
    '1 prepareArrived',
    '1 fulfill',
    '1 answerArrived'
  ])
})
