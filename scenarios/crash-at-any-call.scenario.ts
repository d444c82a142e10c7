import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A service crashes at any call through a door, from the first request of a payment to its end',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 500n }),
  worlds: ['virtual'],
  reaches: ['a crash', 'the payment completed after a crash', 'the payment was refused'],
  async run({ net, random, sometimes }) {
    const victim = {
      node: random.pick(['acacia', 'baobab']),
      service: random.pick(['backend', 'backend', 'backend', 'auth'] as const)
    }
    const amount = random.pick([{ send: 10_000n }, { receive: 500_000n }])
    const pay = () => net.wallet('alice@acacia').pay('bob@baobab', amount)
    // A quiet payment first: the crash falls on a call that the same payment really makes.
    const calls = net.count(victim)
    await pay().completed()
    const crash = net.fault({
      fault: 'crash',
      ...victim,
      at: { call: random.integer(1, calls()), side: random.pick(['before', 'after']) },
      downMs: random.pick([100, 2_000, 30_000])
    })
    const { state } = await pay().ended(3_600_000)
    sometimes('a crash', crash.struck())
    sometimes('the payment completed after a crash', crash.struck() && state === 'COMPLETED')
    sometimes('the payment was refused', state === 'REFUSED')
  }
})
