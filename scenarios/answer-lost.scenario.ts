import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'An answer is lost after its request was processed: at each door on the way of a payment',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 500n }),
  worlds: ['virtual'],
  reaches: ['an answer was lost', 'the payment completed after that'],
  faults: (random) => [
    {
      fault: 'connection',
      node: random.pick(['acacia', 'baobab']),
      door: random.pick([
        'connector',
        'connector',
        'openPayments',
        'admin',
        'auth',
        'introspection',
        'wallet',
        'database'
      ]),
      at: random.pick(['answer', 'answer', 'request']),
      nth: random.integer(1, 25),
      then: random.pick(['reset' as const, { stallMs: 3_000 }, { stallMs: 40_000 }])
    }
  ],
  async run({ net, sometimes }) {
    const outcome = await net.wallet('alice@acacia').pay('bob@baobab', { send: 10_000n }).ended(3_600_000)
    const lost = net.touched.size > 0
    sometimes('an answer was lost', lost)
    sometimes('the payment completed after that', lost && outcome.state === 'COMPLETED')
  }
})
