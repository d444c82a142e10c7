import { scenario } from '../../scenarios/scenario.ts'
import { line } from '../../topology/builders.ts'

export default scenario({
  title: 'Asks for what is not so',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  reaches: ['a payment at home', 'never'],
  async run({ net, always, sometimes }) {
    await net.wallet('alice@acacia').pay('adam@acacia', { send: 100n }).completed()
    sometimes('a payment at home')
    always('money comes from nowhere', false)
  }
})
