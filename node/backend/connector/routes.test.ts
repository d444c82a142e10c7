import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePrepare, encodeReply, isPacketError } from '../../ilp/index.ts'
import type { IlpReply } from '../../ilp/index.ts'
import { createManualClock } from '../../runtime/index.ts'
import type { ManualClock } from '../../runtime/index.ts'
import type { Peer } from '../peers/model.ts'
import { createTestNode, createTestPayer, fulfillOf, prepareOf } from './connector.test-support.ts'
import type { TestNode } from './connector.test-support.ts'
import { pipeline } from './pipeline.ts'
import { createScene } from './scene.test-support.ts'
import type { Transport } from './transport.ts'

const CREDIT = 10_000n
const HOP_MS = 10

interface Ring {
  clock: ManualClock
  /** The last is `test.far`, where a payment may end. */
  nodes: TestNode[]
  payer: Peer
  /** Prepares that each node got. */
  hops: number[]
  far: TestNode
}

/** Nodes that all peer with each other. `next[i]` is where node i sends what is for `test.far`. */
async function connect(next: readonly number[]): Promise<Ring> {
  const clock = createManualClock()
  const count = next.length + 1
  const nameOf = (index: number) => (index === next.length ? 'far' : `n${index}`)
  const nodes: TestNode[] = []
  const hops: number[] = Array.from({ length: count }, () => 0)
  const peersAt: Map<string, Peer>[] = []

  const transportOf = (from: number): Transport => ({
    async send(peer, bytes) {
      const prepare = decodePrepare(bytes)
      if (isPacketError(prepare)) throw new Error(prepare.reason)
      const to = nodes.findIndex((_node, index) => nameOf(index) === peer.name)
      hops[to]! += 1
      await clock.sleep(HOP_MS)
      const reply = await nodes[to]!.connector.handle(peersAt[to]!.get(nameOf(from))!, prepare)
      await clock.sleep(HOP_MS)
      return { kind: 'answer', bytes: encodeReply(reply) }
    },
    close: async () => undefined
  })

  for (let index = 0; index < count; index++) {
    // A Reject that comes round a loop bears the node's own name without being its own.
    const override = { steps: pipeline }
    nodes.push(createTestNode({ name: nameOf(index), clock, transport: transportOf(index), override }))
  }
  let payer: Peer | undefined
  for (const [index, node] of nodes.entries()) {
    const asset = await node.addAsset('USD', 2)
    const peers = new Map<string, Peer>()
    for (let other = 0; other < count; other++) {
      if (other === index) continue
      const isNext = next[index] === other
      // Neighbours that are not on the way are known by their own address only.
      const routes = isNext ? ['test.far'] : [`test.other.${nameOf(other)}`]
      peers.set(nameOf(other), await node.addPeer(nameOf(other), asset, { balance: CREDIT, routes }))
    }
    peersAt.push(peers)
    if (index === 0) payer = await node.addPeer('payer', asset, { balance: CREDIT })
    if (index === count - 1) await node.addTarget(asset)
  }
  return { clock, nodes, payer: payer!, hops, far: nodes.at(-1)! }
}

async function answered(clock: ManualClock, pending: Promise<IlpReply>): Promise<IlpReply> {
  let answer: IlpReply | undefined
  void pending.then((reply) => (answer = reply))
  await clock.advance(31_000)
  if (answer === undefined) throw new Error('no answer before the expiry')
  return answer
}

/** Nothing is held anywhere, and all books balance. */
async function expectAllFree(nodes: readonly TestNode[]): Promise<void> {
  for (const node of nodes) {
    expect([node.address, await node.pendingCount()]).toEqual([node.address, 0])
    await node.audit()
  }
}

async function balances({ nodes }: Ring): Promise<bigint[]> {
  return Promise.all(nodes.flatMap((node) => [...node.peers.keys()].map((id) => node.balance(id))))
}

describe('a loop of routes', () => {
  it('ends with R02 after one round, and every reservation is free again', async () => {
    const ring = await connect([1, 2, 0])
    const { clock, nodes, payer, hops } = ring
    const before = await balances(ring)
    const prepare = prepareOf(clock, 1, { destination: 'test.far.x', amount: 100n })
    const startedMs = clock.nowMs()
    let answeredMs = 0
    const pending = nodes[0]!.connector.handle(payer, prepare)
    void pending.then(() => (answeredMs = clock.nowMs()))
    expect(await answered(clock, pending)).toMatchObject({
      type: 'reject',
      code: 'R02',
      triggeredBy: 'test.n1'
    })
    expect(hops).toEqual([1, 2, 1, 0])
    // Not after the 30 s that the packet had.
    expect(answeredMs - startedMs).toBeLessThan(1_000)
    await expectAllFree(nodes)
    expect(await balances(ring)).toEqual(before)
  })

  it('of a packet without money ends with R02 when its time is used up', async () => {
    const { clock, nodes, payer, hops } = await connect([1, 2, 0])
    const prepare = prepareOf(clock, 1, {
      destination: 'test.far.x',
      amount: 0n,
      expiresAtMs: clock.nowMs() + 30_000
    })
    const answer = await answered(clock, nodes[0]!.connector.handle(payer, prepare))
    expect(answer).toMatchObject({ type: 'reject', code: 'R02' })
    const total = hops.reduce((sum, count) => sum + count, 0)
    // Each hop takes a second off.
    expect(total).toBeGreaterThan(20)
    expect(total).toBeLessThanOrEqual(30)
  })
})

describe('routes over any number of nodes', () => {
  const graph = fc
    .integer({ min: 1, max: 5 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, () => fc.nat(count))))
    .map((next) => next.map((to, index) => (to === index ? next.length : to)))

  /** Where a packet from outside ends that follows `next` from node 0, and never goes back to whom it came from. */
  function fate(next: readonly number[]): { code: 'F02' | 'R02' } | { hops: number } {
    const edges = new Set<string>()
    let from = -1
    for (let at = 0, hops = 0; ; hops++) {
      if (at === next.length) return { hops }
      const to = next[at]!
      if (to === from) return { code: 'F02' }
      if (edges.has(`${at} ${to}`)) return { code: 'R02' }
      edges.add(`${at} ${to}`)
      ;[from, at] = [at, to]
    }
  }

  it('lead to the account or to a coded refusal, and hold nothing afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(graph, async (next) => {
        const ring = await connect(next)
        const { clock, nodes, payer, far } = ring
        const [asset] = [...far.peers.values()].map((peer) => peer.asset)
        const stream = createTestPayer(far, await far.addTarget(asset!), clock)
        const before = await balances(ring)
        const answer = await answered(clock, nodes[0]!.connector.handle(payer, stream.prepare(100n)))
        await expectAllFree(nodes)
        const expected = fate(next)
        if ('code' in expected) {
          expect(answer).toMatchObject({ type: 'reject', code: expected.code })
          expect(await balances(ring)).toEqual(before)
        } else {
          expect(answer.type).toBe('fulfill')
          expect(await nodes[0]!.balance(payer.id)).toBe(CREDIT - 100n)
        }
      }),
      { numRuns: 60 }
    )
  })
})

describe('the packet that the next hop gets', () => {
  it('is the one that came, but for its amount and its expiry', async () => {
    const { clock, node, transport, alice, toCarol } = await createScene()
    const prepare = toCarol(1, {
      amount: 100n,
      data: Buffer.from('as it came'),
      expiresAtMs: clock.nowMs() + 20_000
    })
    const pending = node.connector.handle(alice, prepare)
    await clock.advance(0)
    expect(transport.sent.map((sent) => sent.prepare)).toEqual([
      { ...prepare, amount: 9_100n, expiresAtMs: prepare.expiresAtMs - 1_000 }
    ])
    transport.sent[0]!.answer(fulfillOf(1))
    await clock.advance(0)
    expect(await pending).toMatchObject({ type: 'fulfill' })
  })
})
