import { scenario } from '../../scenarios/scenario.ts'
import { line } from '../../topology/builders.ts'

export default scenario({
  title: 'Its own code throws',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net }) {
    net.wallet('nobody@acacia').balance()
  }
})
