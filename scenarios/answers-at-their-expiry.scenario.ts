import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'Answers to packets come when the packets expire: a little before, at that millisecond, a little after',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 500n }),
  worlds: ['virtual'],
  latency: { networkMs: [1, 1], databaseMs: [1, 1] },
  reaches: ['an answer was late', 'the payment completed'],
  async run({ net, random, sometimes }) {
    const alice = net.wallet('alice@acacia')
    const packets = net.count({ node: 'baobab', door: 'connector', at: 'answer' })
    await alice.pay('bob@baobab', { send: 10_000n }).completed()
    // Packets live for 10 seconds at their sender; what they meet on their way takes some of it.
    const fault = net.fault({
      fault: 'connection',
      node: 'baobab',
      door: 'connector',
      at: random.pick(['answer', 'answer', 'request'] as const),
      nth: random.integer(1, packets()),
      then: { stallMs: 10_000 - random.integer(0, 3_100) }
    })
    const payment = alice.pay('bob@baobab', { send: 10_000n })
    const { state } = await payment.ended(3_600_000)
    sometimes('an answer was late', fault.struck())
    sometimes('the payment completed', state === 'COMPLETED')
  }
})
