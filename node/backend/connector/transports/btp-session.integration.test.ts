import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeReply, encodePrepare, encodeReply } from '../../../ilp/index.ts'
import type { BtpPacket, IlpReply } from '../../../ilp/index.ts'
import type { Peer } from '../../peers/model.ts'
import { createTestPayer, fulfillOf, prepareOf } from '../connector.test-support.ts'
import type { TestTarget } from '../connector.test-support.ts'
import {
  authMessage,
  clock,
  entry,
  ilpMessage,
  openBtpNode,
  openRaw,
  openRawPeer
} from './btp.test-support.ts'
import type { BtpNode, Heard, RawPeer } from './btp.test-support.ts'

const LIMITS = { authTimeoutMs: 150, maxUnauthenticated: 3, giveUpIntervalMs: 20 }

let node: BtpNode
let peer: Peer
let target: TestTarget
const raws: RawPeer[] = []

beforeEach(async () => {
  node = await openBtpNode('acacia', LIMITS)
  const usd = await node.addAsset('USD', 2)
  peer = await node.addPeer('raw', usd, {
    balance: 1_000n,
    http: { outgoing: { endpoint: 'btp+ws://raw.invalid/', authToken: 'unused' } }
  })
  target = await node.addTarget(usd)
})
afterEach(async () => {
  for (const raw of raws.splice(0)) raw.socket.terminate()
  await node.close()
})

async function raw(token?: string): Promise<RawPeer> {
  const opened = token === undefined ? await openRaw(node.port) : await openRawPeer(node.port, token)
  raws.push(opened)
  return opened
}

/** The ILP reply in a Response. */
function replyIn(packet: Heard): IlpReply {
  if (packet.type !== 'response') throw new Error(`no Response: ${JSON.stringify(packet)}`)
  return decodeReply(packet.subProtocols[0]!.data) as IlpReply
}

const error = (code: string) => expect.objectContaining({ type: 'error', code })

describe('BTP authentication (RFC 23)', () => {
  it('answers a token of a peer with an empty Response, and takes packets then', async () => {
    const client = await raw()
    client.say(authMessage('from-raw', 77))
    expect(await client.next()).toEqual({ type: 'response', requestId: 77, subProtocols: [] })
    const stream = createTestPayer(node, target, clock)
    client.say(ilpMessage(78, encodePrepare(stream.prepare(10n))))
    expect(replyIn(await client.next()).type).toBe('fulfill')
    expect(await node.balance(target.id)).toBe(10n)
  })

  it('takes packets that were sent behind the authentication without waiting', async () => {
    const client = await raw()
    const stream = createTestPayer(node, target, clock)
    client.say(authMessage('from-raw', 1))
    client.say(ilpMessage(2, encodePrepare(stream.prepare(10n))))
    expect((await client.next()).type).toBe('response')
    expect(replyIn(await client.next()).type).toBe('fulfill')
  })

  const first: [string, BtpPacket][] = [
    ['another token', authMessage('nobody')],
    ['an ILP packet', ilpMessage(1, Buffer.from('packet'))],
    ['a Transfer', { type: 'transfer', requestId: 1, amount: 5n, subProtocols: [] }],
    ['a Message of nothing', { type: 'message', requestId: 1, subProtocols: [] }],
    ['no token', { type: 'message', requestId: 1, subProtocols: [entry('auth')] }],
    [
      '"auth" in second place',
      { type: 'message', requestId: 1, subProtocols: [entry('auth_token', 'from-raw', 1), entry('auth')] }
    ],
    [
      '"auth" with data',
      {
        type: 'message',
        requestId: 1,
        subProtocols: [entry('auth', 'x'), entry('auth_token', 'from-raw', 1)]
      }
    ],
    ...['', 'x'.repeat(65), 'a b'].map((processId): [string, BtpPacket] => [
      `"auth_process" of "${processId.slice(0, 3)}"`,
      {
        type: 'message',
        requestId: 1,
        subProtocols: [entry('auth'), entry('auth_token', 'from-raw', 1), entry('auth_process', processId, 1)]
      }
    ]),
    [
      'a sub-protocol twice',
      {
        type: 'message',
        requestId: 1,
        subProtocols: [entry('auth'), entry('auth_token', 'from-raw', 1), entry('auth_token', 'from-raw', 1)]
      }
    ]
  ]
  it.each(first)('%s in the first message: Error F00 and the end', async (_name, packet) => {
    const client = await raw()
    client.say(packet)
    // What comes right behind is not looked at.
    client.say(authMessage('from-raw'))
    expect(await client.next()).toEqual(error('F00'))
    expect((await client.closed).code).toBe(1008)
    expect(client.heard).toHaveLength(1)
  })

  it.each<[string, BtpPacket | Buffer]>([
    ['nonsense', Buffer.from('nonsense')],
    ['a Response', { type: 'response', requestId: 1, subProtocols: [] }],
    [
      'an Error',
      {
        type: 'error',
        requestId: 1,
        code: 'F00',
        name: 'x',
        triggeredAtMs: 0,
        data: Buffer.alloc(0),
        subProtocols: []
      }
    ]
  ])('%s in the first message: the end, unanswered', async (_name, packet) => {
    const client = await raw()
    client.say(packet)
    expect((await client.closed).code).toBe(1008)
    expect(client.heard).toEqual([])
  })

  it('closes on whoever says nothing in time', async () => {
    const client = await raw()
    expect(await client.closed).toEqual({ code: 1008, reason: 'no authentication in time' })
  })

  it('strangers keep nobody out: at the limit the oldest of them goes', async () => {
    const silent = []
    for (let index = 0; index < LIMITS.maxUnauthenticated; index += 1) silent.push(await raw())
    await raw('from-raw')
    await silent[0]!.closed
    expect(silent[1]!.socket.readyState).toBe(WebSocket.OPEN)
  })
})

describe('BTP sessions: what a peer sends (RFC 23, Flow)', () => {
  it('answers ILP Rejects in a Response, never in an Error', async () => {
    const client = await raw('from-raw')
    client.say(ilpMessage(5, encodePrepare(prepareOf(clock, 1, { destination: 'test.nowhere.at.all' }))))
    const answer = await client.next()
    expect(answer.type === 'response' && answer.requestId).toBe(5)
    expect(replyIn(answer)).toMatchObject({ type: 'reject', code: 'F02' })
  })

  it('answers a packet that is none with a Reject F01', async () => {
    const client = await raw('from-raw')
    client.say(ilpMessage(5, Buffer.from('nonsense')))
    expect(replyIn(await client.next())).toMatchObject({ type: 'reject', code: 'F01' })
  })

  it('answers each request under its own id, in the order in which they are done', async () => {
    const client = await raw('from-raw')
    const stream = createTestPayer(node, target, clock)
    const ids = Array.from({ length: 50 }, (_, index) => 2 ** 32 - 1 - index * 3)
    for (const id of ids) client.say(ilpMessage(id, encodePrepare(stream.prepare(1n))))
    const answered = new Set<number>()
    for (const _ of ids) {
      const answer = await client.next()
      expect(replyIn(answer).type).toBe('fulfill')
      if (answer.type === 'response') answered.add(answer.requestId)
    }
    expect(answered).toEqual(new Set(ids))
    expect(await node.balance(peer.id)).toBe(950n)
    await node.audit()
  })

  it('answers a Transfer with an Error and books nothing', async () => {
    const client = await raw('from-raw')
    client.say({ type: 'transfer', requestId: 9, amount: 500n, subProtocols: [entry('claim', 'x')] })
    expect(await client.next()).toEqual(error('F00'))
    expect(await node.balance(peer.id)).toBe(1_000n)
  })

  it.each<[string, BtpPacket]>([
    ['another sub-protocol', { type: 'message', requestId: 9, subProtocols: [entry('balance', '1')] }],
    ['no sub-protocol', { type: 'message', requestId: 9, subProtocols: [] }],
    ['a second authentication', authMessage('from-raw', 9)]
  ])('%s: Error F00, and the connection goes on', async (_name, packet) => {
    const client = await raw('from-raw')
    client.say(packet)
    expect(await client.next()).toEqual(error('F00'))
    client.say(ilpMessage(10, Buffer.alloc(0)))
    expect((await client.next()).type).toBe('response')
  })

  it('a sub-protocol that stands there twice: Error F00, the packet in it is not executed', async () => {
    const client = await raw('from-raw')
    const prepare = encodePrepare(createTestPayer(node, target, clock).prepare(10n))
    const subProtocols = [entry('ilp', prepare), entry('ilp', prepare)]
    client.say({ type: 'message', requestId: 9, subProtocols })
    expect(await client.next()).toEqual(error('F00'))
    expect(await node.balance(target.id)).toBe(0n)
  })

  it('answers nothing to what is unreadable or unexpected', async () => {
    const client = await raw('from-raw')
    const reply = encodeReply(fulfillOf(1))
    client.say(Buffer.from('nonsense'))
    client.say({ type: 'response', requestId: 1, subProtocols: [entry('ilp', reply)] })
    const { heard } = client
    client.say({
      type: 'error',
      requestId: 2,
      code: 'F00',
      name: 'NotAcceptedError',
      triggeredAtMs: 0,
      data: Buffer.alloc(0),
      subProtocols: []
    })
    client.say(ilpMessage(11, Buffer.alloc(0)))
    await client.next()
    expect(heard.map((packet) => packet.type !== 'unreadable' && packet.requestId)).toEqual([1, 11])
  })

  it('closes on text, and on a message that is longer than any packet', async () => {
    const text = await raw('from-raw')
    text.socket.send('hello')
    expect((await text.closed).code).toBe(1003)
    const long = await raw('from-raw')
    long.socket.send(Buffer.alloc(65_537))
    expect((await long.closed).code).toBe(1009)
    await raw('from-raw')
  })

  it('lists a Fulfill whose upstream hung up before it could be written', async () => {
    const client = await raw('from-raw')
    const stream = createTestPayer(node, target, clock)
    const hold = Promise.withResolvers<void>()
    node.holdAnswers = hold.promise
    const closed = node.logged('btp_closed')
    const done = Promise.withResolvers<void>()
    const { record } = node.connector.orphans
    node.connector.orphans.record = (orphan) => {
      record(orphan)
      done.resolve()
    }
    node.writer.fault = () => void client.socket.terminate()
    client.say(ilpMessage(2, encodePrepare(stream.prepare(10n))))
    await closed
    hold.resolve()
    await done.promise
    expect(node.connector.orphans.list()).toMatchObject([
      { cause: 'answer_undelivered', direction: 'upstream', peerId: peer.id, amount: 10n }
    ])
  })
})

describe('packets that are too much', () => {
  it.each([
    ['a short address', 'acacia'],
    ['a long address, beyond what the shortest frame holds', 'a'.repeat(150)]
  ])('are refused unread, each by its request id, under %s', async (_which, name) => {
    const busy = await openBtpNode(name, LIMITS)
    try {
      const usd = await busy.addAsset('USD', 2)
      const flood = await busy.addPeer('flood', usd, { balance: 1_000n, maxPacketsInFlight: 0 })
      const client = await openRawPeer(busy.port, 'from-flood')
      raws.push(client)
      // More than one piece of them, in one turn; what is in them is nobody's business.
      const ids = Array.from({ length: 300 }, (_, index) => 2 ** 31 + index)
      for (const id of ids) client.say(ilpMessage(id, Buffer.from('not a packet')))
      for (const requestId of ids) {
        const answer = await client.next()
        expect(answer).toMatchObject({ type: 'response', requestId })
        expect(replyIn(answer)).toMatchObject({ type: 'reject', code: 'T05', triggeredBy: `test.${name}` })
      }
      expect(await busy.balance(flood.id)).toBe(1_000n)
    } finally {
      await busy.close()
    }
  })
})
