import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Rates jump while a payment is sent: it keeps what was promised, or ends without losing anything',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    maxPacketAmount: 20n,
    slippage: '0.02'
  }),
  worlds: ['virtual'],
  reaches: ['the new rate was too low for the promise', 'the promise was kept after the jump'],
  async run({ net, random, always, sometimes }) {
    const payment = net.wallet('alice@acacia').pay('bob@baobab', { send: 20_000n })
    await payment.until('SENDING')
    const permille = random.pick([900, 970, 995, 1_001, 1_100, 2_000])
    net.node('baobab').changeRate('USD', 'EUR', permille)
    // Rates that were read stay good for a minute; a payment that waits so long meets the new ones.
    if (random.integer(0, 1) === 1) {
      net.fault({ fault: 'partition', between: ['acacia', 'baobab'], afterMs: 0, forMs: 90_000 })
    }
    const { state, sent, debit, promised } = await payment.ended(3_600_000)
    const { incoming } = await payment.created
    const { received } = await incoming.read()
    always('it sent no more than was agreed', sent <= debit)
    always('who completed delivered what was promised', state !== 'COMPLETED' || received >= promised)
    sometimes('the new rate was too low for the promise', state === 'FAILED')
    sometimes('the promise was kept after the jump', state === 'COMPLETED')
  }
})
