import type { AddressInfo } from 'node:net'
import type { Server as NodeServer } from 'node:http'
import PluginHttp from 'ilp-plugin-http'
import { createConnection, createServer } from 'ilp-protocol-stream'
import type { Connection, DataAndMoneyStream } from 'ilp-protocol-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRatio, sendStream } from '../../ilp/index.ts'
import { allowDeployedStreams } from '../../ilp/stream/path.test-support.ts'
import {
  createHttpClient,
  createLogger,
  createSystemClock,
  createSystemNetwork
} from '../../runtime/index.ts'
import type { HttpServer } from '../../runtime/index.ts'
import { createTestNode, createTestPayer } from './connector.test-support.ts'
import type { TestNode } from './connector.test-support.ts'
import type { Transport } from './transport.ts'
import { createHttpTransport } from './transports/http-client.ts'
import { createConnectorServer } from './transports/http-server.ts'

allowDeployedStreams()

const clock = createSystemClock()
const network = createSystemNetwork()
const logger = createLogger({ name: 'test', level: 'silent' })

/** A node on a real socket. */
interface OpenNode extends TestNode {
  url: string
  /** With what a peer of that name shows who it is. */
  tokenOf(peerName: string): string
  close(): Promise<void>
}

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

async function openNode(name: string): Promise<OpenNode> {
  const transport: Transport = createHttpTransport({
    httpClient: createHttpClient({ network, clock }, { maxConnectionsPerOrigin: 64 }),
    clock
  })
  const node = createTestNode({ name, clock, transport })
  const server: HttpServer = await createConnectorServer(
    {
      connector: node.connector,
      peers: {
        byIncomingToken: (token) => [...node.peers.values()].find((peer) => `from-${peer.name}` === token)
      },
      network,
      clock,
      logger
    },
    { host: '127.0.0.1', port: 0 }
  )
  const opened: OpenNode = {
    ...node,
    url: `http://127.0.0.1:${server.address.port}/`,
    tokenOf: (peerName) => `from-${peerName}`,
    async close() {
      await node.connector.stop(1_000)
      await server.stop(0)
      await transport.close()
    }
  }
  open.push(opened)
  return opened
}

/** `ilp-plugin-http` as it is published, peered with a node. */
async function openPlugin(name: string, node: OpenNode) {
  const plugin = new PluginHttp.default({
    incoming: { port: 0, staticToken: `from-${node.address.split('.')[1]}` },
    outgoing: { url: node.url, staticToken: node.tokenOf(name) }
  })
  await plugin.connect()
  const { _httpServer: server } = plugin as unknown as { _httpServer: NodeServer }
  const { port } = server.address() as AddressInfo
  open.push({
    async close() {
      await plugin.disconnect()
      server.closeAllConnections()
    }
  })
  return { plugin, endpoint: `http://127.0.0.1:${port}/` }
}

describe('two nodes over real sockets', () => {
  it('carry packets with two currency changes, and their books agree', async () => {
    const acacia = await openNode('acacia')
    const baobab = await openNode('baobab')
    const usd = await acacia.addAsset('USD', 2)
    const link = await acacia.addAsset('EUR', 4, 10_000_000n)
    const payer = await acacia.addPeer('payer', usd, { balance: 100_000n })
    const downstream = await acacia.addPeer('baobab', link, {
      http: { outgoing: { endpoint: baobab.url, authToken: baobab.tokenOf('acacia') } }
    })
    acacia.rates.set('USD/2>EUR/4', createRatio(91n, 1n))
    const linkThere = await baobab.addAsset('EUR', 4)
    const gbp = await baobab.addAsset('GBP', 2, 1_000_000n)
    const upstream = await baobab.addPeer('acacia', linkThere, { balance: 10_000_000n })
    baobab.rates.set('EUR/4>GBP/2', createRatio(85n, 10_000n))
    const target = await baobab.addTarget(gbp)
    const stream = createTestPayer(baobab, target, clock)

    const answers = await Promise.all(
      Array.from({ length: 300 }, () => acacia.connector.handle(payer, stream.prepare(10n)))
    )
    expect(answers.filter(({ type }) => type === 'fulfill')).toHaveLength(300)
    const sent = 300n * 910n
    expect(await acacia.balance(payer.id)).toBe(100_000n - 3_000n)
    expect(await acacia.balance(downstream.id)).toBe(sent)
    expect(await baobab.balance(upstream.id)).toBe(10_000_000n - sent)
    expect(await baobab.balance(target.id)).toBe(300n * 7n)
    for (const node of [acacia, baobab]) {
      await node.audit()
      expect(await node.pendingCount()).toBe(0)
      expect(node.connector.orphans.list()).toEqual([])
    }
  })
})

describe('the deployed STREAM library over ilp-plugin-http', () => {
  let node: OpenNode

  beforeEach(async () => {
    node = await openNode('acacia')
  })

  it('pays an account of this node', async () => {
    const usd = await node.addAsset('USD', 2)
    const eur = await node.addAsset('EUR', 2, 1_000_000n)
    node.rates.set('USD/2>EUR/2', createRatio(91n, 100n))
    const peer = await node.addPeer('lib', usd, { balance: 100_000n, maxPacketAmount: 700n })
    const target = await node.addTarget(eur, { receiveMax: 100_000n })
    const { destination, sharedSecret } = createTestPayer(node, target, clock)
    const { plugin } = await openPlugin('lib', node)

    const connection: Connection = await createConnection({
      plugin,
      destinationAccount: destination,
      sharedSecret
    })
    const stream: DataAndMoneyStream = connection.createStream()
    await stream.sendTotal(10_000)
    await connection.end()

    expect(connection.totalSent).toBe('10000')
    expect(connection.destinationAssetCode).toBe('EUR')
    const received = await node.balance(target.id)
    expect(received).toBeGreaterThan(9_000n)
    expect(received).toBeLessThanOrEqual(9_100n)
    expect(connection.totalDelivered).toBe(received.toString())
    expect(await node.balance(peer.id)).toBe(90_000n)
    expect(await node.pendingCount()).toBe(0)
    await node.audit()
  })

  it('is paid by our sender, exactly what was promised', async () => {
    const usd = await node.addAsset('USD', 2)
    const eur = await node.addAsset('EUR', 2, 1_000_000n)
    const { plugin, endpoint } = await openPlugin('lib', node)
    const peer = await node.addPeer('lib', eur, {
      http: { outgoing: { endpoint, authToken: node.tokenOf('acacia') } }
    })
    let received = 0n
    const server = await createServer({ plugin })
    server.on('connection', (connection: Connection) => {
      connection.on('stream', (stream: DataAndMoneyStream) => {
        stream.setReceiveMax('1000000')
        stream.on('money', (amount: string) => void (received += BigInt(amount)))
      })
    })
    const { destinationAccount, sharedSecret } = server.generateAddressAndSecret()

    const account = await node.addAccount(usd, 6_000n)
    const paymentId = node.random.uuid()
    const ratio = createRatio(91n, 100n)
    const result = await sendStream({
      credentials: { destination: destinationAccount, sharedSecret },
      sendPacket: node.connector.senderFor({
        tenantId: node.tenantId,
        asset: usd,
        account: { id: account, paymentId, epoch: 1 },
        conversion: { assetId: eur.id, ratio }
      }),
      clock,
      random: node.random,
      sourceBudget: 5_600n,
      deliver: 5_000n,
      minimumRate: createRatio(9n, 10n)
    })
    expect(result).toMatchObject({ outcome: 'delivered', delivered: 5_000n, inDoubtCount: 0 })
    expect(received).toBe(5_000n)
    expect(await node.balance(peer.id)).toBe(5_000n)
    expect(await node.balance(account)).toBe(6_000n - result.sent)
    expect(await node.pendingCount()).toBe(0)
    expect(node.connector.orphans.list()).toEqual([])
    await node.audit()
    await server.close()
  })
})
