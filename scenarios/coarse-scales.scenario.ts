import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'From a fine scale to a coarse one in small packets: rounding stops no payment',
  topology: line({
    nodes: { acacia: 'USD/4', baobab: 'EUR/2' },
    link: 'USD/4',
    maxPacketAmount: 1_000n,
    slippage: '0.1'
  }),
  worlds: ['virtual'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const sent = await alice.pay('bob@baobab', { send: BigInt(random.integer(5_000, 20_000)) }).completed()
    always('something was promised', sent.promised > 0n)
    const receive = BigInt(random.integer(40, 200))
    await alice.pay('bob@baobab', { receive }).completed()
  }
})
