import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  MAX_REPLY_BYTES,
  createFulfill,
  decodeReply,
  encodeBtpPacket,
  encodePrepare,
  encodeReply,
  isPacketError
} from '../../ilp/index.ts'
import type { IlpPrepare, IlpReply } from '../../ilp/index.ts'
import { DEFAULT_HTTP_SERVER_LIMITS, createManualClock } from '../../runtime/index.ts'
import type { Clock, ManualClock } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Peer } from '../peers/model.ts'
import { prepareOf, secretOf } from './connector.test-support.ts'
import { openNextHop, openNode, openSender } from './liars.test-support.ts'
import type { NextHop, OpenNode, WireSender } from './liars.test-support.ts'
import {
  clock as systemClock,
  entry,
  ilpMessage,
  openRaw,
  openRawPeer
} from './transports/btp.test-support.ts'

/** Of the liar, as peer and as next hop: what it can cost. */
const IN_FLIGHT = 20
const BALANCE = 1_000_000n
const LIFE_MS = 20_000

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})
function opened<T extends { close(): Promise<void> }>(thing: T): T {
  open.push(thing)
  return thing
}

/** The node's time: stands still where a test waits for an expiry, else the machine's. */
let clock: Clock
let node: OpenNode
let usd: Asset
let payer: Peer
let sender: WireSender
let honest: NextHop
let number = 0
const secrets = new Map<string, Buffer>()

/** A packet that can be fulfilled by whoever knows its number. */
function packetTo(destination: string, fields: Partial<IlpPrepare> = {}): IlpPrepare {
  const expiresAtMs = clock.nowMs() + LIFE_MS
  const prepare = prepareOf(clock, ++number, { destination, expiresAtMs, ...fields })
  secrets.set(prepare.executionCondition.toString('hex'), secretOf(number).fulfillment)
  return prepare
}

const fulfillmentFor = (prepare: IlpPrepare) => secrets.get(prepare.executionCondition.toString('hex'))!
const rightAnswer = (prepare: IlpPrepare) => encodeReply(createFulfill(fulfillmentFor(prepare)))

async function send(from: WireSender, prepare: IlpPrepare): Promise<IlpReply> {
  const reply = decodeReply(await from.send(encodePrepare(prepare)))
  if (isPacketError(reply)) throw new Error(reply.reason)
  return reply
}

const codes = (replies: IlpReply[]) =>
  replies.map((reply) => (reply.type === 'reject' ? reply.code : reply.type)).sort()
const repeated = <T>(times: number, what: () => T): T[] => Array.from({ length: times }, what)

/** Packets between honest peers, whatever goes on beside them. */
async function othersGoOn(count = 20): Promise<void> {
  const before = await node.balance(honest.peer.id)
  const replies = await Promise.all(repeated(count, () => send(sender, packetTo('test.honest'))))
  expect(codes(replies)).toEqual(repeated(count, () => 'fulfill'))
  expect(await node.balance(honest.peer.id)).toBe(before + BigInt(count) * 100n)
}

async function booksAreClean(): Promise<void> {
  await node.audit()
  expect(await node.pendingCount()).toBe(0)
}

async function setUp(options: Parameters<typeof openNode>[0] = {}): Promise<void> {
  clock = options.clock ?? systemClock
  node = opened(
    await openNode({
      // Nobody rests: where time stands still, that would have no end.
      limits: { maxPacketsToPeerInFlight: IN_FLIGHT, maxRestMs: 0 },
      ...options,
      btp: { maxRefusalsInARow: Number.MAX_SAFE_INTEGER, ...options.btp }
    })
  )
  usd = await node.addAsset('USD', 2)
  payer = await node.addPeer('payer', usd, { balance: BALANCE })
  honest = opened(await openNextHop(node, 'honest', usd, 'http'))
  honest.behave = rightAnswer
  sender = opened(await openSender(node, 'payer', 'http'))
}

describe.each(['http', 'btp'] as const)('a next hop that lies, over %s', (transport) => {
  let liar: NextHop
  let time: ManualClock

  beforeEach(async () => {
    time = createManualClock()
    await setUp({ clock: time })
    liar = opened(await openNextHop(node, 'liar', usd, transport))
  })

  it('wrong fulfillments: F05, nothing is paid', async () => {
    liar.behave = () => encodeReply(createFulfill(Buffer.alloc(32, 9)))
    const replies = Promise.all(repeated(IN_FLIGHT, () => send(sender, packetTo('test.liar'))))
    await othersGoOn()
    expect(codes(await replies)).toEqual(repeated(IN_FLIGHT, () => 'F05'))
    expect(await node.balance(liar.peer.id)).toBe(0n)
    await booksAreClean()
  })

  it('answers of earlier packets, again: each is paid once', async () => {
    let first: Buffer | undefined
    liar.behave = (prepare) => (first ??= rightAnswer(prepare))
    expect((await send(sender, packetTo('test.liar'))).type).toBe('fulfill')
    const replies = await Promise.all(repeated(IN_FLIGHT, () => send(sender, packetTo('test.liar'))))
    expect(codes(replies)).toEqual(repeated(IN_FLIGHT, () => 'F05'))
    expect(await node.balance(liar.peer.id)).toBe(100n)
    await othersGoOn()
    await booksAreClean()
  })

  it('never answers: its packets in flight and no more, until they expire', async () => {
    const before = await node.balance(payer.id)
    const full = Promise.withResolvers<void>()
    liar.behave = () => void (liar.prepares.length === IN_FLIGHT && full.resolve())
    const taken = repeated(IN_FLIGHT, () => send(sender, packetTo('test.liar')))
    await full.promise
    const more = await Promise.all(repeated(2 * IN_FLIGHT, () => send(sender, packetTo('test.liar'))))
    expect(codes(more)).toEqual(repeated(2 * IN_FLIGHT, () => 'T03'))
    await othersGoOn()
    await time.advance(LIFE_MS)
    expect(codes(await Promise.all(taken))).toEqual(repeated(IN_FLIGHT, () => 'R00'))
    expect(liar.prepares).toHaveLength(IN_FLIGHT)
    expect(await node.balance(payer.id)).toBe(before - 20n * 100n)
    await booksAreClean()
    // Its room is free again.
    liar.behave = rightAnswer
    expect((await send(sender, packetTo('test.liar'))).type).toBe('fulfill')
  })

  it('answers after the expiry: dropped, and listed where it says that it was paid', async () => {
    const arrived = Promise.withResolvers<void>()
    const expired = Promise.withResolvers<void>()
    liar.behave = async (prepare) => {
      arrived.resolve()
      await expired.promise
      return rightAnswer(prepare)
    }
    const recorded = Promise.withResolvers<void>()
    const { record } = node.connector.orphans
    node.connector.orphans.record = (orphan) => {
      record(orphan)
      recorded.resolve()
    }
    const reply = send(sender, packetTo('test.liar'))
    await arrived.promise
    await time.advance(LIFE_MS)
    expect(await reply).toMatchObject({ type: 'reject', code: 'R00' })
    expired.resolve()
    await recorded.promise
    expect(await node.balance(liar.peer.id)).toBe(0n)
    expect(node.connector.orphans.list()).toMatchObject([
      { cause: 'late_fulfill', peerId: liar.peer.id, direction: 'downstream', isCertain: true }
    ])
    await booksAreClean()
  })

  it('answers that are too long or nonsense: refused, the next packet is answered', async () => {
    liar.behave = () => Buffer.alloc(MAX_REPLY_BYTES + 1, 13)
    expect(await send(sender, packetTo('test.liar'))).toMatchObject({ type: 'reject', code: 'T00' })
    liar.behave = () => Buffer.from('nonsense')
    expect(await send(sender, packetTo('test.liar'))).toMatchObject({ type: 'reject', code: 'T00' })
    liar.behave = rightAnswer
    expect((await send(sender, packetTo('test.liar'))).type).toBe('fulfill')
    await othersGoOn()
    // What it may have executed stays reserved until it has expired.
    expect(await node.pendingCount()).toBe(2)
    await time.advance(2 * LIFE_MS)
    await booksAreClean()
  })
})

describe.each(['http', 'btp'] as const)('a peer that floods, over %s', (transport) => {
  let time: ManualClock

  beforeEach(async () => {
    time = createManualClock()
    await setUp({ clock: time })
  })

  it('takes its own room in flight, the rest is T05; others go on', async () => {
    const abyss = opened(await openNextHop(node, 'abyss', usd, 'btp'))
    await node.addPeer('flood', usd, { balance: BALANCE, maxPacketsInFlight: IN_FLIGHT / 2 })
    const flood = opened(await openSender(node, 'flood', transport))
    const room = IN_FLIGHT / 2
    const refused = Promise.withResolvers<void>()
    let refusedCount = 0
    const replies = repeated(500, async () => {
      const reply = await send(flood, packetTo('test.abyss'))
      if (reply.type === 'reject' && reply.code === 'T05') refusedCount += 1
      if (refusedCount === 500 - room) refused.resolve()
      return reply
    })
    await refused.promise
    await othersGoOn()
    expect(abyss.prepares).toHaveLength(room)
    await time.advance(LIFE_MS)
    expect(codes(await Promise.all(replies))).toEqual([
      ...repeated(room, () => 'R00'),
      ...repeated(500 - room, () => 'T05')
    ])
    await booksAreClean()
  })

  it('repeats a packet that is in flight: F00, it is sent on once', async () => {
    const twice = packetTo('test.honest')
    const arrived = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    honest.behave = async (prepare) => {
      arrived.resolve()
      await release.promise
      return rightAnswer(prepare)
    }
    await node.addPeer('again', usd, { balance: BALANCE })
    const again = opened(await openSender(node, 'again', transport))
    const first = send(again, twice)
    // Over HTTP each has a connection of its own: the node may read either first.
    await arrived.promise
    const refused = await Promise.race([first, send(again, twice)])
    expect(refused).toMatchObject({ type: 'reject', code: 'F00' })
    release.resolve()
    expect((await first).type).toBe('fulfill')
    expect(honest.prepares).toHaveLength(1)
  })
})

describe('strangers at the door', () => {
  const http = {
    ...DEFAULT_HTTP_SERVER_LIMITS,
    maxConnections: 500,
    keepAliveTimeoutMs: 400,
    requestTimeoutMs: 400
  }

  beforeEach(() => setUp({ http, btp: { authTimeoutMs: 400, maxUnauthenticated: 50 } }))

  function connect(): net.Socket {
    const socket = net.connect(node.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.resume()
    open.push({ close: async () => void socket.destroy() })
    return socket
  }
  const ended = (socket: net.Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))

  it('thousands of connections that say nothing keep no peer out', async () => {
    const all: Promise<void>[] = []
    const stood = (socket: net.Socket) => new Promise((resolve) => socket.once('connect', resolve))
    // In waves that the system's queue of a listening socket holds: what it drops, nobody hears of.
    for (let wave = 0; wave < 10; wave += 1) {
      const silent = repeated(200, connect)
      const ends = silent.map(ended)
      all.push(...ends)
      await Promise.all(silent.map((socket, index) => Promise.race([stood(socket), ends[index]])))
    }
    await othersGoOn()
    const late = opened(await openSender(node, 'payer', 'http'))
    expect((await send(late, packetTo('test.honest'))).type).toBe('fulfill')
    const overBtp = opened(await openSender(node, 'payer', 'btp'))
    expect((await send(overBtp, packetTo('test.honest'))).type).toBe('fulfill')
    await Promise.all(all)
  })

  it.each([
    ['headers', 'POST / HTTP/1.1\r\nhost: x\r\n'],
    [
      'a body',
      'POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer from-payer\r\n' +
        'content-type: application/octet-stream\r\ncontent-length: 1000\r\n\r\n'
    ]
  ])('whoever drips %s is closed on', async (_name, start) => {
    const slow = repeated(50, connect)
    const drip = setInterval(() => slow.forEach((socket) => socket.writable && socket.write('a')), 20)
    slow.forEach((socket) => socket.write(start))
    try {
      const all = Promise.all(slow.map(ended))
      await othersGoOn()
      await all
    } finally {
      clearInterval(drip)
    }
  })

  it('whoever drips a BTP message is closed on, authenticated or not', async () => {
    await setUp({ btp: { authTimeoutMs: 400, heartbeatMs: 100 } })
    await node.addPeer('drip', usd)
    const stranger = await openRaw(node.port)
    const peer = await openRawPeer(node.port, 'from-drip', { autoPong: false })
    const sockets = [stranger, peer].map(
      ({ socket }) => (socket as unknown as { _socket: net.Socket })._socket
    )
    // The head of a binary frame of 1,000 masked bytes, which then come one by one.
    for (const socket of sockets) socket.write(Buffer.from('82fe03e800000000', 'hex'))
    const drip = setInterval(() => sockets.forEach((socket) => socket.writable && socket.write('a')), 20)
    try {
      await othersGoOn()
      await Promise.all([stranger.closed, peer.closed])
    } finally {
      clearInterval(drip)
    }
  })

  it('a BTP peer that never reads its answers: the node stops reading, and cuts it off', async () => {
    await setUp({ btp: { heartbeatMs: 100, maxUnreadBytes: 50_000 } })
    await node.addPeer('deaf', usd)
    const deaf = await openRawPeer(node.port, 'from-deaf')
    deaf.socket.pause()
    const { _socket: socket } = deaf.socket as unknown as { _socket: net.Socket }
    const message = encodeBtpPacket(ilpMessage(1, Buffer.from('nonsense')))
    const frame = Buffer.concat([Buffer.of(0x82, 0x80 | message.length, 0, 0, 0, 0), message])
    const frames = Buffer.concat(repeated(1_000, () => frame))
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.once('error', () => resolve())
    })
    const flood = setInterval(() => socket.write(frames), 5)
    try {
      await othersGoOn()
      await closed
    } finally {
      clearInterval(flood)
      deaf.socket.terminate()
    }
    await othersGoOn()
  })

  it('a BTP peer that answers what was never asked, and answers twice, gains nothing', async () => {
    const peer = await node.addPeer('parrot', usd, {
      http: { outgoing: { endpoint: 'btp+ws://parrot.invalid/', authToken: 't' } }
    })
    const parrot = await openRawPeer(node.port, 'from-parrot')
    const asked = packetTo('test.parrot')
    const reply = send(sender, asked)
    const request = await parrot.next()
    const requestId = request.type === 'message' ? request.requestId : 0
    const answer = (id: number) =>
      parrot.say({ type: 'response', requestId: id, subProtocols: [entry('ilp', rightAnswer(asked))] })
    for (const id of [requestId + 1, requestId + 2, requestId, requestId, requestId]) answer(id)
    expect((await reply).type).toBe('fulfill')
    const next = send(sender, packetTo('test.parrot'))
    await parrot.next()
    answer(requestId)
    answer(requestId + 1)
    expect(await next).toMatchObject({ type: 'reject', code: 'F05' })
    expect(await node.balance(peer.id)).toBe(100n)
    await othersGoOn()
    await booksAreClean()
    parrot.socket.terminate()
  })

  it('packets and messages longer than any packet cost a connection, and nobody else', async () => {
    const oversized = await fetch(`http://127.0.0.1:${node.port}/`, {
      method: 'POST',
      headers: { authorization: 'Bearer from-payer', 'content-type': 'application/octet-stream' },
      body: new Uint8Array(100_000)
    })
    expect(oversized.status).toBe(413)
    await node.addPeer('large', usd)
    const large = await openRawPeer(node.port, 'from-large')
    large.socket.send(Buffer.alloc(100_000))
    expect((await large.closed).code).toBe(1009)
    await othersGoOn()
  })
})
