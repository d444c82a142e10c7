import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deserializeIlpPrepare, Errors, serializeIlpReject } from 'ilp-packet'
import PluginBtp from 'ilp-plugin-btp'
import PluginHttp from 'ilp-plugin-http'
import { DataAndMoneyStream } from 'ilp-protocol-stream/dist/src/stream.js'
import type { AdminClient } from '../../sim/actors/admin-client.ts'
import type { LinkTransport } from '../../sim/topology/model.ts'

/** What both plugins have in common, as they are published. */
interface Plugin {
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
  sendData(packet: Buffer): Promise<Buffer>
  registerDataHandler(handler: (packet: Buffer) => Promise<Buffer>): void
  deregisterDataHandler(): void
}

/** A stranger that speaks ILP by a deployed plugin alone, and its account at the node. */
export interface StreamPeer {
  plugin: Plugin
  /** What its account at the node holds, in minor units: the node owes it that much. */
  balance(): Promise<bigint>
  close(): Promise<void>
}

/** A plugin, where the node finds it, and how it is taken down. */
interface Door {
  plugin: Plugin
  /** What the node's operator writes into the peer's endpoint. */
  endpoint: string
  /** Opens the connection, once the node knows the peer. */
  start(): Promise<void>
  close(): Promise<void>
}

interface Tokens {
  ofPeer: string
  ofNode: string
}

/** `ilp-plugin-http` on a free port of its own. */
async function openHttp(name: string, connectorUrl: string, tokens: Tokens): Promise<Door> {
  // What the plugin calls a port goes to `listen` as it is: with a host it opens no door to other machines.
  const port = { host: '127.0.0.1', port: 0 } as unknown as number
  const plugin = new PluginHttp.default({
    incoming: { port, staticToken: tokens.ofNode },
    outgoing: { name, url: connectorUrl, staticToken: tokens.ofPeer }
  })
  await plugin.connect()
  const { _httpServer: server } = plugin as unknown as { _httpServer: HttpServer }
  if (!server.listening) await once(server, 'listening')
  return {
    plugin,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    start: async () => undefined,
    async close() {
      await plugin.disconnect()
      server.closeAllConnections()
    }
  }
}

/** `ilp-plugin-btp` as a client of the node: nobody can connect to it, both directions go over its connection. */
async function openBtp(name: string, connectorUrl: string, tokens: Tokens): Promise<Door> {
  const server = connectorUrl.replace(/^http(s?):\/\//, `btp+ws$1://${name}:${tokens.ofPeer}@`)
  const plugin = new PluginBtp.default({ server }) as unknown as Plugin
  return {
    plugin,
    endpoint: `btp+ws://${name}.invalid/`,
    start: () => plugin.connect(),
    close: () => plugin.disconnect()
  }
}

/**
 * Peers a deployed plugin with a node, as the node's operator would: over the Admin API. Both refuse each other's
 * packets above `maxPacketAmount` with F08. Amounts are minor units of the asset.
 */
export async function openStreamPeer({
  name,
  transport,
  node: { connectorUrl, admin },
  assetId,
  liquidity,
  maxPacketAmount
}: {
  name: string
  transport: LinkTransport
  node: { connectorUrl: string; admin: AdminClient }
  assetId: string
  liquidity: bigint
  maxPacketAmount: bigint
}): Promise<StreamPeer> {
  allowDeployedStreams()
  const address = `test.${name}`
  const tokens = { ofPeer: `${name}-shows-the-node`, ofNode: `the-node-shows-${name}` }
  const door = await (transport === 'btp' ? openBtp : openHttp)(name, connectorUrl, tokens)
  const { plugin, close } = door
  refuseLargerPackets(plugin, { address, maxPacketAmount })

  try {
    const { createPeer } = await admin.call<{ createPeer: { peer: { id: string } } }>(CREATE_PEER, {
      input: {
        staticIlpAddress: address,
        assetId,
        name,
        http: {
          incoming: { authTokens: [tokens.ofPeer] },
          outgoing: { endpoint: door.endpoint, authToken: tokens.ofNode }
        },
        maxPacketAmount: maxPacketAmount.toString(),
        ...(liquidity > 0n && { initialLiquidity: liquidity.toString() })
      }
    })
    await door.start()
    return {
      plugin,
      close,
      async balance() {
        const { peer } = await admin.call<{ peer: { liquidity: string | null } }>(PEER, {
          id: createPeer.peer.id
        })
        return BigInt(peer.liquidity ?? '0')
      }
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** F08 tells both amounts (RFC 27, Error Codes): the sender learns from it what a packet may carry. */
function refuseLargerPackets(
  plugin: Plugin,
  { address, maxPacketAmount }: { address: string; maxPacketAmount: bigint }
): void {
  const register = plugin.registerDataHandler.bind(plugin)
  plugin.registerDataHandler = (handler) =>
    register(async (packet) => {
      const receivedAmount = deserializeIlpPrepare(packet).amount
      if (BigInt(receivedAmount) <= maxPacketAmount) return handler(packet)
      const maximumAmount = maxPacketAmount.toString()
      const { message, ilpErrorData } = new Errors.AmountTooLargeError('packet too large', {
        receivedAmount,
        maximumAmount
      })
      return serializeIlpReject({
        code: Errors.codes.F08_AMOUNT_TOO_LARGE,
        triggeredBy: address,
        message,
        data: ilpErrorData
      })
    })
}

/**
 * The deployed library's streams assign `closed`, which Node.js made a getter of Readable in version 18. Their
 * class gets a field of that name back; nothing of the protocol is touched.
 */
function allowDeployedStreams(): void {
  const closed = new WeakMap<object, boolean>()
  Object.defineProperty(DataAndMoneyStream.prototype, 'closed', {
    configurable: true,
    get(this: object) {
      return closed.get(this) ?? false
    },
    set(this: object, value: boolean) {
      closed.set(this, value)
    }
  })
}

const CREATE_PEER = `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
const PEER = `query Peer($id: String!) { peer(id: $id) { liquidity } }`
