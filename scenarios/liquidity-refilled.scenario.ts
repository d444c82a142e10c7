import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Liquidity runs out in the middle of a payment and is refilled',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    peerLiquidity: 50_00n,
    maxPacketAmount: 5_00n
  }),
  worlds: ['virtual', 'local'],
  reaches: ['the payment waited for liquidity'],
  async run({ net, always, sometimes }) {
    const payment = net.wallet('alice@acacia').pay('bob@baobab', { send: 100_00n })
    const baobab = net.node('baobab')
    await net.until('the liquidity is used up', async () => (await baobab.peerLiquidity('acacia')) < 5_00n)
    await net.sleep(2_000)
    sometimes('the payment waited for liquidity', (await payment.state()) === 'SENDING')
    await baobab.depositPeerLiquidity('acacia', 100_00n)
    const { sent, debit } = await payment.completed()
    always('it sent no more than was agreed', sent <= debit)
  }
})
