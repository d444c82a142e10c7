import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A peer lowers the largest packet that it takes in the middle of a payment: smaller ones go on',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 100n }),
  worlds: ['virtual', 'local'],
  reaches: ['it was lowered while the payment was SENDING'],
  async run({ net, random, always, sometimes }) {
    const payment = net.wallet('alice@acacia').pay('bob@baobab', { send: 20_000n })
    await payment.until('SENDING')
    await net.node('baobab').limitPackets('acacia', BigInt(random.integer(3, 60)))
    sometimes('it was lowered while the payment was SENDING', (await payment.state()) === 'SENDING')
    const { sent, debit } = await payment.completed(3_600_000)
    always('it sent no more than was agreed', sent <= debit)
  }
})
