import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A service crashes at any call through a door, from the first request of a payment to its end',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 100n }),
  worlds: ['virtual'],
  reaches: ['a crash', 'the payment completed after a crash', 'the payment was refused'],
  faults: (random) => [
    {
      fault: 'crash',
      node: random.pick(['acacia', 'baobab']),
      service: random.pick(['backend', 'backend', 'backend', 'auth']),
      at: { call: random.integer(1, 150), side: random.pick(['before', 'after']) },
      downMs: random.pick([100, 2_000, 30_000])
    }
  ],
  async run({ net, random, sometimes }) {
    const payment = net
      .wallet('alice@acacia')
      .pay('bob@baobab', random.pick([{ send: 10_000n }, { receive: 500_000n }]))
    const { state } = await payment.ended(3_600_000)
    const crashed = net.touched.size > 0
    sometimes('a crash', crashed)
    sometimes('the payment completed after a crash', crashed && state === 'COMPLETED')
    sometimes('the payment was refused', state === 'REFUSED')
  }
})
