import { scenario } from '../../../scenarios/scenario.ts'
import { line } from '../../../topology/builders.ts'

export default scenario({
  title: 'One payment between two nodes',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/2' } }),
  worlds: ['virtual'],
  reaches: ['a payment'],
  async run({ net, sometimes }) {
    await net.wallet('alice@acacia').pay('bob@baobab', { send: 100n }).completed()
    sometimes('a payment')
  }
})
