import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'Two nodes change in the middle of a payment what carries their packets: each is delivered and paid once',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    maxPacketAmount: 50n,
    transport: 'btp'
  }),
  worlds: ['virtual'],
  reaches: ['changed while the payment was SENDING'],
  async run({ net, random, always, sometimes }) {
    const [acacia, baobab] = [net.node('acacia'), net.node('baobab')]
    const alice = net.wallet('alice@acacia')
    const bob = net.wallet('bob@baobab')
    // One way over HTTP, the other over BTP; then both over HTTP; then the other way round; and back.
    for (const change of [
      () => acacia.reachPeerOver('baobab', 'http'),
      () => baobab.reachPeerOver('acacia', 'http'),
      () => acacia.reachPeerOver('baobab', 'btp'),
      () => baobab.reachPeerOver('acacia', 'btp')
    ]) {
      const payments = [
        alice.pay('bob@baobab', { send: 10_000n }),
        bob.pay('alice@acacia', { send: 1_000_000n })
      ]
      await payments[0]!.until('SENDING')
      await net.sleep(random.integer(0, 60))
      sometimes('changed while the payment was SENDING', (await payments[0]!.state()) === 'SENDING')
      await change()
      for (const payment of payments) {
        const { sent, debit } = await payment.completed(3_600_000)
        always('it sent no more than was agreed', sent <= debit)
      }
    }
  }
})
