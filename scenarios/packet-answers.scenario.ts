import { createFulfill, createReject } from '../node/ilp/index.ts'
import type { PeerReply } from '../sim/actors/packet-peer.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'A byzantine peer: wrong fulfillments, rejects, noise and broken connections pay nothing and cost nothing',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const asset = 'USD/2'
    const yak = await net.packetPeer('acacia', { name: 'yak', asset, liquidity: 10_000n })
    const zebra = await net.packetPeer('acacia', { name: 'zebra', asset, liquidity: 0n })
    const before = await yak.liquidity()
    const answers: Record<string, PeerReply> = {
      'a wrong fulfillment': createFulfill(Buffer.alloc(32, random.integer(0, 255))),
      'a Reject': createReject('F99', { triggeredBy: zebra.address, message: 'no' }),
      'noise instead of a packet': Buffer.from('no packet'),
      'a broken connection': 'hangUp'
    }
    for (const [what, answer] of Object.entries(answers)) {
      does(`yak sends 100 to zebra, which answers ${what}`)
      zebra.answer = () => answer
      const reply = await yak.send({ destination: zebra.address, amount: 100n, expiresInMs: 4_000 })
      always(`${what} pays nothing`, reply.type === 'reject')
      // A packet whose answer was lost is voided when it can no longer be fulfilled.
      await net.sleep(answer === 'hangUp' || Buffer.isBuffer(answer) ? 6_000 : 1_000)
      always('what was reserved is free again when a packet ended', (await yak.liquidity()) === before)
      always('nothing was paid', (await zebra.liquidity()) === 0n)
    }
  }
})
