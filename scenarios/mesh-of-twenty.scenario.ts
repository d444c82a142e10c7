import { scenario } from '../sim/scenarios/scenario.ts'
import { mesh } from '../sim/topology/builders.ts'

const PAYMENTS = 12

const topology = mesh({
  size: 20,
  assets: ['USD/2', 'EUR/4', 'MXN/2'],
  link: 'USD/4',
  chord: 7,
  maxPacketAmount: 100_000n
})

export default scenario({
  title:
    'Twenty nodes that peer with four others each: who likes pays whom, all at once, and everything arrives',
  topology,
  worlds: ['virtual'],
  async run({ net, random, always }) {
    const accounts = topology.nodes.map(({ name }) => `at-${name}@${name}`)
    const paid = []
    for (let index = 0; index < PAYMENTS; index++) {
      const from = random.integer(0, accounts.length - 1)
      const to = (from + random.integer(1, accounts.length - 1)) % accounts.length
      const amount = BigInt(random.integer(1_000, 20_000))
      const kind = random.pick(['send', 'receive'] as const)
      paid.push(
        net
          .wallet(accounts[from]!)
          .pay(accounts[to]!, kind === 'send' ? { send: amount * 10n } : { receive: amount })
      )
      await net.sleep(random.integer(0, 300))
    }
    for (const payment of paid) {
      const { sent, debit } = await payment.completed(3_600_000)
      always('it sent no more than was agreed', sent <= debit)
    }
  }
})
