import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Three hops with two changes of currency: fixed send and fixed receive',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4', cedar: 'MXN/2' }, link: ['USD/2', 'EUR/4'] }),
  worlds: ['virtual', 'local'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const carol = net.wallet('carol@cedar')
    const before = carol.balance()
    const sent = await alice.pay('carol@cedar', { send: BigInt(random.integer(100, 20_000)) }).completed()
    const receive = BigInt(random.integer(100, 200_000))
    const received = await alice.pay('carol@cedar', { receive }).completed()
    always('a fixed receive promises what was said', received.promised === receive)
    await net.until('carol has both', () => carol.balance() - before >= sent.promised + receive)
  }
})
