import { WebSocket } from 'ws'
import { decodeBtpPacket, encodeBtpPacket } from '../../../ilp/index.ts'
import type { BtpMessage, BtpPacket, BtpSubProtocol } from '../../../ilp/index.ts'
import { createLogger, createSystemClock, createSystemNetwork } from '../../../runtime/index.ts'
import type { Peer } from '../../peers/model.ts'
import { createSeededRandom, createTestNode } from '../connector.test-support.ts'
import type { LogRecord, TestNode, TestNodeOptions } from '../connector.test-support.ts'
import { createTransportByScheme } from '../transport.ts'
import { createBtpTransport } from './btp.ts'
import type { BtpLimits, BtpPeers, BtpTransport } from './btp.ts'
import { createConnectorServer } from './http-server.ts'

// For tests: nodes that speak BTP on real sockets, and peers that say whatever a test wants.

export const clock = createSystemClock()
export const network = createSystemNetwork()

export interface BtpNode extends TestNode {
  btp: BtpTransport
  port: number
  /** What others put into the endpoint of this node as a peer. */
  endpoint: string
  /** The next line with that event which the transport logs. */
  logged(event: string): Promise<LogRecord>
  /** While set, answers to peers wait for it. */
  holdAnswers: Promise<void> | undefined
  /** Tells the transport that a peer changed, as the directory would. */
  changed(peerId: string): void
  close(): Promise<void>
}

/** A peer named `x` shows the token `from-x`; peers that are added later are followed at `changed`. */
export async function openBtpNode(
  name: string,
  limits: Partial<BtpLimits> = {},
  options: Partial<TestNodeOptions> = {}
): Promise<BtpNode> {
  const awaited: { event: string; resolve(record: LogRecord): void }[] = []
  const logger = createLogger({
    name,
    level: 'debug',
    write(line) {
      const record = JSON.parse(line) as LogRecord
      const index = awaited.findIndex(({ event }) => event === record.event)
      if (index >= 0) awaited.splice(index, 1)[0]!.resolve(record)
    }
  })
  const peers = new Map<string, Peer>()
  const listeners: ((peerId: string) => void)[] = []
  const directory: BtpPeers = {
    get: (id) => peers.get(id),
    byIncomingToken: (token) => [...peers.values()].find((peer) => `from-${peer.name}` === token),
    all: () => [...peers.values()],
    onChange: (listener) => void listeners.push(listener)
  }
  const random = createSeededRandom(`btp-${name}`, clock)
  const btp = createBtpTransport({ peers: directory, network, clock, random, logger, limits })
  const transport = createTransportByScheme({ 'btp+ws:': btp })
  const node = createTestNode({ name, clock, transport, ...options })
  const server = await createConnectorServer(
    { connector: node.connector, peers: directory, network, clock, logger },
    { host: '127.0.0.1', port: 0 },
    { onUpgrade: btp.accept }
  )
  btp.start({
    door: node.connector.door,
    orphans: node.connector.orphans,
    async handle(peer, prepare) {
      const reply = await node.connector.handle(peer, prepare)
      if (opened.holdAnswers !== undefined) await opened.holdAnswers
      return reply
    }
  })
  const opened: BtpNode = {
    ...node,
    btp,
    holdAnswers: undefined,
    logged: (event) => new Promise((resolve) => void awaited.push({ event, resolve })),
    port: server.address.port,
    endpoint: `btp+ws://127.0.0.1:${server.address.port}/`,
    async addPeer(...args) {
      const peer = await node.addPeer(...args)
      peers.set(peer.id, peer)
      return peer
    },
    changed(peerId) {
      const peer = node.peers.get(peerId)
      if (peer === undefined) peers.delete(peerId)
      else peers.set(peerId, peer)
      for (const listener of listeners) listener(peerId)
    },
    async close() {
      await node.connector.stop(1_000)
      await server.stop(0)
      await btp.close()
    }
  }
  return opened
}

export type Heard = ReturnType<typeof decodeBtpPacket>

/** One end of a raw BTP connection: says what it is told to, and lists what it hears. */
export interface RawPeer {
  socket: WebSocket
  say(packet: BtpPacket | Buffer): void
  /** The next packet that was not taken yet. Rejects when the connection ends before it comes. */
  next(): Promise<Heard>
  /** How the other side closed: close code and reason. */
  closed: Promise<{ code: number; reason: string }>
  /** Everything heard so far, taken or not. */
  readonly heard: readonly Heard[]
}

export function entry(name: string, data: Buffer | string = '', contentType = 0): BtpSubProtocol {
  return { name, contentType, data: Buffer.from(data) }
}

export function ilpMessage(requestId: number, data: Buffer): BtpMessage {
  return { type: 'message', requestId, subProtocols: [entry('ilp', data)] }
}

export function authMessage(token: string, requestId = 1, processId?: string): BtpMessage {
  const subProtocols = [entry('auth'), entry('auth_token', token, 1)]
  if (processId !== undefined) subProtocols.push(entry('auth_process', processId, 1))
  return { type: 'message', requestId, subProtocols }
}

/** Opens a raw connection; it has not said who it is. */
export async function openRaw(port: number, options: { autoPong?: boolean } = {}): Promise<RawPeer> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false, ...options })
  const peer = rawPeerOn(socket)
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return peer
}

/** Opens a raw connection that is authenticated with a token. */
export async function openRawPeer(
  port: number,
  token: string,
  { processId, ...options }: { autoPong?: boolean; processId?: string } = {}
): Promise<RawPeer> {
  const peer = await openRaw(port, options)
  peer.say(authMessage(token, 1, processId))
  const answer = await peer.next()
  if (answer.type !== 'response') throw new Error(`authentication: ${JSON.stringify(answer)}`)
  return peer
}

export function rawPeerOn(socket: WebSocket): RawPeer {
  const heard: Heard[] = []
  const taken: { resolve(packet: Heard): void; reject(error: Error): void }[] = []
  let takenCount = 0
  let isClosed = false
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => {
      isClosed = true
      for (const { reject } of taken.splice(0)) reject(new Error(`closed: ${code} ${reason.toString()}`))
      resolve({ code, reason: reason.toString() })
    })
  })
  socket.on('message', (data) => {
    const packet = decodeBtpPacket(data as Buffer)
    heard.push(packet)
    const waiting = taken.shift()
    if (waiting === undefined) return
    takenCount += 1
    waiting.resolve(packet)
  })
  return {
    socket,
    heard,
    closed,
    say: (packet) => socket.send(Buffer.isBuffer(packet) ? packet : encodeBtpPacket(packet)),
    next() {
      const packet = heard[takenCount]
      if (packet !== undefined) {
        takenCount += 1
        return Promise.resolve(packet)
      }
      if (isClosed) return Promise.reject(new Error('closed'))
      return new Promise((resolve, reject) => void taken.push({ resolve, reject }))
    }
  }
}
