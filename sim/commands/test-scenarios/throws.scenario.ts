import { scenario } from '../../scenarios/scenario.ts'

export default scenario({
  title: 'Its own code throws',
  topology: { name: 'nobody', nodes: [], links: [], payments: [] },
  worlds: ['virtual'],
  async run({ net }) {
    net.wallet('nobody@acacia').balance()
  }
})
