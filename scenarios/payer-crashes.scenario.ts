import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

/** What a unit of the payer's is worth to the receiver, and one of rounding. */
const ONE_UNITS_WORTH = 93n

export default scenario({
  title: 'The payer’s backend crashes while packets are in flight: what arrived is not paid again',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 20n }),
  worlds: ['virtual'],
  latency: { networkMs: [5, 20], databaseMs: [1, 3] },
  reaches: ['crashed while SENDING'],
  async run({ net, random, always, sometimes }) {
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const payment = net.wallet('alice@acacia').pay(incoming, { send: 4_000n })
    await payment.until('SENDING')
    await net.sleep(random.integer(100, 400))
    sometimes('crashed while SENDING', (await payment.state()) === 'SENDING')
    const acacia = net.node('acacia')
    await acacia.kill('backend')
    await acacia.restart('backend')
    const { promised } = await payment.completed()
    const { received } = await incoming.read()
    always('the receiver has what was promised', received >= promised)
    always('the receiver has no more than was promised', received <= promised + ONE_UNITS_WORTH)
  }
})
