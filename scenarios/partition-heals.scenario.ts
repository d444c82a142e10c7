import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'The two sides of a link lose each other in the middle of a payment, and find each other again',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 20n }),
  worlds: ['virtual'],
  reaches: ['packets were under way when it struck'],
  async run({ net, random, sometimes }) {
    const payment = net.wallet('alice@acacia').pay('bob@baobab', { send: 20_000n })
    await payment.until('SENDING')
    const partition = net.fault({
      fault: 'partition',
      between: ['acacia', 'baobab'],
      afterMs: random.integer(0, 200),
      forMs: random.pick([500, 5_000, 20_000, 60_000])
    })
    await payment.ended(3_600_000)
    sometimes('packets were under way when it struck', partition.struck())
  }
})
