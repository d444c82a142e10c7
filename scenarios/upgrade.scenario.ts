import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A node is started again, as for an upgrade: its books go on where they were',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual', 'local'],
  async run({ net, random }) {
    const alice = net.wallet('alice@acacia')
    const acacia = net.node('acacia')
    await alice.pay('adam@acacia', { send: BigInt(random.integer(100, 1_000)) }).completed()
    await acacia.kill('backend')
    await net.sleep(random.integer(100, 5_000))
    await acacia.restart('backend')
    await alice.pay('adam@acacia', { send: BigInt(random.integer(100, 1_000)) }).completed()
  }
})
