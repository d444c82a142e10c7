import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  askTotalReceived,
  conditionOf,
  createFulfill,
  createReject,
  decodePrepare,
  decodeReply,
  encodePrepare,
  encodeReply,
  isPacketError,
  sendStream
} from '../../node/ilp/index.ts'
import type {
  IlpPrepare,
  IlpReply,
  SendPacket,
  StreamCredentials,
  StreamSendResult
} from '../../node/ilp/index.ts'
import { HttpClientError, createHttpClient, serveHttp } from '../../node/runtime/index.ts'
import type { Runtime } from '../../node/runtime/index.ts'
import type { AdminClient } from './admin-client.ts'

/** A packet that the node handed to a peer. */
export interface ArrivedPacket {
  prepare: IlpPrepare
  atMs: number
}

/** How a peer answers a packet; a promise that waits is a peer that holds it. */
export type PacketAnswer = (packet: ArrivedPacket) => PeerReply | Promise<PeerReply>

/** A reply; bytes, whatever they are; or none: the connection breaks. */
export type PeerReply = IlpReply | Buffer | 'hangUp'

/** What a peer sends. Minor units of the link's asset. */
export interface OwnPacket {
  destination: string
  amount: bigint
  /** Default: 20 s. */
  expiresInMs?: number
  data?: Buffer
  /** Default: that of a fulfillment which every peer of the same network knows. */
  condition?: Buffer
}

/**
 * A stranger that is a peer of one node and speaks ILP over HTTP by hand (RFC 35): packet by packet, as honest or as
 * byzantine as a scenario likes. Peers of one network know each other's fulfillments, and fulfill unless told
 * otherwise: so packets travel from one to another through the node.
 */
export interface PacketPeer {
  readonly name: string
  readonly address: string
  readonly id: string
  /** Packets that the node handed to it, in order. */
  readonly arrived: readonly ArrivedPacket[]
  answer: PacketAnswer
  /** @throws HttpClientError where no answer came; Error for one that is no packet */
  send(packet: OwnPacket): Promise<IlpReply>
  /** Pays over STREAM: `deliver` destination units for as many of its own at most, whatever the rate. */
  pay(
    credentials: StreamCredentials,
    amounts: { deliver: bigint; sourceBudget: bigint; firstSequence?: number }
  ): Promise<StreamSendResult>
  /** What the receiver of a connection says that it got on it. */
  totalReceived(credentials: StreamCredentials, sequence: number): Promise<bigint | undefined>
  /** What its account at the node holds: minor units that it may still send. */
  liquidity(): Promise<bigint>
}

/** What peers of one network share: fulfillments by their conditions. */
export type KnownFulfillments = Map<string, Buffer>

export interface PacketPeerOptions {
  name: string
  assetId: string
  /** Minor units that it may send. */
  liquidity: bigint
  /** Default: `test.<name>`. */
  address?: string
  routes?: string[]
  maxPacketsPerSecond?: number
  maxPacketAmount?: bigint
}

const CONTENT_TYPE = 'application/octet-stream'
const LIFETIME_MS = 20_000
/** After its expiry a packet's answer is waited for so long. */
const PATIENCE_MS = 10_000

/** Opens the stranger's door and lets the node's operator peer with it. */
export async function createPacketPeer(
  runtime: Runtime,
  {
    host,
    connectorUrl,
    admin,
    fulfillments,
    port
  }: {
    /** Where it is reached, and on which port. */
    host: string
    port: number
    connectorUrl: string
    admin: AdminClient
    fulfillments: KnownFulfillments
  },
  { name, assetId, liquidity, address = `test.${name}`, ...limits }: PacketPeerOptions
): Promise<PacketPeer> {
  const http = createHttpClient(runtime)
  const arrived: ArrivedPacket[] = []
  const tokens = { ofPeer: `${name}-shows-the-node`, ofNode: `the-node-shows-${name}` }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const prepare = decodePrepare(Buffer.concat(chunks))
    if (isPacketError(prepare)) throw new Error(`the node sent no packet: ${prepare.reason}`)
    const packet = { prepare, atMs: runtime.clock.nowMs() }
    arrived.push(packet)
    const answer = await peer.answer(packet)
    if (answer === 'hangUp') return void response.destroy()
    const reply = Buffer.isBuffer(answer) ? answer : encodeReply(answer)
    response.writeHead(200, { 'content-type': CONTENT_TYPE, 'content-length': reply.length }).end(reply)
  }

  await serveHttp(runtime, { host: '0.0.0.0', port }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      runtime.logger.error({ err: error, peer: name }, 'a packet peer could not answer')
      response.destroy()
    })
  })
  const { createPeer } = await admin.call<{ createPeer: { peer: { id: string } } }>(CREATE_PEER, {
    input: {
      staticIlpAddress: address,
      assetId,
      name,
      http: {
        incoming: { authTokens: [tokens.ofPeer] },
        outgoing: { endpoint: `http://${host}:${port}`, authToken: tokens.ofNode }
      },
      ...(liquidity > 0n && { initialLiquidity: liquidity.toString() }),
      ...(limits.routes && { routes: limits.routes }),
      ...(limits.maxPacketsPerSecond !== undefined && { maxPacketsPerSecond: limits.maxPacketsPerSecond }),
      ...(limits.maxPacketAmount !== undefined && { maxPacketAmount: limits.maxPacketAmount.toString() })
    }
  })

  async function exchange(prepare: IlpPrepare, lifetimeMs: number): Promise<IlpReply> {
    const { status, body } = await http.request({
      method: 'POST',
      url: connectorUrl,
      headers: { authorization: `Bearer ${tokens.ofPeer}`, 'content-type': CONTENT_TYPE },
      body: encodePrepare(prepare),
      timeoutMs: Math.max(0, lifetimeMs) + PATIENCE_MS
    })
    const reply = decodeReply(body)
    if (isPacketError(reply)) throw new Error(`the node answered ${status} and no packet: ${reply.reason}`)
    return reply
  }
  /** STREAM's packets, as one who hears a lost answer as doubt. */
  const sendPacket: SendPacket = async ({ amount, executionCondition, expiresAtMs, destination, data }) => {
    try {
      const prepare = { amount, executionCondition, expiresAtMs, destination, data }
      return await exchange(prepare, expiresAtMs - runtime.clock.nowMs())
    } catch (error) {
      if (!(error instanceof HttpClientError)) throw error
      return { type: 'inDoubt' }
    }
  }

  const peer: PacketPeer = {
    name,
    address,
    id: createPeer.peer.id,
    arrived,
    answer({ prepare }) {
      const fulfillment = fulfillments.get(prepare.executionCondition.toString('hex'))
      if (fulfillment) return createFulfill(fulfillment)
      return createReject('F99', { triggeredBy: address, message: 'nobody knows the fulfillment' })
    },
    async send({ destination, amount, expiresInMs = LIFETIME_MS, data = Buffer.alloc(0), condition }) {
      const fulfillment = runtime.random.bytes(32)
      const executionCondition = condition ?? conditionOf(fulfillment)
      if (condition === undefined) fulfillments.set(executionCondition.toString('hex'), fulfillment)
      const expiresAtMs = runtime.clock.nowMs() + expiresInMs
      return exchange({ amount, executionCondition, expiresAtMs, destination, data }, expiresInMs)
    },
    pay: (credentials, amounts) =>
      sendStream({
        ...amounts,
        credentials,
        sendPacket,
        clock: runtime.clock,
        random: runtime.random,
        minimumRate: { numerator: 0n, denominator: 1n }
      }),
    totalReceived: (credentials, sequence) =>
      askTotalReceived({ credentials, sendPacket, sequence, clock: runtime.clock, random: runtime.random }),
    async liquidity() {
      const answer = await admin.call<{ peer: { liquidity: string | null } }>(PEER, { id: peer.id })
      return BigInt(answer.peer.liquidity ?? '0')
    }
  }
  return peer
}

const CREATE_PEER = `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
const PEER = `query Peer($id: String!) { peer(id: $id) { liquidity } }`
