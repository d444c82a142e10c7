import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deserializeIlpPrepare, Errors, serializeIlpReject } from 'ilp-packet'
import PluginHttp from 'ilp-plugin-http'
import { DataAndMoneyStream } from 'ilp-protocol-stream/dist/src/stream.js'
import type { AdminClient } from '../../sim/actors/admin-client.ts'

type Plugin = InstanceType<typeof PluginHttp.default>

/** A stranger that speaks ILP over HTTP by `ilp-plugin-http` alone, and its account at the node. */
export interface StreamPeer {
  plugin: Plugin
  /** What its account at the node holds, in minor units: the node owes it that much. */
  balance(): Promise<bigint>
  close(): Promise<void>
}

/**
 * Peers `ilp-plugin-http`, on a free port of its own, with a node, as the node's operator would: over the Admin API.
 * Both refuse each other's packets above `maxPacketAmount` with F08. Amounts are minor units of the asset.
 */
export async function openStreamPeer({
  name,
  node: { connectorUrl, admin },
  assetId,
  liquidity,
  maxPacketAmount
}: {
  name: string
  node: { connectorUrl: string; admin: AdminClient }
  assetId: string
  liquidity: bigint
  maxPacketAmount: bigint
}): Promise<StreamPeer> {
  allowDeployedStreams()
  const address = `test.${name}`
  const tokens = { ofPeer: `${name}-shows-the-node`, ofNode: `the-node-shows-${name}` }
  // What the plugin calls a port goes to `listen` as it is: with a host it opens no door to other machines.
  const port = { host: '127.0.0.1', port: 0 } as unknown as number
  const plugin = new PluginHttp.default({
    incoming: { port, staticToken: tokens.ofNode },
    outgoing: { name, url: connectorUrl, staticToken: tokens.ofPeer }
  })
  refuseLargerPackets(plugin, { address, maxPacketAmount })
  await plugin.connect()
  const { _httpServer: server } = plugin as unknown as { _httpServer: HttpServer }
  if (!server.listening) await once(server, 'listening')

  async function close(): Promise<void> {
    await plugin.disconnect()
    server.closeAllConnections()
  }

  try {
    const { createPeer } = await admin.call<{ createPeer: { peer: { id: string } } }>(CREATE_PEER, {
      input: {
        staticIlpAddress: address,
        assetId,
        name,
        http: {
          incoming: { authTokens: [tokens.ofPeer] },
          outgoing: {
            endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
            authToken: tokens.ofNode
          }
        },
        maxPacketAmount: maxPacketAmount.toString(),
        ...(liquidity > 0n && { initialLiquidity: liquidity.toString() })
      }
    })
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
