import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A payment of each kind: fixed send, fixed receive, open amount; to a neighbour and at home',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    sendingFee: { fixed: 10n, basisPoints: 100 }
  }),
  worlds: ['virtual', 'local'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const amount = BigInt(random.integer(1_000, 50_000))
    for (const to of ['adam@acacia', 'bob@baobab']) {
      const receiver = net.wallet(to)
      const before = receiver.balance()

      const sent = await alice.pay(to, { send: amount }).completed()
      always('a fixed send costs what was said', sent.debit === amount)

      const received = await alice.pay(to, { receive: amount }).completed()
      always('a fixed receive delivers what was said', received.promised === amount)

      const open = await receiver.openIncomingPayment()
      await alice.pay(open, { send: amount }).completed()
      await open.complete()

      const promised = sent.promised + amount + (await open.read()).received
      await net.until(`${to} has it`, () => receiver.balance() - before >= promised)
    }
  }
})
