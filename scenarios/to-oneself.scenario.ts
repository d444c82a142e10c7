import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A customer pays herself: the same account, and another of her node with another asset at the link',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'EUR/4',
    sendingFee: { fixed: 3n, basisPoints: 50 }
  }),
  worlds: ['virtual', 'local'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const amount = BigInt(random.integer(100, 10_000))
    const before = alice.balance()
    const { debit, promised, state } = await alice.pay('alice@acacia', { receive: amount }).ended()
    always('it is made', state === 'COMPLETED')
    always('she gets what was said', promised === amount)
    await net.until('she paid the fee and nothing else', () => alice.balance() === before - debit + amount)
  }
})
