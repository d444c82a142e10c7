import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A backend ends in the middle of a payment and is started again: of the payer, of the receiver',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 20n }),
  worlds: ['virtual', 'local'],
  reaches: ['ended while SENDING'],
  async run({ net, random, sometimes }) {
    for (const name of ['acacia', 'baobab']) {
      const payment = net.wallet('alice@acacia').pay('bob@baobab', { send: 20_000n })
      const state = await payment.until('SENDING')
      await net.sleep(random.integer(0, 150))
      sometimes('ended while SENDING', state === 'SENDING')
      const node = net.node(name)
      await node.kill('backend')
      await net.sleep(random.integer(0, 1_000))
      await node.restart('backend')
      await payment.completed()
    }
  }
})
