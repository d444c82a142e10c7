import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    "The payer's or the receiver's wallet address is closed in the middle of a payment: it ends, no new one begins",
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 20n }),
  worlds: ['virtual', 'local'],
  reaches: ['closed while the payment was SENDING'],
  async run({ net, random, always, sometimes }) {
    const alice = net.wallet('alice@acacia')
    // Nobody closes the incoming payment afterwards: with a closed wallet address neither end may.
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const payment = alice.pay(incoming, { send: 20_000n })
    await payment.until('SENDING')
    const closed = random.pick(['alice@acacia', 'bob@baobab'] as const)
    const [name, node] = closed.split('@') as [string, string]
    const { admin } = net.node(node)
    const { walletAddresses } = await admin.call<{
      walletAddresses: { edges: { node: { id: string; address: string } }[] }
    }>('{ walletAddresses { edges { node { id address } } } }', {})
    const { id } = walletAddresses.edges.find(({ node: { address } }) => address.endsWith(`/${name}`))!.node
    await admin.call(
      'mutation ($input: UpdateWalletAddressInput!) { updateWalletAddress(input: $input) { walletAddress { status } } }',
      { input: { id, status: 'INACTIVE' } }
    )
    sometimes('closed while the payment was SENDING', (await payment.state()) === 'SENDING')
    // A receiver that closed before the payer's node asked it where to send gets nothing; money on its way arrives.
    const { state, sent } = await payment.ended(3_600_000)
    always(
      'a payment of which money is on its way is made',
      state === 'COMPLETED' || (closed === 'bob@baobab' && sent === 0n)
    )
    const late = await alice.pay('bob@baobab', { send: 1_000n }).ended()
    always('a closed wallet address begins no payment', late.state === 'REFUSED')
  }
})
