import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'The clocks of two nodes differ: a little, and by more than any packet lives until somebody sets them right',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 50n }),
  worlds: ['virtual'],
  latency: { networkMs: [10, 40], databaseMs: [1, 3] },
  reaches: ['paid in spite of clocks that differ', 'the payment waited until the clocks were right'],
  async run({ net, random, always, sometimes }) {
    const pay = () => net.wallet('alice@acacia').pay('bob@baobab', { send: 20_000n })
    const step = (node: string, stepMs: number): void =>
      void net.fault({
        fault: 'clock',
        node,
        service: 'backend',
        afterMs: random.integer(0, 200),
        stepMs
      })
    const first = pay()
    await first.until('SENDING')
    step(random.pick(['acacia', 'baobab']), random.pick([-2_000, -400, 400, 2_000]))
    const little = await first.ended(3_600_000)
    always('it sent no more than was agreed', little.sent <= little.debit)
    sometimes('paid in spite of clocks that differ', little.state === 'COMPLETED')

    // What the payer's node sends has expired when it arrives, by the receiver's clock.
    const second = pay()
    await second.until('SENDING')
    const beganMs = Date.now()
    step('baobab', 20_000)
    await net.sleep(random.integer(12_000, 20_000))
    step('baobab', -20_000)
    const { state, sent, debit } = await second.ended(3_600_000)
    always('it sent no more than was agreed', sent <= debit)
    const waited = Date.now() - beganMs > 12_000
    sometimes('the payment waited until the clocks were right', waited && state === 'COMPLETED')
  }
})
