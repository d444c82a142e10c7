import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodePrepare, encodeReply, ilpPacketOf } from '../../../ilp/index.ts'
import type { Peer } from '../../peers/model.ts'
import { createTestPayer, fulfillOf, prepareOf } from '../connector.test-support.ts'
import { clock, ilpMessage, openBtpNode, openRawPeer } from './btp.test-support.ts'
import type { BtpNode, RawPeer } from './btp.test-support.ts'

const LIMITS = { giveUpIntervalMs: 10, minBackoffMs: 5, maxBackoffMs: 20, stableAfterMs: 0, maxProcesses: 3 }

describe('several processes of one node as a peer over BTP', () => {
  const undo: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  async function openNode(name: string): Promise<BtpNode> {
    const node = await openBtpNode(name, LIMITS)
    undo.push(() => node.close())
    return node
  }

  it('have a connection each: none throws another out, and both are carried over at once', async () => {
    const baobab = await openNode('baobab')
    const usd = await baobab.addAsset('USD', 2)
    const upstream = await baobab.addPeer('acacia', usd, {
      balance: 10_000n,
      http: { outgoing: { endpoint: 'btp+ws://never-dialled.invalid/', authToken: 'from-baobab' } }
    })
    const payer = createTestPayer(baobab, await baobab.addTarget(usd), clock)
    // Two processes: the same token, and a connection of its own each, kept whether or not anything is sent.
    const processes: { node: BtpNode; peer: Peer }[] = []
    for (const name of ['acacia', 'acacia-2']) {
      const node = await openNode(name)
      const peer = await node.addPeer('baobab', await node.addAsset('USD', 2), {
        balance: 10_000n,
        http: { outgoing: { endpoint: baobab.endpoint, authToken: 'from-acacia' } }
      })
      const accepted = baobab.logged('btp_accepted')
      node.changed(peer.id)
      await accepted
      processes.push({ node, peer })
    }
    let closedCount = 0
    for (const { node } of processes) void node.logged('btp_closed').then(() => (closedCount += 1))
    const giveUpAtMs = clock.nowMs() + 10_000
    const times = { expiresAtMs: giveUpAtMs, giveUpAtMs }
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) => {
        const { node, peer } = processes[index % 2]!
        return node.btp.send(peer, encodePrepare(payer.prepare(10n)), times)
      })
    )
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['answer']))
    expect(await baobab.balance(upstream.id)).toBe(9_000n)
    const back = encodePrepare(prepareOf(clock, 1, { destination: 'test.nowhere' }))
    expect((await baobab.btp.send(upstream, back, times)).kind).toBe('answer')
    expect(closedCount).toBe(0)
    await baobab.audit()
  })

  describe('as the node that is connected to sees them', () => {
    let node: BtpNode
    let peer: Peer
    beforeEach(async () => {
      node = await openNode('acacia')
      peer = await node.addPeer('raw', await node.addAsset('USD', 2), {
        http: { outgoing: { endpoint: 'http://peer/', authToken: 't' } }
      })
    })

    async function connect(processId?: string): Promise<RawPeer> {
      const raw = await openRawPeer(node.port, 'from-raw', processId === undefined ? {} : { processId })
      undo.push(() => raw.socket.terminate())
      return raw
    }

    /** A packet of ours is carried by this connection. */
    async function expectCarriedBy(raw: RawPeer): Promise<void> {
      const giveUpAtMs = clock.nowMs() + 5_000
      const times = { expiresAtMs: giveUpAtMs, giveUpAtMs }
      const bytes = encodePrepare(prepareOf(clock, 1, { destination: 'test.raw' }))
      const outcome = node.btp.send(peer, bytes, times)
      const request = await raw.next()
      if (request.type !== 'message') throw new Error(`no Message: ${request.type}`)
      expect(ilpPacketOf(request)).toEqual(bytes)
      raw.say({ ...ilpMessage(request.requestId, encodeReply(fulfillOf(1))), type: 'response' })
      expect((await outcome).kind).toBe('answer')
    }

    it('the newest carries what we send, and the one before it when that ends', async () => {
      const first = await connect('one')
      const second = await connect('two')
      await expectCarriedBy(second)
      const ended = node.logged('btp_closed')
      second.socket.terminate()
      await ended
      await expectCarriedBy(first)
    })

    it('a second connection of one process, or of one that does not say, replaces its first and no other', async () => {
      const [one, unnamed] = [await connect('one'), await connect()]
      const oneAgain = await connect('one')
      const unnamedAgain = await connect()
      for (const raw of [one, unnamed]) {
        expect(await raw.closed).toEqual({ code: 4000, reason: 'replaced by a newer connection' })
      }
      await expectCarriedBy(unnamedAgain)
      const ended = node.logged('btp_closed')
      unnamedAgain.socket.terminate()
      await ended
      await expectCarriedBy(oneAgain)
    })

    it('are so many at most: the oldest makes room', async () => {
      const raws = []
      for (const processId of ['1', '2', '3', '4']) raws.push(await connect(processId))
      expect(await raws[0]!.closed).toEqual({ code: 4000, reason: 'more than 3 processes of one peer' })
      await expectCarriedBy(raws[3]!)
    })

    it('lose all their connections when the token is taken away', async () => {
      const raws = [await connect('1'), await connect('2')]
      node.peers.set(peer.id, { ...peer, name: 'other' })
      node.changed(peer.id)
      for (const raw of raws) expect((await raw.closed).code).toBe(1008)
    })
  })
})
