import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodePrepare, ilpPacketOf, isPacketError } from '../../ilp/index.ts'
import type { IlpPrepare } from '../../ilp/index.ts'
import { createHttpClient, createLogger } from '../../runtime/index.ts'
import type { HttpServerLimits } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Peer } from '../peers/model.ts'
import { createTestNode } from './connector.test-support.ts'
import type { TestNode, TestNodeOptions } from './connector.test-support.ts'
import { createTransportByScheme } from './transport.ts'
import { createBtpTransport } from './transports/btp.ts'
import type { BtpLimits } from './transports/btp.ts'
import {
  clock as systemClock,
  entry,
  ilpMessage,
  network,
  openRawPeer
} from './transports/btp.test-support.ts'
import { createHttpTransport } from './transports/http-client.ts'
import { createConnectorServer } from './transports/http-server.ts'

// For tests: a node on a real socket with both transports, and next hops that say whatever a test wants.

export type WireTransport = 'http' | 'btp'

export interface OpenNode extends TestNode {
  port: number
  close(): Promise<void>
}

export async function openNode(
  options: Partial<TestNodeOptions> & { http?: HttpServerLimits; btp?: Partial<BtpLimits> } = {}
): Promise<OpenNode> {
  const listeners: ((peerId: string) => void)[] = []
  const peers = {
    get: (id: string) => node.peers.get(id),
    byIncomingToken: (token: string) =>
      [...node.peers.values()].find((peer) => `from-${peer.name}` === token),
    all: () => [...node.peers.values()],
    onChange: (listener: (peerId: string) => void) => void listeners.push(listener)
  }
  const { http: httpLimits, btp: btpLimits, clock = systemClock, ...rest } = options
  const http = createHttpTransport({ httpClient: createHttpClient({ network, clock }), clock })
  const logger = createLogger({ name: 'liars', level: 'silent' })
  const btp = createBtpTransport({
    peers,
    network,
    clock,
    random: { fraction: () => 0.5, uuid: () => 'the-only-process' },
    logger,
    ...(btpLimits && { limits: btpLimits })
  })
  const transport = createTransportByScheme({ 'http:': http, 'btp+ws:': btp })
  const node = createTestNode({ name: 'acacia', clock, transport, ...rest })
  const server = await createConnectorServer(
    { connector: node.connector, peers, network, clock, logger },
    { host: '127.0.0.1', port: 0 },
    { onUpgrade: btp.accept, ...(httpLimits && { limits: httpLimits }) }
  )
  btp.start(node.connector)
  return {
    ...node,
    port: server.address.port,
    async close() {
      await node.connector.stop(0)
      await server.stop(0)
      await btp.close()
      await http.close()
    }
  }
}

/** What a next hop does with a Prepare: its answer as bytes, or nothing at all. */
export type Behaviour = (prepare: IlpPrepare) => Buffer | undefined | Promise<Buffer | undefined>

export interface NextHop {
  peer: Peer
  /** Prepares that arrived. */
  readonly prepares: IlpPrepare[]
  behave: Behaviour
  close(): Promise<void>
}

/** A peer of the node that packets are routed to, over one of the transports. */
export async function openNextHop(
  node: OpenNode,
  name: string,
  asset: Asset,
  transport: WireTransport,
  settings: Partial<Peer> & { balance?: bigint } = {}
): Promise<NextHop> {
  const prepares: IlpPrepare[] = []
  const hop: NextHop = {
    peer: undefined as never,
    prepares,
    behave: () => undefined,
    close: async () => undefined
  }
  const take = async (bytes: Buffer): Promise<Buffer | undefined> => {
    const prepare = decodePrepare(bytes)
    if (isPacketError(prepare)) throw new Error(prepare.reason)
    prepares.push(prepare)
    return hop.behave(prepare)
  }

  if (transport === 'http') {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        void take(Buffer.concat(chunks)).then((answer) => answer && response.end(answer))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    hop.peer = await node.addPeer(name, asset, {
      http: { outgoing: { endpoint, authToken: 't' } },
      ...settings
    })
    hop.close = async () => {
      server.closeAllConnections()
      server.close()
    }
    return hop
  }

  const http = { outgoing: { endpoint: `btp+ws://${name}.invalid/`, authToken: 't' } }
  hop.peer = await node.addPeer(name, asset, { http, ...settings })
  const raw = await openRawPeer(node.port, `from-${name}`)
  const answerNext = async (): Promise<void> => {
    const packet = await raw.next()
    void answerNext().catch(() => undefined)
    if (packet.type !== 'message') return
    const answer = await take(ilpPacketOf(packet)!)
    if (answer === undefined) return
    raw.say({ type: 'response', requestId: packet.requestId, subProtocols: [entry('ilp', answer)] })
  }
  void answerNext().catch(() => undefined)
  hop.close = async () => raw.socket.terminate()
  return hop
}

/** Somebody who sends packets to the node as one of its peers, over one of the transports. */
export interface WireSender {
  /** The node's answer. */
  send(prepare: Buffer): Promise<Buffer>
  close(): Promise<void>
}

export async function openSender(
  node: OpenNode,
  name: string,
  transport: WireTransport
): Promise<WireSender> {
  if (transport === 'http') {
    const client = createHttpClient({ network, clock: systemClock })
    return {
      async send(prepare) {
        const response = await client.request({
          method: 'POST',
          url: `http://127.0.0.1:${node.port}/`,
          headers: { authorization: `Bearer from-${name}`, 'content-type': 'application/octet-stream' },
          body: prepare,
          timeoutMs: 30_000
        })
        return response.body
      },
      close: () => client.close()
    }
  }
  const raw = await openRawPeer(node.port, `from-${name}`)
  const waiting = new Map<number, (bytes: Buffer) => void>()
  let lastId = 100
  raw.socket.on('message', () => {
    const packet = raw.heard.at(-1)!
    if (packet.type !== 'response') return
    waiting.get(packet.requestId)?.(ilpPacketOf(packet)!)
    waiting.delete(packet.requestId)
  })
  return {
    send: (prepare) =>
      new Promise((resolve) => {
        const requestId = ++lastId
        waiting.set(requestId, resolve)
        raw.say(ilpMessage(requestId, prepare))
      }),
    close: async () => raw.socket.terminate()
  }
}
