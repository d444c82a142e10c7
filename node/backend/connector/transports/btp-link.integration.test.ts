import type { AddressInfo } from 'node:net'
import type { Server as HttpServer } from 'node:http'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { createRatio, encodePrepare, encodeReply, ilpPacketOf } from '../../../ilp/index.ts'
import type { Peer } from '../../peers/model.ts'
import type { ExchangeTimes, TransportOutcome } from '../transport.ts'
import { createTestPayer, fulfillOf, prepareOf } from '../connector.test-support.ts'
import { clock, entry, ilpMessage, openBtpNode, openRawPeer, rawPeerOn } from './btp.test-support.ts'
import type { BtpNode, RawPeer } from './btp.test-support.ts'

const LIMITS = { giveUpIntervalMs: 10, minBackoffMs: 5, maxBackoffMs: 20, stableAfterMs: 0 }

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

/** Times of an exchange that begins now. */
function within(expiresInMs: number, giveUpInMs = expiresInMs): ExchangeTimes {
  return { expiresAtMs: clock.nowMs() + expiresInMs, giveUpAtMs: clock.nowMs() + giveUpInMs }
}

async function openNode(name: string, limits: Parameters<typeof openBtpNode>[1] = LIMITS): Promise<BtpNode> {
  const node = await openBtpNode(name, limits)
  open.push(node)
  return node
}

/** A BTP server that says what a test tells it to. */
interface FarEnd {
  endpoint: string
  /** The next connection that somebody opened, not authenticated yet. */
  connection(): Promise<RawPeer>
  /** The next connection, after its authentication was answered. */
  peer(): Promise<RawPeer>
  readonly connectionCount: number
}

async function openFarEnd(): Promise<FarEnd> {
  const http: HttpServer = createServer()
  const server = new WebSocketServer({ server: http })
  const arrived: RawPeer[] = []
  const awaited: ((peer: RawPeer) => void)[] = []
  let connectionCount = 0
  server.on('connection', (socket) => {
    connectionCount += 1
    const peer = rawPeerOn(socket)
    const waiting = awaited.shift()
    if (waiting === undefined) arrived.push(peer)
    else waiting(peer)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  open.push({
    async close() {
      for (const socket of server.clients) socket.terminate()
      server.close()
      http.close()
    }
  })
  const connection = () => {
    const peer = arrived.shift()
    return peer ? Promise.resolve(peer) : new Promise<RawPeer>((resolve) => void awaited.push(resolve))
  }
  return {
    endpoint: `btp+ws://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    connection,
    async peer() {
      const peer = await connection()
      const auth = await peer.next()
      if (auth.type !== 'message') throw new Error(`no authentication: ${auth.type}`)
      peer.say({ type: 'response', requestId: auth.requestId, subProtocols: [] })
      return peer
    },
    get connectionCount() {
      return connectionCount
    }
  }
}

async function requestFrom(peer: RawPeer): Promise<{ requestId: number; ilp: Buffer }> {
  const packet = await peer.next()
  if (packet.type !== 'message') throw new Error(`no Message: ${packet.type}`)
  return { requestId: packet.requestId, ilp: ilpPacketOf(packet)! }
}

describe('two nodes over BTP', () => {
  it('carry packets both ways over one connection, with two currency changes, and their books agree', async () => {
    const acacia = await openNode('acacia')
    const baobab = await openNode('baobab')
    const usd = await acacia.addAsset('USD', 2, 1_000_000n)
    const link = await acacia.addAsset('EUR', 4, 10_000_000n)
    const payer = await acacia.addPeer('payer', usd, { balance: 100_000n })
    const linkThere = await baobab.addAsset('EUR', 4, 10_000_000n)
    const gbp = await baobab.addAsset('GBP', 2, 1_000_000n)
    const upstream = await baobab.addPeer('acacia', linkThere, {
      balance: 10_000_000n,
      http: { outgoing: { endpoint: 'btp+ws://never-dialled.invalid/', authToken: 'from-baobab' } }
    })
    const downstream = await acacia.addPeer('baobab', link, {
      balance: 10_000_000n,
      http: { outgoing: { endpoint: baobab.endpoint, authToken: 'from-acacia' } }
    })
    acacia.rates.set('USD/2>EUR/4', createRatio(91n, 1n))
    acacia.rates.set('EUR/4>USD/2', createRatio(1n, 91n))
    baobab.rates.set('EUR/4>GBP/2', createRatio(85n, 10_000n))
    baobab.rates.set('GBP/2>EUR/4', createRatio(10_000n, 85n))
    const there = createTestPayer(baobab, await baobab.addTarget(gbp), clock)
    const back = createTestPayer(acacia, await acacia.addTarget(usd), clock)
    const payerThere = await baobab.addPeer('payer', gbp, { balance: 100_000n })

    const accepted = baobab.logged('btp_accepted')
    acacia.changed(downstream.id)
    await accepted
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        index % 3 === 0
          ? baobab.connector.handle(payerThere, back.prepare(10n))
          : acacia.connector.handle(payer, there.prepare(10n))
      )
    )
    expect(answers.filter(({ type }) => type === 'fulfill')).toHaveLength(300)
    const sent = 200n * 910n - 100n * 1_176n
    expect(await acacia.balance(downstream.id)).toBe(10_000_000n + sent)
    expect(await baobab.balance(upstream.id)).toBe(10_000_000n - sent)
    for (const node of [acacia, baobab]) {
      await node.audit()
      expect(await node.pendingCount()).toBe(0)
      expect(node.connector.orphans.list()).toEqual([])
    }
  })
})

describe('BTP: what we send', () => {
  let node: BtpNode
  let far: FarEnd
  let peer: Peer
  let count = 0
  const bytes = () => encodePrepare(prepareOf(clock, ++count, { destination: 'test.far' }))
  const send = (giveUpInMs = 5_000, expiresInMs = giveUpInMs) =>
    node.btp.send(peer, bytes(), within(expiresInMs, giveUpInMs))
  const fulfill = encodeReply(fulfillOf(1))

  async function connect(limits: Parameters<typeof openBtpNode>[1] = {}): Promise<void> {
    far = await openFarEnd()
    node = await openNode('acacia', { ...LIMITS, ...limits })
    const usd = await node.addAsset('USD', 2)
    const http = { outgoing: { endpoint: far.endpoint, authToken: 'from-acacia' } }
    peer = await node.addPeer('far', usd, { http })
    node.changed(peer.id)
  }
  const answer = (raw: RawPeer, requestId: number, data = fulfill) =>
    raw.say({ type: 'response', requestId, subProtocols: [entry('ilp', data)] })

  it('connects without being asked to, and says who it is', async () => {
    await connect()
    const raw = await far.connection()
    expect(await raw.next()).toMatchObject({
      type: 'message',
      subProtocols: [
        { name: 'auth', contentType: 0, data: Buffer.alloc(0) },
        { name: 'auth_token', contentType: 1, data: Buffer.from('from-acacia') },
        { name: 'auth_process', contentType: 1, data: expect.any(Buffer) as Buffer }
      ]
    })
  })

  it('says the account and the token of the endpoint, where it has them', async () => {
    await connect()
    await far.peer()
    node.peers.set(peer.id, {
      ...peer,
      http: { outgoing: { endpoint: far.endpoint.replace('//', '//al%40ice:s%3Acret@'), authToken: 'other' } }
    })
    node.changed(peer.id)
    const raw = await far.connection()
    expect(await raw.next()).toMatchObject({
      subProtocols: [
        { name: 'auth' },
        { name: 'auth_username', data: Buffer.from('al@ice') },
        { name: 'auth_token', data: Buffer.from('s:cret') },
        { name: 'auth_process' }
      ]
    })
  })

  it('packets that were waiting for the connection go out once it is authenticated', async () => {
    await connect()
    const outcomes = Promise.all([send(), send()])
    const raw = await far.peer()
    const first = await requestFrom(raw)
    const second = await requestFrom(raw)
    expect(first.requestId).not.toBe(second.requestId)
    // Answered in the other order.
    answer(raw, second.requestId, encodeReply(fulfillOf(2)))
    answer(raw, first.requestId)
    expect(await outcomes).toEqual([
      { kind: 'answer', bytes: fulfill },
      { kind: 'answer', bytes: encodeReply(fulfillOf(2)) }
    ])
  })

  it('an authentication that is refused: not sent, T01, and tried again', async () => {
    await connect()
    const outcome = send()
    const raw = await far.connection()
    const auth = await raw.next()
    raw.say({
      type: 'error',
      requestId: auth.type === 'message' ? auth.requestId : 0,
      code: 'F00',
      name: 'NotAcceptedError',
      triggeredAtMs: 0,
      data: Buffer.from('who are you'),
      subProtocols: []
    })
    expect(await outcome).toMatchObject({ kind: 'notSent', code: 'T01' })
    await far.peer()
    expect(far.connectionCount).toBe(2)
  })

  it('a broken connection: all in flight are lost, none goes out again; it connects again', async () => {
    await connect()
    const raw = await far.peer()
    const outcomes = Promise.all([send(), send(), send()])
    await requestFrom(raw)
    raw.socket.terminate()
    expect((await outcomes).map(({ kind }) => kind)).toEqual(['lost', 'lost', 'lost'])
    const again = await far.peer()
    const outcome = send()
    const { requestId } = await requestFrom(again)
    answer(again, requestId)
    expect((await outcome).kind).toBe('answer')
    // The authentication and that one packet: nothing of before.
    expect(again.heard).toHaveLength(2)
  })

  it('pauses before it connects again, longer each time: not sent, T01', async () => {
    await connect()
    const raw = await far.peer()
    for (const thing of open.splice(open.length - 2, 1)) await thing.close()
    await raw.closed
    const unreachable = await node.logged('btp_unreachable')
    expect(unreachable.reason).toMatch(/ECONNREFUSED/)
    expect(await send()).toMatchObject({ kind: 'notSent', code: 'T01' })
    await node.logged('btp_unreachable')
  })

  it('does not send what expired before there was a connection', async () => {
    await connect()
    const connection = await far.connection()
    const expired = send(5_000, 0)
    const inTime = send()
    const { requestId: authentication } = await requestFrom(connection)
    connection.say({ type: 'response', requestId: authentication, subProtocols: [] })
    expect(await expired).toMatchObject({ kind: 'notSent', code: 'R00' })
    const { requestId } = await requestFrom(connection)
    answer(connection, requestId)
    expect((await inTime).kind).toBe('answer')
    expect(connection.heard).toHaveLength(2)
  })

  it('sends over the connection that the peer opened, where there is one: ours may be dead without a sign', async () => {
    await connect()
    const ours = await far.peer()
    const theirs = await openRawPeer(node.port, 'from-far')
    const outcome = send()
    const { requestId } = await requestFrom(theirs)
    answer(theirs, requestId)
    expect((await outcome).kind).toBe('answer')
    expect(ours.heard).toHaveLength(1)
    theirs.socket.terminate()
  })

  it('gives up in time: lost', async () => {
    await connect()
    const raw = await far.peer()
    const outcome = send(30)
    const { requestId } = await requestFrom(raw)
    expect(await outcome).toMatchObject({ kind: 'lost', code: 'T01' })
    // What comes late means nothing, and harms nothing.
    answer(raw, requestId)
    const next = send()
    const { requestId: nextId } = await requestFrom(raw)
    answer(raw, nextId)
    expect((await next).kind).toBe('answer')
  })

  it('a second answer to one request means nothing', async () => {
    await connect()
    const raw = await far.peer()
    const first = send()
    const { requestId } = await requestFrom(raw)
    answer(raw, requestId)
    answer(raw, requestId, encodeReply(fulfillOf(2)))
    expect(await first).toEqual({ kind: 'answer', bytes: fulfill })
    const second = send()
    answer(raw, (await requestFrom(raw)).requestId, encodeReply(fulfillOf(3)))
    expect(await second).toEqual({ kind: 'answer', bytes: encodeReply(fulfillOf(3)) })
  })

  it.each([
    ['T00', { kind: 'notSent', code: 'T00' }],
    ['F00', { kind: 'notSent', code: 'T01' }],
    ['F01', { kind: 'notSent', code: 'T01' }],
    ['F08', { kind: 'lost', code: 'T00' }]
  ])('an Error %s: %o', async (code, expected) => {
    await connect()
    const raw = await far.peer()
    const outcome = send()
    const { requestId } = await requestFrom(raw)
    raw.say({
      type: 'error',
      requestId,
      code,
      name: 'x',
      triggeredAtMs: 0,
      data: Buffer.from('sorry'),
      subProtocols: []
    })
    expect(await outcome).toMatchObject(expected)
  })

  it('a Response without ILP packet is an answer that says nothing; one with it twice is lost', async () => {
    await connect()
    const raw = await far.peer()
    const empty = send()
    raw.say({ type: 'response', requestId: (await requestFrom(raw)).requestId, subProtocols: [entry('x')] })
    expect(await empty).toEqual({ kind: 'answer', bytes: Buffer.alloc(0) })
    const twice = send()
    const { requestId } = await requestFrom(raw)
    raw.say({ type: 'response', requestId, subProtocols: [entry('ilp', fulfill), entry('ilp', fulfill)] })
    expect(await twice).toMatchObject({ kind: 'lost', code: 'T00' })
  })

  it('a peer that does not read: T03 when its queue is full, nothing is kept beyond', async () => {
    await connect({ maxQueuedBytes: 100_000 })
    const raw = await far.peer()
    raw.socket.pause()
    const large = () =>
      node.btp.send(
        peer,
        encodePrepare(prepareOf(clock, ++count, { destination: 'test.far', data: Buffer.alloc(30_000) })),
        within(5_000)
      )
    const refused = Promise.withResolvers<TransportOutcome>()
    let isFull = false
    while (!isFull) {
      void large().then((outcome) => {
        if (outcome.kind !== 'notSent') return
        isFull = true
        refused.resolve(outcome)
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await refused.promise).toMatchObject({ kind: 'notSent', code: 'T03' })
  })

  it('a peer without a sign of life is cut off, and connected to again', async () => {
    await connect({ heartbeatMs: 40 })
    const raw = await far.peer()
    const outcome = send()
    await requestFrom(raw)
    // Neither packets nor pongs.
    raw.socket.pause()
    expect(await outcome).toMatchObject({ kind: 'lost', code: 'T01' })
    await far.peer()
  })

  it('at the end: goodbye, in flight is lost, nothing is sent any more', async () => {
    await connect()
    const raw = await far.peer()
    const outcome = send()
    await requestFrom(raw)
    await node.btp.close()
    expect(await outcome).toMatchObject({ kind: 'lost' })
    expect((await raw.closed).code).toBe(1001)
    expect(await send()).toMatchObject({ kind: 'notSent', code: 'T01' })
  })
})

describe('BTP: connections of a peer', () => {
  let node: BtpNode
  let peer: Peer

  beforeEach(async () => {
    node = await openNode('acacia')
    const http = { outgoing: { endpoint: 'http://peer/', authToken: 't' } }
    peer = await node.addPeer('raw', await node.addAsset('USD', 2), { http })
  })
  const over = (data = Buffer.alloc(0)) =>
    node.btp.send(peer, encodePrepare(prepareOf(clock, 1, { destination: 'test.raw', data })), within(5_000))

  it('a second one replaces the first: what was in flight on it is lost, the next goes over the new one', async () => {
    const first = await openRawPeer(node.port, 'from-raw')
    const inFlight = over()
    await requestFrom(first)
    const second = await openRawPeer(node.port, 'from-raw')
    expect(await inFlight).toMatchObject({ kind: 'lost' })
    expect(await first.closed).toEqual({ code: 4000, reason: 'replaced by a newer connection' })
    const next = over()
    const { requestId } = await requestFrom(second)
    second.say({ ...ilpMessage(requestId, encodeReply(fulfillOf(1))), type: 'response' })
    expect((await next).kind).toBe('answer')
    second.socket.terminate()
  })

  it('a token that is taken away ends the connection', async () => {
    const raw = await openRawPeer(node.port, 'from-raw')
    node.peers.set(peer.id, { ...peer, name: 'other' })
    node.changed(peer.id)
    expect((await raw.closed).code).toBe(1008)
  })

  it('a peer that is removed loses its connection', async () => {
    const raw = await openRawPeer(node.port, 'from-raw')
    node.peers.delete(peer.id)
    node.changed(peer.id)
    expect((await raw.closed).code).toBe(1008)
  })
})
