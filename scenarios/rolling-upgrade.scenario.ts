import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'A node is upgraded in the middle of payments: a new process migrates the database and starts beside the old one, which ends then',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    maxPacketAmount: 50n,
    hasKeyFiles: true
  }),
  worlds: ['virtual'],
  reaches: ['payments were SENDING when the old process ended'],
  async run({ net, random, always, sometimes }) {
    const node = net.node(random.pick(['acacia', 'baobab']))
    const alice = net.wallet('alice@acacia')
    const payments = [
      alice.pay('bob@baobab', { send: 15_000n }),
      net.wallet('bella@baobab').pay('adam@acacia', { send: 1_000_000n })
    ]
    await net.sleep(random.integer(0, 600))
    await node.startSecond()
    node.leadTo('second')
    for (const payment of payments) await payment.until('SENDING')
    await net.sleep(random.integer(0, 100))
    const states = await Promise.all(payments.map((payment) => payment.state()))
    sometimes('payments were SENDING when the old process ended', states.includes('SENDING'))
    await node.kill('backend')
    for (const payment of payments) {
      const { sent, debit } = await payment.completed(3_600_000)
      always('it sent no more than was agreed', sent <= debit)
    }
    await alice.pay('bob@baobab', { send: 1_000n }).completed()
  }
})
