import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PluginBtp from 'ilp-plugin-btp'
import { createConnection, createServer } from 'ilp-protocol-stream'
import type { Connection, DataAndMoneyStream } from 'ilp-protocol-stream'
import { afterEach, describe, expect, it } from 'vitest'
import type { WebSocketServer } from 'ws'
import { createRatio, sendStream } from '../../../ilp/index.ts'
import { allowDeployedStreams } from '../../../ilp/stream/path.test-support.ts'
import { createTestPayer } from '../connector.test-support.ts'
import { clock, openBtpNode } from './btp.test-support.ts'

allowDeployedStreams()

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

describe('the deployed STREAM library over ilp-plugin-btp as a server', () => {
  it('is paid by our sender, and pays an account of this node, over the connection that we opened', async () => {
    const plugin = new PluginBtp.default({
      listener: { port: 0, secret: 'from-acacia', wsOpts: { host: '127.0.0.1', port: 0 } }
    })
    const connecting = plugin.connect()
    const server = (plugin as unknown as { _wss: WebSocketServer })._wss
    if (server.address() === null) await once(server, 'listening')
    open.push({ close: () => plugin.disconnect() })
    const { port } = server.address() as AddressInfo

    const node = await openBtpNode('acacia', { minBackoffMs: 5 })
    open.push(node)
    const usd = await node.addAsset('USD', 2)
    const eur = await node.addAsset('EUR', 2, 1_000_000n)
    const peer = await node.addPeer('lib', eur, {
      balance: 10_000n,
      http: { outgoing: { endpoint: `btp+ws://127.0.0.1:${port}/`, authToken: 'from-acacia' } }
    })
    node.changed(peer.id)
    await connecting

    let received = 0n
    const streams = await createServer({ plugin: plugin as never })
    streams.on('connection', (connection: Connection) => {
      connection.on('stream', (stream: DataAndMoneyStream) => {
        stream.setReceiveMax('1000000')
        stream.on('money', (amount: string) => void (received += BigInt(amount)))
      })
    })
    const { destinationAccount, sharedSecret } = streams.generateAddressAndSecret()
    const result = await sendStream({
      credentials: { destination: destinationAccount, sharedSecret },
      sendPacket: node.connector.senderFor({
        tenantId: node.tenantId,
        asset: usd,
        account: { id: await node.addAccount(usd, 6_000n), paymentId: node.random.uuid(), epoch: 1 },
        conversion: { assetId: eur.id, ratio: createRatio(91n, 100n) }
      }),
      clock,
      random: node.random,
      sourceBudget: 5_600n,
      deliver: 5_000n,
      minimumRate: createRatio(9n, 10n)
    })
    expect(result).toMatchObject({ outcome: 'delivered', delivered: 5_000n, inDoubtCount: 0 })
    expect(received).toBe(5_000n)
    expect(await node.balance(peer.id)).toBe(15_000n)

    // One plugin has one handler: the sender takes the receiver's place.
    plugin.deregisterDataHandler()
    const target = await node.addTarget(eur, { receiveMax: 100_000n })
    const payer = createTestPayer(node, target, clock)
    const connection = await createConnection({
      plugin: plugin as never,
      destinationAccount: payer.destination,
      sharedSecret: payer.sharedSecret
    })
    await connection.createStream().sendTotal(10_000)
    await connection.end()
    expect(await node.balance(target.id)).toBe(10_000n)
    expect(await node.balance(peer.id)).toBe(5_000n)
    expect(await node.pendingCount()).toBe(0)
    expect(node.connector.orphans.list()).toEqual([])
    await node.audit()
  })
})
