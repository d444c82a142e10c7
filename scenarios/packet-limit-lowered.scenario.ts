import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'A peer takes only smaller packets from the middle of a payment on: more is lost to rounding, what came before bears it',
  topology: line({
    nodes: { acacia: 'USD/4', baobab: 'EUR/2' },
    link: 'USD/4',
    slippage: '0.1',
    peerLiquidity: 10_000n,
    maxPacketAmount: 1_000n
  }),
  worlds: ['virtual', 'local'],
  reaches: ['the payment waited for liquidity'],
  async run({ net, always, sometimes }) {
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const payment = net.wallet('alice@acacia').pay(incoming, { send: 20_000n })
    const baobab = net.node('baobab')
    await net.until('the liquidity is used up', async () => (await baobab.peerLiquidity('acacia')) < 1_000n)
    sometimes('the payment waited for liquidity', (await payment.state()) === 'SENDING')
    await baobab.limitPackets('acacia', 300n)
    await baobab.depositPeerLiquidity('acacia', 100_000n)
    const { promised } = await payment.completed()
    always('the receiver has what was promised', (await incoming.read()).received >= promised)
  }
})
