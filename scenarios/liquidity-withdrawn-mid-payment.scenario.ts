import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'The operator withdraws what a peer may still send, in the middle of its payment, and gives it back',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    peerLiquidity: 200_00n,
    maxPacketAmount: 20n
  }),
  worlds: ['virtual', 'local'],
  reaches: ['the payment waited for liquidity'],
  async run({ net, always, sometimes }) {
    const payment = net.wallet('alice@acacia').pay('bob@baobab', { send: 150_00n })
    await payment.until('SENDING')
    const baobab = net.node('baobab')
    // What is under way is reserved: only what is free can be withdrawn.
    const free = await baobab.peerLiquidity('acacia')
    const withdrawn = free - 5_00n
    await baobab.withdrawPeerLiquidity('acacia', withdrawn).catch(async () => {
      // Packets took some of it meanwhile.
      await baobab.withdrawPeerLiquidity('acacia', (await baobab.peerLiquidity('acacia')) / 2n)
    })
    await net.sleep(5_000)
    sometimes('the payment waited for liquidity', (await payment.state()) === 'SENDING')
    await baobab.depositPeerLiquidity('acacia', 200_00n)
    const { sent, debit } = await payment.completed(3_600_000)
    always('it sent no more than was agreed', sent <= debit)
  }
})
